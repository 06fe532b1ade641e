"""The image of a release: one for each architecture that the engine can build, and a list of them to push."""

import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hack.image.building import Recipe, build
from hack.image.engines import Engine, EngineError

PLATFORMS = ("linux/amd64", "linux/arm64")
_TRIAL = "ARG BASE\nFROM ${BASE}\nRUN true\n"
_TRIAL_SECONDS = 900.0


@dataclass(frozen=True)
class BuiltImage:
    """An image of one architecture, and the file that holds it."""

    platform: str
    tag: str
    archive: Path


def what_is_in_the_way(engine: Engine, platform: str, base: str) -> str:
    """Why an engine cannot build for a platform, in a line; empty when it can: it runs a program on the base image."""
    with tempfile.TemporaryDirectory(prefix="nvcf-operator-release-") as scratch:
        (Path(scratch) / "Dockerfile").write_text(_TRIAL)
        command = [engine.name, *engine.options, "build", f"--platform={platform}", f"--build-arg=BASE={base}", scratch]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TRIAL_SECONDS)
        except subprocess.TimeoutExpired:
            return f"{engine.name} does not finish a trial build within {_TRIAL_SECONDS:g} s"
    if done.returncode == 0:
        return ""
    said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return said[-1] if said else f"{engine.name} build ended with status {done.returncode}"


def build_image(recipe: Recipe, engine: Engine, platform: str, folder: Path) -> BuiltImage:
    """Build for one platform, and write the image and its SBOM into files. Raises :class:`EngineError`."""
    machine = platform.partition("/")[2]
    tag, stem = f"{recipe.image}-{machine}", f"{recipe.image.rpartition('/')[2].replace(':', '-')}-linux-{machine}"
    option = f"--platform={platform}"
    build(replace(recipe, image=tag, more=(option, *recipe.more)), engine, folder / f"{stem}.cdx.json")
    archive = folder / f"{stem}.tar"
    archive.unlink(missing_ok=True)
    if engine.name == "buildah":
        engine.run("push", tag, f"docker-archive:{archive}:{tag}")
    else:
        engine.run("save", "--output", str(archive), tag)
    return BuiltImage(platform, tag, archive)


def push_images(engine: Engine, name: str, images: list[BuiltImage]) -> None:
    """Push each image, and under `name` the list of them, from which a node takes its own. Raises `EngineError`."""
    if engine.name == "nerdctl":
        raise EngineError("nerdctl cannot push a list of images from several builds; publish with docker or podman")
    for image in images:
        engine.run("push", image.tag, *([f"docker://{image.tag}"] if engine.name == "buildah" else []))
    engine.run("manifest", "create", name, *(image.tag for image in images))
    if engine.name == "docker":
        engine.run("manifest", "push", name)
    else:
        engine.run("manifest", "push", "--all", name, f"docker://{name}")
