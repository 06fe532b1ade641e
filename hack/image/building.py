"""Building the Dockerfile: arguments, labels, and the list of what the image holds."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hack.image.engines import Engine
from hack.image.pip_source import pip_settings, write_secrets
from hack.release.version import ROOT, version


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is built, and from what."""

    image: str
    target: str = "operator"
    base: str | None = None
    """Base image; None for the Dockerfile's own."""
    source: str = ""
    """Address of the sources, for the label."""
    more: tuple[str, ...] = ()
    """More options of the engine's `build`."""


def build(recipe: Recipe, engine: Engine, sbom: Path | None = None) -> None:
    """Build the image, and write the list of its Python packages into the file `sbom`.

    Raises :class:`EngineError`.
    """
    time_of_files = epoch()
    arguments = {
        "VERSION": version(),
        "REVISION": git("describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"),
        "SOURCE": recipe.source,
        "CREATED": datetime.fromtimestamp(time_of_files, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SOURCE_DATE_EPOCH": str(time_of_files),
        **({"BASE_IMAGE": recipe.base} if recipe.base else {}),
    }
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    with tempfile.TemporaryDirectory(prefix="nvcf-operator-image-") as scratch:
        common = [f"--file={ROOT / 'Dockerfile'}", *given, *write_secrets(Path(scratch), pip_settings()), *recipe.more]
        engine.build(*common, f"--target={recipe.target}", f"--tag={recipe.image}", str(ROOT), epoch=time_of_files)
        if sbom is not None:  # the stages that both targets share are built already
            output = f"--output=type=local,dest={scratch}/sbom"
            engine.build(*common, "--target=sbom", output, str(ROOT), epoch=time_of_files)
            sbom.parent.mkdir(parents=True, exist_ok=True)
            sbom.write_bytes((Path(scratch) / "sbom" / "sbom.cdx.json").read_bytes())


def epoch() -> int:
    """Seconds since 1970 of all that is built: SOURCE_DATE_EPOCH, the commit's, or now."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or time.time())


def git(*arguments: str) -> str:
    """What git says about the checkout; empty where it is none."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
