"""`python -m tests.security.fuzz`: schemathesis reads the API's own description and tries the running local stack.

Nothing may answer 5xx, in a status, a kind or a shape that the description does not name, or to somebody who proves nothing.
What the gateway itself answers, such as 404 to a method nobody serves, is the platform's and not asked about. The same seed makes
the same requests.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from bench.load import Site, site
from local import control
from local.settings import LOCAL_VALUES, ROOT

SCHEMATHESIS = ROOT / ".venv-fuzz" / "bin" / "schemathesis"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
CALLERS = (
    "admin",
    "free",
)  # an administrator with a premium plan, to whom nothing is closed; and somebody who has nothing
# A deleted account is answered 410 everywhere, and an ended token 401, so whoever deletes or signs out goes last and alone.
SIGN_OUT = "/api/account/sign-out"
ROUNDS = {
    "": ["--exclude-method", "DELETE", "--exclude-path", SIGN_OUT],
    "-out": ["--include-path", SIGN_OUT],
    "-gone": ["--include-method", "DELETE"],
}


def main(arguments: Sequence[str]) -> int:
    """Each kind of caller, one after the other; the exit status of the worst one."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description=__doc__)
    parser.add_argument("--callers", nargs="+", choices=CALLERS, default=CALLERS)
    parser.add_argument("--examples", type=int, default=40, help="drawn for each operation, besides those of its edges")
    parser.add_argument("--seed", type=int, default=1)
    given, worst = parser.parse_args(arguments), 0
    with tempfile.TemporaryDirectory(prefix="tollgate-fuzz-") as scratch, site(Path(scratch)) as running:
        for caller in given.callers:
            for name, operations in ROUNDS.items():
                token = prepared(running, caller, name)
                command = [str(SCHEMATHESIS), "run", f"{running.api}/api/openapi.json", "--no-color", *operations]
                command += ["--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS)]
                command += [
                    "--phases",
                    "examples,coverage,fuzzing",
                    "--continue-on-failure",
                    "--generation-database",
                    "none",
                ]
                command += ["--max-examples", str(given.examples), "--seed", str(given.seed), "--warnings", "off"]
                worst = max(worst, subprocess.run(command, cwd=scratch, check=False).returncode)  # noqa: S603 -- our own command
    return worst


def prepared(running: Site, caller: str, name: str) -> str:
    """A token of such a caller, with a plan where they have one."""
    role = "admin" if caller == "admin" else "user"
    token = control.token(LOCAL_VALUES["JWT_SECRET"], datetime.now(UTC), user=f"fuzz-{caller}{name}", role=role)
    if caller == "admin":
        with httpx2.Client(trust_env=False, timeout=60, headers={"authorization": f"Bearer {token}"}) as http:
            made = http.post(f"{running.api}/api/subscription/create-order", json={"tier": "premium", "plan": "yearly"})
            order = made.raise_for_status().json()["orderId"]
            paid = http.post(f"{running.simulators['Razorpay']}/_sim/orders/{order}/pay", json={}).json()
            proof = {name: value for name, value in paid.items() if name.startswith("razorpay_")}
            http.post(f"{running.api}/api/subscription/verify-payment", json=proof).raise_for_status()
    return token


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
