"""Writes the document where it is read and where it is served."""

import json
from pathlib import Path

from tools.openapi.document import ROOT, Json, build

READ = ROOT / "docs" / "openapi.json"
SERVED = ROOT / "layers" / "shared" / "tollgate" / "http" / "pages" / "openapi.json"


def written(document: Json) -> dict[Path, str]:
    """The files and what they hold: one for people, one without a space too many for the layer."""
    return {
        READ: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        SERVED: json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n",
    }


def write() -> None:
    """Write both files."""
    for path, text in written(build()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
