"""Measures the product on this machine: cold starts, CPU a request, database calls, and what stands beside it."""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent

# Where the functions find their modules in the cloud, where the handlers for comparison are, and what both of those share.
PATHS = tuple(str(_ROOT / place) for place in ("functions", "layers/shared", "bench/bare", ""))

sys.path[:0] = [path for path in PATHS if path not in sys.path]
