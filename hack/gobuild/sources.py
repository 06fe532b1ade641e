"""Files that stand in the sources of a pinned Go module."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from hack.gobuild.building import BuildError
from hack.gobuild.cache import cache_folder
from hack.gobuild.progress import CommandError, Progress
from hack.gobuild.toolchain import NoGoError, find_go, minimum_version


def fetch(module: Path, package: str, path: str, kept: Path, *, title: str) -> None:
    """Copy a file or folder of a package, as the module's folder pins it, to ``kept``, which appears when it is whole.

    Raises :class:`hack.gobuild.building.BuildError`.
    """
    progress = Progress(total=1)
    progress.step(title)
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        go = find_go(cache_folder() / "tools", minimum_version([module]), progress)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".module-") as scratch:
            settings = {"GOMODCACHE": scratch, "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local", "GOWORK": "off"}
            asked: list[str | Path] = [go, "mod", "download", "-json", package]
            answer = progress.run(asked, env=os.environ | settings, cwd=module, report=lambda _: "downloading")
            source, fresh = Path(json.loads(answer[answer.index("{") :])["Dir"]) / path, Path(scratch) / kept.name
            if source.is_dir():
                shutil.copytree(source, fresh)
            else:
                shutil.copyfile(source, fresh)
            fresh.rename(kept)
    except (CommandError, NoGoError, OSError) as error:
        raise BuildError(str(error)) from error
