"""`tollgate import-users …`, `check-invariants …`, `sign-out …`, `openapi`: the script beside this, or `python -m tools …`."""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str]) -> int:
    """The command named first, with the rest of the arguments; 2 where there is no such command."""
    sys.path[:0] = [str(ROOT / "layers" / "shared"), str(ROOT / "functions")]
    match arguments:
        case ["import-users", *rest]:
            from tools.importer import run  # noqa: PLC0415 -- once it can be found

            return run.main(rest)
        case ["check-invariants", *rest]:
            from tools import invariants  # noqa: PLC0415 -- once it can be found

            return invariants.main(rest)
        case ["sign-out", *rest]:
            from tools import sign_out  # noqa: PLC0415 -- once it can be found

            return sign_out.main(rest)
        case ["openapi"]:
            from tools.openapi import writing  # noqa: PLC0415 -- once it can be found

            writing.write()
            return 0
    sys.stderr.write("usage: tollgate import-users --help | check-invariants --help | sign-out --help | openapi\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
