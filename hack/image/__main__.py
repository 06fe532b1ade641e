"""`python -m hack.image`: build the image and write its SBOM beside it; what `make image` does."""

import os
import shlex
import sys

from hack.image.building import Recipe, build
from hack.image.engines import EngineError, find_engine
from hack.release.version import ROOT, version


def main() -> int:
    """Build as the variables say; return the exit status."""
    target = os.environ.get("TARGET") or "operator"
    name = "nvcf-simulator" if target == "simulator" else "nvcf-operator"
    recipe = Recipe(
        image=os.environ.get("IMAGE") or f"{name}:{version()}",
        target=target,
        base=os.environ.get("BASE_IMAGE"),
        source=os.environ.get("SOURCE", ""),
        more=tuple(shlex.split(os.environ.get("BUILD_OPTIONS", ""))),
    )
    sbom = ROOT / "build" / f"{name}-{version()}.cdx.json"
    try:
        engine = find_engine(os.environ.get("ENGINE"))
        print(f"building {recipe.image} with {engine.name} (minutes the first time)", file=sys.stderr)
        build(recipe, engine, sbom)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"built {recipe.image}; what it holds: {sbom.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
