"""`make fuzz`: schemathesis reads the API's own description and tries the running local stack with what it makes of it.

Nothing may answer 5xx, in a status or in a shape that the description does not name. What the gateway itself answers, such as
404 to a method nobody serves, is the platform's and not asked about.
"""

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.load import site
from local import control
from local.settings import LOCAL_VALUES, ROOT

CHECKS = "not_a_server_error,status_code_conformance,response_schema_conformance"
EXAMPLES = 40  # of each operation


def main() -> int:
    """Both kinds of caller, one after the other; the exit status of the worse one."""
    schemathesis, worst = str(ROOT / ".venv-fuzz" / "bin" / "schemathesis"), 0
    with tempfile.TemporaryDirectory(prefix="tollgate-fuzz-") as scratch, site(Path(scratch)) as running:
        for role in ("user", "admin"):
            token = control.token(LOCAL_VALUES["JWT_SECRET"], datetime.now(UTC), user=f"fuzz-{role}", role=role)
            command = [
                schemathesis,
                "run",
                f"{running.api}/api/openapi.json",
                "--header",
                f"Authorization: Bearer {token}",
            ]
            command += ["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "-n", str(EXAMPLES), "--no-color"]
            worst = max(worst, subprocess.run(command, cwd=scratch, check=False).returncode)  # noqa: S603 -- our own command
    return worst


if __name__ == "__main__":
    sys.exit(main())
