"""``python -m hack.e2e.kind.images``: the images of the node, the operator and the simulator.

The node's goes into podman's storage, the others into archives.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from hack.e2e.kind.isolation import own_run_folder
from hack.e2e.kind.node_image import ENTRYPOINT
from hack.e2e.kind.pieces import Source
from hack.e2e.kind.podman import has_image, podman
from hack.image import Recipe, build, find_engine
from hack.release.version import version

NAMES = {
    "operator": f"docker.io/library/nvcf-operator:{version()}",
    "simulator": f"docker.io/library/nvcf-simulator:{version()}",
}
"""As a node knows the names that the chart gives by default."""


def main(run: Path, node: Source, base: Source | None) -> None:
    """Bring or make all; what did not change is taken from podman's storage.

    Args:
        run: takes the archives of operator and simulator.
        node: the node's image.
        base: what the Dockerfile starts from; None for what it names itself.

    """
    began = time.monotonic()
    own_run_folder()  # podman notes there what it runs, and a machine's own podman reads that
    provide(node, [f"ENTRYPOINT {json.dumps(ENTRYPOINT)}", "STOPSIGNAL SIGRTMIN+3", "ENV container=docker"])
    if base is not None:
        provide(base, [])
    engine = find_engine("podman")
    for target, image in NAMES.items():
        print(f"image: building {image} on {base.name if base else 'the base of the Dockerfile'}", file=sys.stderr)
        more = ("--network=host", "--quiet")
        build(Recipe(image=image, target=target, base=base.name if base else None, more=more), engine)
        podman("save", "--quiet", "--format=docker-archive", f"--output={run / target}.tar", image)
    podman("image", "prune", "--force", "--filter=until=168h")
    print(f"image: both built after {time.monotonic() - began:.0f} s", file=sys.stderr)


def provide(source: Source, changes: list[str]) -> None:
    """Have an image in the storage, and none that was made here under its name from other pins."""
    if not has_image(source.name):
        print(f"image: {'loading' if source.tar else 'pulling'} {source.name} (half a minute, once)", file=sys.stderr)
        if source.tar:
            podman("import", "--quiet", *(f"--change={each}" for each in changes), source.tar, source.name)
        else:
            podman("pull", "--quiet", source.name)
    if source.tar:
        repository = source.name.partition(":")[0]
        shown = podman("images", "--format={{.Repository}}:{{.Tag}}", f"--filter=reference={repository}")
        for name in shown.split():
            if name != source.name:
                podman("rmi", "--force", name)


if __name__ == "__main__":
    given = json.loads(os.environ["E2E_SOURCES"])
    sources = {name: Source.read(given[name]) for name in ("node", "base") if given[name]}
    main(Path(os.environ["E2E_RUN"]), sources["node"], sources.get("base"))
