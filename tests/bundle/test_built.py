"""What looks at a build, looked at."""

from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.bundle.built import imports


def laid(place: Path, *, metadata: bool) -> list[Path]:
    """A path with Razorpay's SDK on it, with or without what says which version it is."""
    found = distribution("razorpay")
    tops = {Path(file.parts[0]) for file in found.files or ()}
    for top in tops:
        if metadata or top.suffix != ".dist-info":
            (place / top).symlink_to(Path(str(found.locate_file(top))).resolve())
    return [place]


def test_a_layer_whose_sdk_knows_its_version_is_taken(tmp_path: Path) -> None:
    assert imports(["json"], laid(tmp_path, metadata=True))


def test_a_layer_whose_sdk_lost_its_metadata_is_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not imports(["json"], laid(tmp_path, metadata=False))
    assert "razorpay" in capsys.readouterr().err


def test_a_module_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not imports(["nowhere"], laid(tmp_path, metadata=True))
    assert "nowhere" in capsys.readouterr().err
