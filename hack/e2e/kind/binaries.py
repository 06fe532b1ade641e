"""The node's binaries and kind's own files, from pinned Go modules, once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hack.controlplane.assets import assets, cache_folder
from hack.controlplane.building import build_targets, is_binary
from hack.controlplane.pins import KUBERNETES_BINARIES
from hack.controlplane.progress import Progress
from hack.controlplane.toolchain import find_go, minimum_version
from hack.e2e.kind.pins import KIND_VERSION, KUBERNETES_VERSION, MODULES, node_key, node_targets


def node_binaries(*, kind_only: bool = False) -> Path:
    """Give a folder with every binary of :func:`.pins.node_targets`, and links to those of the control plane.

    ``kind_only`` leaves out what a node image of somebody else's holds already.
    Raises :class:`hack.controlplane.AssetsError` or :class:`hack.controlplane.building.BuildError`.
    """
    servers = assets(KUBERNETES_VERSION)
    targets = [target for target in node_targets() if target.name == "kind" or not kind_only]
    cache = cache_folder()
    folder = cache / "node" / node_key()
    if not all(is_binary(folder / target.name) for target in targets):
        cost = f"all of a node takes 14 minutes on two cores, and meanwhile 9 GB in {cache / 'work'}"
        build_targets(targets, folder, title=f"a kind cluster: building {{}} once ({cost})", cache=cache)
    for name in ("etcd", *KUBERNETES_BINARIES):
        link = folder / name
        if not link.is_symlink() or link.readlink() != servers / name:
            link.unlink(missing_ok=True)
            link.symlink_to(servers / name)
    return folder


def kind_files(folder: Path) -> Path:
    """Give kind's files for a node image, as they stand in its Go module; kept in ``folder``."""
    kept = folder / f"kind-{KIND_VERSION}-files"
    if kept.exists():
        return kept
    module = MODULES / f"kind-{KIND_VERSION}"
    progress = Progress(total=1)
    progress.step(f"kind {KIND_VERSION}: fetching its files for the node image")
    go = find_go(cache_folder() / "tools", minimum_version([module]), progress)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".kind-") as scratch:
        env = os.environ | {"GOMODCACHE": f"{scratch}/modules", "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local"}
        asked = [str(go), "mod", "download", "-json", "sigs.k8s.io/kind"]
        answer = subprocess.run(asked, cwd=module, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
        fresh = Path(scratch) / "files"
        shutil.copytree(Path(json.loads(answer)["Dir"]) / "images" / "base" / "files", fresh)
        fresh.rename(kept)
    return kept
