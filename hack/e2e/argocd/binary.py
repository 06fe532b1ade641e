"""Where Argo CD comes from: the tool cache, else a build from the Go module in `module/`.

All of its servers are one executable, which acts by the name that it is called by.
"""

from pathlib import Path

from hack.gobuild.building import BuildError
from hack.gobuild.cache import cache_folder
from hack.gobuild.recipe import Recipe, key, module_pins, pinned_version, ways
from hack.gobuild.sources import fetch
from hack.gobuild.target import Target

MODULE = Path(__file__).parent / "module"
SERVERS = ("argocd-application-controller", "argocd-repo-server", "argocd-server")
_PACKAGE = "github.com/argoproj/argo-cd/v3"


class ArgoCDError(RuntimeError):
    """There is no Argo CD and none could be built; the message names the ways to get one."""


def version() -> str:
    """The version that is pinned, such as 3.6.1."""
    return pinned_version(MODULE, _PACKAGE)


def target() -> Target:
    """How Go builds it."""
    return Target(
        name="argocd",
        package=f"{_PACKAGE}/cmd",
        module=MODULE,
        linker_flags=f"-s -w -X {_PACKAGE}/common.version={version()}",
    )


def recipe() -> Recipe:
    """How it is built."""
    wanted, work = target(), cache_folder() / "work"
    return Recipe(
        folder=Path("argocd", key(version(), module_pins(MODULE), wanted.linker_flags.encode())),
        targets=[wanted],
        title=f"Argo CD {version()}: building {{}} once (10 minutes on two cores, and meanwhile 4 GB in {work})",
    )


def argocd_binary() -> Path:
    """The executable, built if need be.

    Raises:
        ArgoCDError: there is none.

    """
    try:
        return recipe().built() / "argocd"
    except BuildError as error:
        raise _none(error) from error


def install_manifest() -> Path:
    """Argo CD's own manifests for a cluster, as they stand in its Go module.

    Raises:
        ArgoCDError: they could not be fetched.

    """
    kept = recipe().place() / "install.yaml"
    if not kept.exists():
        title = f"Argo CD {version()}: fetching its manifests (58 MB, seconds)"
        try:
            fetch(MODULE, _PACKAGE, "manifests/install.yaml", kept, title=title)
        except BuildError as error:
            raise _none(error) from error
    return kept


def _none(cause: BuildError) -> ArgoCDError:
    return ArgoCDError(ways(f"there is no Argo CD {version()}. {cause}", "it", recipe().place()))
