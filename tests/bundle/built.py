"""Does every built function import, with what its layers and the Lambda runtime hold and nothing else? Is there no secret in it?

Run after `sam build` for this machine's platform: `python tests/bundle/built.py .aws-sam/build`. The runtime's packages (boto3
and what it needs) are linked from the environment that runs this, so a dependency that a layer lacks cannot hide there.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution, files
from pathlib import Path

RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
ON_FIRST_USE = {  # what functions load only when they need it, by the layer that has to hold it
    "SharedLayer": ("razorpay", "sentry_sdk", "jwt.algorithms", "cryptography.hazmat.primitives.asymmetric.rsa"),
    "AiLayer": ("openai", "google.generativeai", "pypdfium2", "docx"),
}
KEY = re.compile(
    rb"\bsk-[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{30,}|\brzp_live_[A-Za-z0-9]{6,}|\bAKIA[A-Z0-9]{16}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\."
)
LOCAL_VALUES = (
    b"local-key-secret",
    b"local-webhook-secret",
    b"rzp_test_local",
)  # no secrets, and yet nothing for the cloud
NO_PLACE = re.compile(r"^\.env|\.(key|p12|pfx|jks)$|^id_(rsa|ed25519)")  # names of files that hold secrets
PROGRAM = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
PROGRAM += "; from importlib.metadata import version; version('razorpay')"  # which the SDK asks at every request


def main(build: Path) -> int:
    """Import each handler's module in a fresh, isolated process; the number of those that fail."""
    functions = [path for path in sorted(build.iterdir()) if (path / "subscription").is_dir()]
    failures = 0
    with tempfile.TemporaryDirectory() as runtime:
        link_runtime(Path(runtime))
        for module in sorted(modules(functions[0])):
            layers = ["SharedLayer", "AiLayer"] if module.startswith("ai.") else ["SharedLayer"]
            path = [functions[0], *(build / layer / "python" for layer in layers), Path(runtime)]
            failures += not imports([module, *(name for layer in layers for name in ON_FIRST_USE[layer])], path)
        print(f"{len(modules(functions[0])) - failures} of {len(modules(functions[0]))} built handlers import")  # noqa: T201 -- a script
    found = list(secrets(build))
    print(f"{len(found)} secrets in the package: {', '.join(map(str, found)) or 'none'}")  # noqa: T201 -- a script
    return failures + len(found)


def secrets(build: Path) -> Iterator[Path]:
    """Files that hold what looks like a secret: by their name anywhere, by their content where we wrote them."""
    for path in (each for each in build.rglob("*") if each.is_file()):
        parts = path.relative_to(build).parts
        ours = "python" not in parts or "tollgate" in parts  # elsewhere a layer holds libraries
        if NO_PLACE.search(path.name) or (ours and holds_a_secret(path.read_bytes())):
            yield path


def holds_a_secret(content: bytes) -> bool:
    """Whether a file's content is, or holds, what nobody else may have."""
    return bool(KEY.search(content)) or any(each in content for each in LOCAL_VALUES)


def modules(function: Path) -> set[str]:
    """The handlers' modules in a built function; all functions are built from the same sources."""
    return {".".join(path.relative_to(function).with_suffix("").parts) for path in function.glob("*/*.py")}


def imports(names: list[str], path: list[Path]) -> bool:
    """Whether these modules import with that path alone, and Razorpay's SDK finds its own version on it."""
    setup = f"import sys; sys.path[:0] = {json.dumps([str(part) for part in path])}; "
    command = [sys.executable, "-I", "-S", "-B", "-W", "ignore", "-c", setup + PROGRAM, *names]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 -- our own build
    if done.returncode:
        print(f"{names[0]}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)  # noqa: T201 -- a script
    return done.returncode == 0


def link_runtime(runtime: Path) -> None:
    """Stand in for the packages that the Lambda runtime carries."""
    for name in RUNTIME:
        for top in {Path(file.parts[0]) for file in files(name) or () if file.parts[0] not in {"..", "__pycache__"}}:
            target = runtime / top
            if not target.exists():
                target.symlink_to(Path(str(distribution(name).locate_file(top))).resolve())


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1]).resolve()), 1))
