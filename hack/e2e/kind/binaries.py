"""The node's binaries and kind's own files, from pinned Go modules, once."""

from __future__ import annotations

from pathlib import Path

from hack.controlplane.assets import assets
from hack.controlplane.pins import KUBERNETES_BINARIES
from hack.e2e.kind.pins import KIND_VERSION, KUBERNETES_VERSION, MODULES, node_key, node_targets
from hack.gobuild.cache import cache_folder
from hack.gobuild.recipe import Recipe
from hack.gobuild.sources import fetch


def node_binaries(*, kind_only: bool = False) -> Path:
    """Give a folder with every binary of :func:`.pins.node_targets`, and links to those of the control plane.

    ``kind_only`` leaves out what a node image of somebody else's holds already.
    Raises :class:`hack.controlplane.AssetsError` or :class:`hack.gobuild.building.BuildError`.
    """
    servers = assets(KUBERNETES_VERSION)
    cost = f"all of a node takes 14 minutes on two cores, and meanwhile 9 GB in {cache_folder() / 'work'}"
    recipe = Recipe(
        folder=Path("node", node_key()),
        targets=node_targets(),
        title=f"a kind cluster: building {{}} once ({cost})",
    )
    folder = recipe.built(["kind"] if kind_only else None)
    for name in ("etcd", *KUBERNETES_BINARIES):
        link = folder / name
        if not link.is_symlink() or link.readlink() != servers / name:
            link.unlink(missing_ok=True)
            link.symlink_to(servers / name)
    return folder


def kind_files(folder: Path) -> Path:
    """Give kind's files for a node image, as they stand in its Go module; kept in ``folder``.

    Raises :class:`hack.gobuild.building.BuildError`.
    """
    kept = folder / f"kind-{KIND_VERSION}-files"
    if not kept.exists():
        title = f"kind {KIND_VERSION}: fetching its files for the node image"
        fetch(MODULES / f"kind-{KIND_VERSION}", "sigs.k8s.io/kind", "images/base/files", kept, title=title)
    return kept
