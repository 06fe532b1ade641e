"""Write the go.mod and go.sum from which one Kubernetes version is built.

``k8s.io/kubernetes`` replaces its own libraries (``k8s.io/api`` and so on) by folders of its source tree. A module that
depends on it has to name their published versions instead: 1.37.2 of Kubernetes goes with 0.37.2 of each library.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from hack.controlplane.pins import KUBERNETES_BINARIES, module_folder

_KUBERNETES = "k8s.io/kubernetes"


def pin(version: str, go: str = "go") -> Path:
    """Write the module folder of Kubernetes ``version`` (such as ``1.37.2``) and return it.

    The module cache that this fills is a temporary one. Raises ``subprocess.CalledProcessError`` when Go fails, for
    instance because there is no such version.
    """
    folder = module_folder("kubernetes", version)
    with tempfile.TemporaryDirectory(prefix="nvcf-operator-pin-") as scratch:
        env = os.environ | {
            "GOMODCACHE": f"{scratch}/modules",
            "GOFLAGS": "-modcacherw",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        upstream = json.loads(_go(go, ["mod", "download", "-json", f"{_KUBERNETES}@v{version}"], scratch, env))
        described = json.loads(_go(go, ["mod", "edit", "-json", upstream["GoMod"]], scratch, env))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "go.mod").write_text(_go_mod(version, described))
        (folder / "go.sum").unlink(missing_ok=True)
        _go(go, ["mod", "tidy"], folder, env)
    return folder


def _go_mod(version: str, upstream: dict[str, object]) -> str:
    """Return the go.mod before ``go mod tidy``, made from the go.mod of Kubernetes itself (``go mod edit -json``)."""
    libraries = sorted(
        entry["Old"]["Path"]
        for entry in upstream["Replace"] or []  # type: ignore[attr-defined]
        if entry["New"]["Path"].startswith("./")
    )
    library_version = "v0." + version.partition(".")[2]
    settings = [f"{entry['Key']}={entry['Value']}" for entry in upstream.get("Godebug") or []]  # type: ignore[attr-defined]
    lines = [
        "module example.invalid/controlplane",
        f"go {upstream['Go']}",
        *(f"godebug {setting}" for setting in settings),
        *(f"tool {_KUBERNETES}/cmd/{name}" for name in KUBERNETES_BINARIES),
        f"require {_KUBERNETES} v{version}",
        *(f"replace {library} => {library} {library_version}" for library in libraries),
    ]
    return "\n".join(lines) + "\n"


def _go(go: str, arguments: list[str], folder: str | Path, env: dict[str, str]) -> str:
    return subprocess.run([go, *arguments], cwd=folder, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
