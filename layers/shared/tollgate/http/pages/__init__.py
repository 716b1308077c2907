"""Files that the API serves as they are. `openapi.json` is written by `make openapi`."""

from importlib.resources import files


def text(name: str) -> str:
    """One of them."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
