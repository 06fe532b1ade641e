"""Container engines by their command lines: which one works here, and how it builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

ENGINES = ("docker", "podman", "nerdctl", "buildah")
"""In the order in which they are tried."""

_CHECK_SECONDS = 60.0


class EngineError(RuntimeError):
    """No engine works, or it refused; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A container engine's command."""

    name: str
    """One of :data:`ENGINES`."""
    options: tuple[str, ...] = ()
    """Global options, such as podman's for a storage of its own."""

    def run(self, *arguments: str) -> None:
        """Run a command of the engine; its output is shown. Raises :class:`EngineError`."""
        command = [self.name, *self.options, *arguments]
        environment = os.environ | {"DOCKER_BUILDKIT": "1"}  # docker before 23 builds without secrets otherwise
        done = subprocess.run(command, env=environment)
        if done.returncode != 0:
            raise EngineError(
                f"{' '.join(command[:4])} ... ended with status {done.returncode}; what it said stands above"
            )

    def build(self, *arguments: str, epoch: int) -> None:
        """Build an image whose files have the time `epoch` (seconds since 1970), where the engine can do that."""
        own = {"podman": [f"--timestamp={epoch}"], "buildah": [f"--timestamp={epoch}", "--layers"]}
        self.run("build", *own.get(self.name, []), *arguments)


def find_engine(wanted: str | None = None, options: Sequence[str] = ()) -> Engine:
    """Give the engine of that name, or the first one that works here. Raises :class:`EngineError`."""
    found: dict[str, str] = {}
    for name in (wanted,) if wanted else ENGINES:
        found[name] = _what_is_wrong(name, options)
        if not found[name]:
            return Engine(name=name, options=tuple(options))
    seen = "\n".join(f"  {name}: {wrong}" for name, wrong in found.items())
    raise EngineError(
        f"no container engine works here:\n{seen}\n"
        "Install one, such as podman (apt-get install podman, dnf install podman) or Docker, or start its service; "
        "ENGINE=name chooses one."
    )


def _what_is_wrong(name: str, options: Sequence[str]) -> str:
    """Why an engine cannot be used, in a line; empty when it can."""
    if shutil.which(name) is None:
        return "is not installed"
    try:
        done = subprocess.run([name, *options, "info"], capture_output=True, text=True, timeout=_CHECK_SECONDS)
    except subprocess.TimeoutExpired:
        return f"does not answer within {_CHECK_SECONDS:g} s"
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return said[-1].strip() if said else f"`{name} info` ended with status {done.returncode}"
