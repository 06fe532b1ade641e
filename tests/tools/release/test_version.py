"""The version is in one place, and everything else that shows it follows."""

import shutil
from pathlib import Path

import pytest

from hack.release.version import COPIES, ROOT, VersionError, copy_version, set_version, version


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the files that show the version."""
    for name in (*COPIES, "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_every_copy_shows_the_version(root: Path) -> None:
    copy_version(root)
    assert {name: (root / name).read_text() for name in COPIES} == {name: (ROOT / name).read_text() for name in COPIES}


@pytest.mark.parametrize("wanted", ["0.2.0", "1.10.0-rc.1"])
def test_another_version_is_written_everywhere_and_back(root: Path, wanted: str) -> None:
    before = {name: (root / name).read_text() for name in COPIES}
    former = version(root)
    set_version(wanted, root)
    assert version(root) == wanted
    for name, text in before.items():
        assert (root / name).read_text() == text.replace(former, wanted), name
    set_version(former, root)
    assert {name: (root / name).read_text() for name in COPIES} == before


@pytest.mark.parametrize("wrong", ["", "v0.2.0", "0.2", "0.2.0+build", "01.2.3", "1.2.3\n", "größe"])
def test_what_is_no_version_is_refused_and_changes_nothing(root: Path, wrong: str) -> None:
    with pytest.raises(VersionError, match=r"MAJOR\.MINOR\.PATCH"):
        set_version(wrong, root)
    assert version(root) == version()


def test_a_file_that_lost_its_place_is_named(root: Path) -> None:
    (root / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(VersionError, match="Dockerfile shows no version"):
        copy_version(root)
