"""Where the program comes from: `FLUX_APPLY`, else the tool cache, else a build from the Go module in `module/`."""

from __future__ import annotations

import os
from pathlib import Path

from hack.gobuild.building import BuildError
from hack.gobuild.recipe import Recipe, key, module_pins, pinned_version, ways
from hack.gobuild.target import Target

MODULE = Path(__file__).parent / "module"


class FluxError(RuntimeError):
    """There is no program and none could be built; the message names the ways to get one."""


def version() -> str:
    """The version of Flux's library that is pinned, such as 0.83.0."""
    return pinned_version(MODULE, "github.com/fluxcd/pkg/ssa")


def recipe() -> Recipe:
    """How it is built."""
    target = Target(name="flux-apply", package=".", module=MODULE, linker_flags="-s -w")
    return Recipe(
        folder=Path("flux", key(version(), module_pins(MODULE), (MODULE / "main.go").read_bytes())),
        targets=[target],
        title=f"Flux's library ssa {version()}: building {{}} once (2 to 4 minutes on two cores)",
    )


def flux_binary() -> Path:
    """The executable, built if need be.

    Raises:
        FluxError: there is none.

    """
    if given := os.environ.get("FLUX_APPLY"):
        return Path(given).absolute()
    made = recipe()
    try:
        return made.built() / "flux-apply"
    except BuildError as error:
        lack = f"there is no flux-apply. {error}"
        raise FluxError(ways(lack, "it", made.place(), "FLUX_APPLY: the path of one")) from error
