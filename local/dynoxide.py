"""Fetches dynoxide, the embedded DynamoDB engine: one static binary, pinned by version and hash in pins.json.

`python -m local.dynoxide` does it; `make setup` runs that once.
"""

import base64
import hashlib
import hmac
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent / ".local"
_PINS = Path(__file__).with_name("pins.json")
# Only what can be had and was tried; other machines use the fallback.
_PACKAGES = {("Linux", "x86_64"): "@dynoxide/linux-x64"}
_MEMBER = "package/dynoxide"
_SECONDS = 60.0


class Unavailable(Exception):  # noqa: N818 -- reads as what happened
    """The binary could not be had; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package and the hash it must have; `home` is the folder that takes the binary."""

    name: str
    version: str
    integrity: str
    home: Path = HOME

    @property
    def binary(self) -> Path:
        """Where the binary is, once it was fetched."""
        return self.home / f"dynoxide-{self.version}" / "dynoxide"

    def fetch(self) -> Path:
        """The binary, by npm if it is not there yet. Raises Unavailable, and then leaves nothing behind."""
        if self.binary.exists():
            return self.binary
        npm = shutil.which("npm")
        if npm is None:
            raise Unavailable("npm is not installed")
        with tempfile.TemporaryDirectory() as folder:
            packed = self._packed(npm, Path(folder))
            self._check(packed)
            self._extract(packed)
        return self.binary

    def _packed(self, npm: str, folder: Path) -> Path:
        what = f"{self.name}@{self.version}"
        command = [npm, "pack", what, "--silent", "--fetch-retries=1", "--pack-destination", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS, cwd=folder)  # noqa: S603 -- npm
            return next(folder.glob("*.tgz"))
        except (OSError, subprocess.SubprocessError, StopIteration) as error:
            raise Unavailable(f"npm could not fetch {what}") from error

    def _check(self, packed: Path) -> None:
        kind, _, expected = self.integrity.partition("-")
        found = base64.b64encode(hashlib.new(kind, packed.read_bytes()).digest()).decode()
        if not hmac.compare_digest(found, expected):
            raise Unavailable(f"{self.name}@{self.version} is not the file that was pinned")

    def _extract(self, packed: Path) -> None:
        self.binary.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.binary.with_suffix(".new")
        with tarfile.open(packed) as archive, fresh.open("wb") as out:
            member = archive.extractfile(_MEMBER)
            assert member is not None
            shutil.copyfileobj(member, out)
        fresh.chmod(0o755)
        fresh.replace(self.binary)


def package() -> Package:
    """The package for this machine. Raises Unavailable."""
    name = _PACKAGES.get((platform.system(), platform.machine()))
    if name is None:
        raise Unavailable(f"there is none for {platform.system()} {platform.machine()}")
    pin = json.loads(_PINS.read_text(encoding="utf-8"))[name]
    return Package(name, pin["version"], pin["integrity"])


def binary() -> Path | None:
    """The binary, if it was fetched."""
    try:
        found = package().binary
    except Unavailable:
        return None
    return found if found.exists() else None


def main() -> int:
    """Fetch it. Without it the stack still runs, so a failure is a notice and not an error."""
    try:
        package().fetch()
    except Unavailable as why:
        sys.stderr.write(f"No dynoxide: {why}. The slower ministack will be the database instead.\n")
        sys.stderr.write("To try again: rm .local/.engine && make setup\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
