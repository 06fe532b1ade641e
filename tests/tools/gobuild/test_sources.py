"""Files of a Go module are copied whole, and nothing else of it stays."""

from pathlib import Path

import pytest

from hack.gobuild.building import BuildError
from hack.gobuild.sources import fetch


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """The folder of a module that any Go is new enough for."""
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.invalid/module\n\ngo 1.24.0\n")
    return folder


@pytest.mark.parametrize(("path", "content"), [("file", "file"), ("files", "files/one")])
def test_a_file_or_a_folder_is_copied_and_the_rest_is_gone(
    path: str, content: str, go_calls: Path, module: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "cache" / "kept"
    fetch(module, "example.invalid/library", path, kept, title="fetching")
    assert (kept if path == "file" else kept / "one").read_text() == content
    assert [*kept.parent.iterdir()] == [kept]
    assert go_calls.read_text().splitlines()[-1] == "mod example.invalid/library"


def test_a_failure_shows_what_go_said_and_leaves_nothing(
    go_calls: Path, module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", "1")
    kept = tmp_path / "cache" / "kept"
    with pytest.raises(BuildError, match="no such host"):
        fetch(module, "example.invalid/library", "file", kept, title="fetching")
    assert [*kept.parent.iterdir()] == []
