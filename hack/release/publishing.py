"""Publishing: what has to be true before anything leaves the machine, and the pushes."""

import os
import subprocess
from pathlib import Path

from hack.chart.binaries import helm_binary
from hack.image.building import git
from hack.image.engines import find_engine
from hack.release import changelog
from hack.release.artifacts import Artifacts
from hack.release.images import PLATFORMS, push_images
from hack.release.version import ROOT, version


class PublishingError(RuntimeError):
    """Something must not be, or cannot be, published; the message says what to do."""


def check_ready(registry: str) -> None:
    """Refuse to publish what is not a release. Raises :class:`PublishingError`."""
    wanted = version()
    problems = []
    if not registry:
        problems.append("REGISTRY is not set: where image and chart go, such as REGISTRY=ghcr.io/team")
    if not git("rev-parse", "HEAD"):
        problems.append("this is no git checkout")
    elif git("status", "--porcelain"):
        problems.append("the checkout has changes that are not committed: commit or stash them")
    if f"v{wanted}" not in git("tag", "--points-at", "HEAD").split():
        problems.append(f"this commit is not tagged v{wanted}: git tag -a v{wanted}, or check out that tag")
    try:
        changelog.notes((ROOT / "CHANGELOG.md").read_text(), wanted)
    except changelog.ChangelogError as error:
        problems.append(str(error))
    if problems:
        raise PublishingError("nothing was published:\n" + "\n".join(f"  - {problem}" for problem in problems))


def publish(made: Artifacts, registry: str) -> list[str]:
    """Push image and chart, and give their addresses.

    Raises :class:`PublishingError`, and :class:`~hack.image.EngineError`; a push that failed can be repeated.
    """
    if len(made.images) != len(PLATFORMS):
        missing = "\n".join(f"  - {each}" for each in made.missing)
        raise PublishingError(f"nothing was published, since the image was not built for every platform:\n{missing}")
    engine = find_engine(os.environ.get("ENGINE"))
    image = f"{registry}/nvcf-operator:{version()}"
    push_images(engine, image, made.images)
    push_chart(made.chart, registry)
    return [image, f"oci://{registry}/charts/nvcf-operator:{version()}"]


def push_chart(chart: Path, registry: str) -> None:
    """Push a chart's archive, with the credentials of helm's or docker's own configuration."""
    done = subprocess.run([str(helm_binary(4)), "push", str(chart), f"oci://{registry}/charts"])
    if done.returncode != 0:
        raise PublishingError(f"helm could not push the chart, see above. Log in with: helm registry login {registry}")
