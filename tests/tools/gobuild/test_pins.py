"""The committed Go modules are what the pins say."""

from __future__ import annotations

import re

import pytest

from hack.controlplane.pins import KUBERNETES_BINARIES, kubernetes_versions, module_folder, pins


@pytest.mark.parametrize("version", kubernetes_versions())
def test_a_module_builds_the_version_that_it_is_named_for(version: str) -> None:
    text = (module_folder("kubernetes", version) / "go.mod").read_text()
    tools = re.findall(r"k8s\.io/kubernetes/cmd/(\S+)$", text, re.M)
    assert tools == sorted(KUBERNETES_BINARIES)
    assert f"k8s.io/kubernetes v{version}" in text
    replacements = re.findall(r"(k8s\.io/\S+) => (\S+) (\S+)$", text, re.M)
    assert len(replacements) > 25
    for library, replacement, library_version in replacements:
        assert (replacement, library_version) == (library, f"v0.{version.partition('.')[2]}")


@pytest.mark.parametrize("version", kubernetes_versions())
def test_the_server_gets_its_version(version: str) -> None:
    major, minor, _ = version.split(".")
    for target in pins(version).targets:
        if target.name in KUBERNETES_BINARIES:
            assert f"version.gitVersion=v{version} " in f"{target.linker_flags} "
            assert f"gitMajor={major} " in target.linker_flags
            assert f"gitMinor={minor} " in target.linker_flags
