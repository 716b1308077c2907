"""What is uploaded of each function, zipped: its own package, and the layers that it mounts."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from packaging.markers import Marker

from bench import report
from bench.report import Goal, UnmeasuredError
from bench.rounds import PEERS
from bench.session import Session
from local.settings import ROOT

MEGABYTE = 1_000_000
PACKAGE, SHARED, AI = "a function's own package", "shared layer", "AI layer"
FASTAPI, LITELLM = "FastAPI + Mangum + pydantic, as one package", "litellm[proxy], as one package"
# What the layers' Makefiles throw away.
UNWANTED = ("/swagger_ui/", "/discovery_cache/documents/", "__pycache__", "/bin/", "../")
UNCALLED = tuple(f"google/ai/generativelanguage_{version}/" for version in ("v1", "v1alpha", "v1beta2", "v1beta3"))


def sizes(session: Session) -> list[Goal]:
    """Print and save them."""
    ours = {PACKAGE: _functions, SHARED: _shared, AI: _ai}
    found: dict[str, int] = {}
    for name, files in ours.items():
        if size := session.attempt(name, partial(_size_of, files)):
            found[name] = size
    if PEERS.exists():
        for name, wanted in ((FASTAPI, ("fastapi", "mangum")), (LITELLM, ("litellm",))):
            if size := session.attempt(name, partial(_of_peers, wanted)):
                found[name] = size
    report.table(
        "Size zipped, MB",
        ("what", "MB"),
        [[name, f"{size / MEGABYTE:.2f}"] for name, size in found.items()],
        "All functions share one package of source files; libraries are in the layers, which are uploaded once. Layers are put\n"
        "together from the installed libraries by the rules of their Makefiles, for this machine's platform, without bytecode.",
    )
    report.save("sizes", session.facts, found)
    return []


type Files = Iterator[tuple[str, bytes]]


def _size_of(files: Callable[[], Files]) -> int:
    return _zipped(files())


def _functions() -> Files:
    yield from _tree(ROOT / "functions")


def _shared() -> Files:
    yield from _tree(ROOT / "layers" / "shared" / "tollgate")
    yield from _installed(_pinned("shared"))


def _ai() -> Files:
    yield from _installed(_pinned("ai"))


def _tree(place: Path) -> Files:
    for each in sorted(place.rglob("*")):
        if each.is_file() and "__pycache__" not in each.parts:
            yield str(each.relative_to(place.parent)), each.read_bytes()


def _pinned(layer: str) -> Iterator[str]:
    for line in (ROOT / "layers" / layer / "requirements.txt").read_text(encoding="utf-8").splitlines():
        name, pin, _ = line.partition("==")
        if pin and not line.startswith((" ", "#")) and (" ; " not in line or _applies(line)):
            yield name.strip()


def _applies(line: str) -> bool:
    return Marker(line.partition(" ; ")[2].rstrip(" \\")).evaluate()


def _installed(names: Iterable[str]) -> Files:
    for name in names:
        try:
            files = distribution(name).files or ()
        except PackageNotFoundError as error:
            raise UnmeasuredError(f"{name} is not installed") from error
        for each in files:
            place = str(each)
            if each.suffix == ".pyi" or place.startswith(UNCALLED) or any(part in f"/{place}" for part in UNWANTED):
                continue
            yield place, Path(str(each.locate())).read_bytes()


def _zipped(files: Files) -> int:
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, raw in files:
            archive.writestr(name, raw)
    return len(out.getvalue())


_PEERS = """
import io, sys, zipfile
from importlib.metadata import distribution, PackageNotFoundError
from packaging.requirements import Requirement
seen, todo, out = set(), [(name, "proxy" if name == "litellm" else "") for name in sys.argv[1:]], io.BytesIO()
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
    while todo:
        name, extra = todo.pop()
        if (name.lower(), extra) in seen:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        if not any(each == name.lower() for each, _ in seen):
            for each in found.files or ():
                place = each.locate()
                if "__pycache__" not in str(each) and place.is_file():
                    archive.writestr(str(each), place.read_bytes())
        seen.add((name.lower(), extra))
        for text in found.requires or ():
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                todo += [(need.name, one) for one in (need.extras or {""})]
print(len(out.getvalue()))
"""


def _of_peers(names: Iterable[str]) -> int:
    ran = subprocess.run([str(PEERS), "-c", _PEERS, *names], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise UnmeasuredError(ran.stderr[-300:].strip())
    return int(ran.stdout)
