"""A build happens once, can be interrupted, and leaves only binaries behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hack.controlplane.pins import BINARIES, pins
from hack.gobuild.building import BuildError
from tests.support.waiting import eventually


def builder(**env: str) -> subprocess.Popen[str]:
    """Start ``python -m hack.controlplane assets`` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "hack.controlplane", "assets"],
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def builds(calls: Path) -> list[str]:
    return [line.rpartition("/")[2] for line in calls.read_text().splitlines() if line.startswith("build ")]


def test_a_build_leaves_the_binaries_and_nothing_else(cache: Path, go_calls: Path) -> None:
    folder = cache / "assets" / pins().key
    assert pins().recipe.built() == folder
    assert sorted(entry.name for entry in folder.iterdir()) == sorted(BINARIES)
    assert sorted(entry.name for entry in cache.iterdir()) == ["assets", "build.lock"]


def test_only_what_is_missing_is_built(cache: Path, go_calls: Path) -> None:
    folder = cache / "assets" / pins().key
    folder.mkdir(parents=True)
    shutil.copy("/bin/sh", folder / "kube-apiserver")
    assert pins().recipe.built(["kube-apiserver", "kubectl"]) == folder
    assert builds(go_calls) == ["kubectl"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_goes_on_where_it_was(
    number: signal.Signals, cache: Path, go_calls: Path, tmp_path: Path
) -> None:
    hang = tmp_path / "hang"
    hang.touch()
    half_done = cache / "work" / "compiled" / "half-done"
    with builder(HANG=str(hang)) as first:
        eventually(half_done.exists, within=60, what="the build has begun")
        first.send_signal(number)
        assert first.wait(60) != 0
    folder = cache / "assets" / pins().key
    assert list(folder.iterdir()) == []
    assert half_done.exists()

    with builder() as second:
        output, _ = second.communicate(timeout=60)
    assert output == f"{folder}\n"
    assert (folder / "etcd").read_text() == "resumed"
    assert not (cache / "work").exists()


def test_a_second_builder_waits_for_the_first_and_says_so(cache: Path, go_calls: Path, tmp_path: Path) -> None:
    hang = tmp_path / "hang"
    hang.touch()
    with builder(HANG=str(hang)) as first:
        eventually(lambda: builds(go_calls), lambda made: made == ["v3"], within=60, what="the build has begun")
        with builder() as second:
            assert second.stderr
            assert "another process builds" in second.stderr.readline()
            hang.unlink()
            assert first.communicate(timeout=60)[0] == second.communicate(timeout=60)[0] != ""
    assert builds(go_calls) == ["v3", "kube-apiserver", "kube-controller-manager", "kubectl"]


def test_progress_names_the_step_and_the_work_left(
    cache: Path, go_calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pins().recipe.built(["kubectl"])
    shown = capsys.readouterr().err
    assert re.search(r"^\[1/2\] +\d+ s  Kubernetes 1\.37\.2: building kubectl once", shown, re.M)
    assert re.search(r"^\[2/2\] +\d+ s  kubectl$", shown, re.M)
    assert "kubectl: compiling 1 packages" in shown


def test_a_failed_build_shows_what_go_said(cache: Path, go_calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(BuildError, match=r"status 1:\n  example\.invalid/library: no such host"):
        pins().recipe.built(["kubectl"])
