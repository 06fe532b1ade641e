"""promtool is the one that is named, else the one in the cache, else it is built once."""

from pathlib import Path

import pytest

from hack.promtool import PromtoolError, promtool_binary
from hack.promtool.binary import target, version


@pytest.fixture(autouse=True)
def _no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMTOOL", raising=False)


def test_it_is_built_once(cache: Path, go_calls: Path) -> None:
    found = promtool_binary()
    assert found.parent.parent == cache / "promtool"
    assert found.parent.name.startswith(f"{version()}-")
    calls = go_calls.read_text()
    assert calls.splitlines()[-1] == f"build {target().package}"
    assert promtool_binary() == found
    assert go_calls.read_text() == calls


def test_another_one_can_be_named(go_calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMTOOL", "/usr/bin/promtool")
    assert promtool_binary() == Path("/usr/bin/promtool")
    assert go_calls.read_text() == ""


def test_where_none_can_be_built_the_ways_are_listed(go_calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(PromtoolError, match=r"no such host[^$]+1\. PROMTOOL[^$]+2\. the cache[^$]+3\. a build"):
        promtool_binary()
