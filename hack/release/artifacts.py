"""What a release consists of, built into one folder."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from hack.chart import Helm
from hack.image.building import Recipe, epoch
from hack.image.engines import EngineError, find_engine
from hack.release import changelog
from hack.release.chart_package import package_chart
from hack.release.images import PLATFORMS, BuiltImage, build_image, what_is_in_the_way
from hack.release.version import ROOT, version

FOLDER = ROOT / "build" / "release"
CHECKSUMS = "SHA256SUMS"


class BuildError(RuntimeError):
    """The wheel or the source archive could not be built; the message is what the build said."""


@dataclass
class Artifacts:
    """What was built, and what was not and why."""

    folder: Path
    chart: Path
    images: list[BuiltImage] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def build_all(*, registry: str = "", base: str = "", source: str = "", with_image: bool = True) -> Artifacts:
    """Build a release of the checkout as it is.

    Args:
        registry: where image and chart will be, such as ghcr.io/team; empty if that is not known.
        base: the image's base; empty for the Dockerfile's own.
        source: address of the sources, for the image's label.
        with_image: build the image, too.

    Raises :class:`BuildError`, :class:`~hack.release.changelog.ChangelogError`, :class:`~hack.chart.HelmError`.

    """
    section = notes(version())
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "RELEASE_NOTES.md").write_text(section)
    _say("wheel and source archive")
    _build_python()
    _write_crds()
    _say("chart")
    with tempfile.TemporaryDirectory(prefix="nvcf-operator-release-") as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        lines = changelog.changes(section)
        chart = package_chart(Helm(4, home), FOLDER, Path(scratch), registry=registry, changes=lines)
    made = Artifacts(FOLDER, chart)
    if with_image:
        _build_images(made, registry, base, source)
    else:
        made.missing.append("image: left out by IMAGE=no")
    _write_checksums()
    return made


def notes(wanted: str) -> str:
    """The changelog's section of a version, or of what is not released yet while there is none."""
    text = (ROOT / "CHANGELOG.md").read_text()
    try:
        return changelog.notes(text, wanted)
    except changelog.ChangelogError:
        return changelog.notes(text, changelog.UNRELEASED)


def _build_python() -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(FOLDER)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch())}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(f"the wheel could not be built: {(done.stderr or done.stdout).strip()}")


def _write_crds() -> None:
    texts = [file.read_text() for file in sorted((ROOT / "crds").glob("*_*.yaml"))]
    assert all(yaml.safe_load(text)["kind"] == "CustomResourceDefinition" for text in texts)
    (FOLDER / f"nvcf-operator-crds-{version()}.yaml").write_text("---\n".join(texts))


def _build_images(made: Artifacts, registry: str, base: str, source: str) -> None:
    try:
        engine = find_engine(os.environ.get("ENGINE"))
    except EngineError as error:
        made.missing.append(f"image: {error}")
        return
    name = f"{registry}/nvcf-operator" if registry else "nvcf-operator"
    recipe = Recipe(image=f"{name}:{version()}", base=base or None, source=source)
    for platform in PLATFORMS:
        _say(f"image for {platform} with {engine.name} (minutes)")
        wrong = what_is_in_the_way(engine, platform, base or _default_base())
        if wrong:
            made.missing.append(f"image for {platform}: {wrong}")
            continue
        try:
            made.images.append(build_image(recipe, engine, platform, FOLDER))
        except EngineError as error:
            made.missing.append(f"image for {platform}: {error}")


def _default_base() -> str:
    (line,) = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("ARG BASE_IMAGE=")]
    return line.partition("=")[2]


def _write_checksums() -> None:
    files = sorted(file for file in FOLDER.iterdir() if file.name != CHECKSUMS)
    lines = []
    for file in files:
        with file.open("rb") as content:
            lines.append(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {file.name}\n")
    (FOLDER / CHECKSUMS).write_text("".join(lines))


def _say(what: str) -> None:
    print(f"release {version()}: {what}", file=sys.stderr, flush=True)
