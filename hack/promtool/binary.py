"""Where promtool comes from: `PROMTOOL`, else the tool cache, else a build from the Go module in `module/`.

The build leaves out service discovery, whose clients of all clouds would double it.
"""

import os
import re
from pathlib import Path

from hack.gobuild.building import BuildError
from hack.gobuild.recipe import Recipe, key, module_pins, pinned_version, ways
from hack.gobuild.target import Target

MODULE = Path(__file__).parent / "module"
_PACKAGE = "github.com/prometheus/prometheus"


class PromtoolError(RuntimeError):
    """There is no promtool and none could be built; the message names the ways to get one."""


def version() -> str:
    """The version that is pinned, such as 3.15.1; as a Go module it is called v0.315.1."""
    pinned = pinned_version(MODULE, _PACKAGE)
    match = re.fullmatch(r"0\.(\d)(\d\d)\.(\d+)", pinned)
    assert match, f"v{pinned} of {_PACKAGE} is none that Prometheus gives its modules"
    return f"{match[1]}.{int(match[2])}.{match[3]}"


def target() -> Target:
    """How Go builds it."""
    return Target(
        name="promtool",
        package=f"{_PACKAGE}/cmd/promtool",
        module=MODULE,
        linker_flags=f"-s -w -X github.com/prometheus/common/version.Version={version()}",
        tags="remove_all_sd",
    )


def recipe() -> Recipe:
    """How it is built."""
    wanted = target()
    flags = repr((wanted.linker_flags, wanted.tags)).encode()
    return Recipe(
        folder=Path("promtool", key(version(), module_pins(MODULE), flags)),
        targets=[wanted],
        title=f"Prometheus {version()}: building promtool once (2 to 3 minutes on two cores)",
    )


def promtool_binary() -> Path:
    """The executable, built if need be.

    Raises:
        PromtoolError: there is none.

    """
    if given := os.environ.get("PROMTOOL"):
        return Path(given).absolute()
    made = recipe()
    try:
        return made.built() / "promtool"
    except BuildError as error:
        given = "PROMTOOL: the path of one, such as that of the Debian package prometheus"
        raise PromtoolError(ways(f"there is no promtool. {error}", "it", made.place(), given)) from error
