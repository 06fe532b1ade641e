"""What the control plane is built from: versions, Go modules, binaries and compiler flags."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.gobuild.cache import cache_folder
from hack.gobuild.recipe import Recipe, key, module_pins
from hack.gobuild.target import Target

MODULES = Path(__file__).parent / "modules"
"""One folder with a go.mod and a go.sum for each ``<component>-<version>``."""

DEFAULT_KUBERNETES_VERSION = "1.37.2"
"""The newest version that builds."""

ETCD_VERSION = "3.7.3"

KUBERNETES_BINARIES = ("kube-apiserver", "kube-controller-manager", "kubectl")
BINARIES = ("etcd", *KUBERNETES_BINARIES)
"""The names of the executables in an assets folder, as the envtest convention has them."""


class UnknownVersionError(ValueError):
    """No Go module is pinned for this Kubernetes version."""


@dataclass(frozen=True, kw_only=True)
class Pins:
    """Everything that decides what the binaries are."""

    kubernetes_version: str
    targets: Sequence[Target]

    @property
    def modules(self) -> list[Path]:
        """The Go module folders of all targets, in building order."""
        return list(dict.fromkeys(target.module for target in self.targets))

    @property
    def key(self) -> str:
        """The name of the cache folder: readable versions and a hash over all pins."""
        versions = f"kubernetes-{self.kubernetes_version}-etcd-{ETCD_VERSION}"
        built = [f"{target.name} {target.package} {target.linker_flags}\n".encode() for target in self.targets]
        return key(versions, *map(module_pins, self.modules), *built)

    @property
    def recipe(self) -> Recipe:
        """How they are built."""
        return Recipe(
            folder=Path("assets", self.key),
            targets=self.targets,
            title=f"Kubernetes {self.kubernetes_version}: building {{}} once "
            f"(all four take 8 minutes on two cores, and meanwhile 5 GB in {cache_folder() / 'work'})",
        )


def module_folder(component: str, version: str) -> Path:
    """Return the folder in which the Go module of a component's version is (to be) pinned."""
    return MODULES / f"{component}-{version}"


def kubernetes_versions() -> list[str]:
    """Return the Kubernetes versions that are pinned, oldest first."""
    prefix = "kubernetes-"
    versions = [folder.name.removeprefix(prefix) for folder in MODULES.glob(f"{prefix}*")]
    return sorted(versions, key=lambda version: [int(part) for part in version.split(".")])


def pins(version: str | None = None) -> Pins:
    """Return the pins of a Kubernetes version: the one asked for, ``KUBERNETES_VERSION``, or the newest.

    Raises :class:`UnknownVersionError`, naming the versions there are, for one that is not pinned.
    """
    version = (version or os.environ.get("KUBERNETES_VERSION") or DEFAULT_KUBERNETES_VERSION).removeprefix("v")
    if version not in kubernetes_versions():
        raise UnknownVersionError(
            f"no Go module is pinned for Kubernetes {version!r}; KUBERNETES_VERSION may be one of "
            f"{', '.join(kubernetes_versions())} (python -m hack.controlplane pin VERSION adds one)"
        )
    kubernetes = module_folder("kubernetes", version)
    etcd = Target(
        name="etcd",
        package="go.etcd.io/etcd/server/v3",
        module=module_folder("etcd", ETCD_VERSION),
        linker_flags="-s -w",
    )
    return Pins(
        kubernetes_version=version,
        targets=[
            etcd,
            *(
                Target(
                    name=name,
                    package=f"k8s.io/kubernetes/cmd/{name}",
                    module=kubernetes,
                    linker_flags=kubernetes_linker_flags(version),
                )
                for name in KUBERNETES_BINARIES
            ),
        ],
    )


def kubernetes_linker_flags(version: str) -> str:
    """The flags that set Kubernetes' version.

    Without these the server calls itself v0.0.0-master, which the version checks of clients refuse.
    """
    major, minor, _ = version.split(".")
    values = {
        "k8s.io/component-base/version.gitVersion": f"v{version}",
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/component-base/version.gitTreeState": "clean",
        "k8s.io/client-go/pkg/version.gitVersion": f"v{version}",
    }
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in values.items())])
