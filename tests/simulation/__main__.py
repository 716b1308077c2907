"""`python -m tests.simulation`: live histories by their seeds, and replay one that broke.

python -m tests.simulation --seeds 10000 --jobs 2
python -m tests.simulation --minutes 60
python -m tests.simulation --replay 4711
python -m tests.simulation year
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(
    os.environ.get("TOLLGATE_SOURCE", ROOT)
)  # of the product, where it is not this one: a copy with a bug in it
sys.path[:0] = [str(SOURCE / "layers" / "shared"), str(SOURCE / "functions"), str(ROOT)]

if __name__ == "__main__":
    from tests.simulation.run import main

    sys.exit(main(sys.argv[1:]))
