"""Where the binaries of the control plane come from.

In this order: the folder that ``KUBEBUILDER_ASSETS`` names (the convention of envtest), the user's cache, a build.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from hack.controlplane.pins import BINARIES, Pins, UnknownVersionError, kubernetes_versions, pins
from hack.gobuild.building import BuildError
from hack.gobuild.recipe import ways
from hack.gobuild.target import is_binary


class AssetsError(RuntimeError):
    """There are no binaries and none could be built; the message names the ways to get them."""


def assets(kubernetes_version: str | None = None) -> Path:
    """Return a folder that holds all of :data:`BINARIES`, building what is missing.

    ``kubernetes_version`` (by default ``KUBERNETES_VERSION``, else the newest pinned one) says what is built; a whole
    ``KUBEBUILDER_ASSETS`` is taken as it is. Raises :class:`AssetsError`.
    """
    given = os.environ.get("KUBEBUILDER_ASSETS")
    present = [name for name in BINARIES if given and is_binary(Path(given) / name)]
    if given and len(present) == len(BINARIES):
        if wanted := kubernetes_version or os.environ.get("KUBERNETES_VERSION"):
            print(f"KUBEBUILDER_ASSETS={given} is used as it is, whatever KUBERNETES_VERSION={wanted}", file=sys.stderr)
        return Path(given).absolute()
    missing = [name for name in BINARIES if name not in present]
    try:
        if given and present:
            return _completed(Path(given).absolute(), present, missing, kubernetes_version)
        if given:
            print(f"KUBEBUILDER_ASSETS={given} holds none of {', '.join(BINARIES)}: not used", file=sys.stderr)
        return _built(pins(kubernetes_version), missing)
    except UnknownVersionError as error:
        raise AssetsError(str(error)) from error


def _built(pinned: Pins, names: list[str]) -> Path:
    """Return the cache folder of these pins with (at least) the binaries ``names`` in it."""
    recipe = pinned.recipe
    try:
        return recipe.built(names)
    except BuildError as error:
        given = f"""\
KUBEBUILDER_ASSETS: a folder with {", ".join(BINARIES)}, such as an unpacked envtest archive
     (it has no kube-controller-manager, which the other two ways then supply)"""
        lack = f"the control plane has no {', '.join(names)}. {error}"
        raise AssetsError(ways(lack, "them", recipe.place(), given)) from error


def _completed(given: Path, present: list[str], missing: list[str], kubernetes_version: str | None) -> Path:
    """Return a folder of links: to the given binaries, and to built ones for what is missing among them."""
    version = kubernetes_version or os.environ.get("KUBERNETES_VERSION") or _version_like(given)
    print(f"KUBEBUILDER_ASSETS={given} lacks {', '.join(missing)}: built ones are used for that", file=sys.stderr)
    built = _built(pins(version), missing)
    links = built.parent / f"links-{hashlib.sha256(f'{given} {built} {missing}'.encode()).hexdigest()[:12]}"
    links.mkdir(parents=True, exist_ok=True)
    for name in BINARIES:
        target = (given if name in present else built) / name
        link = links / name
        if not link.is_symlink() or link.readlink() != target:
            fresh = links / f".{name}.{os.getpid()}"
            fresh.symlink_to(target)
            fresh.rename(link)
    return links


def _version_like(given: Path) -> str | None:
    """Return the pinned version of the given API server's minor: a controller manager must not be newer than that."""
    server = given / "kube-apiserver"
    if not is_binary(server):
        return None
    answer = subprocess.run([server, "--version"], capture_output=True, text=True, check=False).stdout
    minor = re.search(r"v(\d+\.\d+)\.", answer)
    same = [version for version in kubernetes_versions() if minor and version.startswith(f"{minor[1]}.")]
    return same[-1] if same else None
