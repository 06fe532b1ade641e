"""podman with files of its own, so that neither the user's images nor the user's settings take part."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("podman", "conmon", "runc", "netavark", "aardvark-dns", "iptables")
"""What has to be installed; Debian's packages have the same names."""

_SECONDS = 600.0
"""For the longest of all, an import of a node's image on a slow disk."""


def settings(storage: Path, run: Path) -> dict[str, str]:
    """Write podman's settings into ``run``, and give the variables that name them.

    Args:
        storage: keeps the images from one run to the next, and the volumes while there are containers.
        run: this run's folder.

    """
    limits = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    # podman raises them otherwise, which a machine without CAP_SYS_RESOURCE refuses.
    ulimits = [f"{name}={_limit(which)}:{_limit(which)}" for name, which in limits.items()]
    engine: dict[str, object] = {"cgroup_manager": "cgroupfs", "events_logger": "file", "runtime": "runc"}
    conf: dict[str, dict[str, object]] = {
        "containers": {"default_ulimits": ulimits},
        "engine": engine,
        "network": {"network_backend": "netavark", "network_config_dir": f"{run}/networks"},
    }
    (run / "containers.conf").write_text(_toml(conf))
    own = {"driver": "overlay", "runroot": "/run/containers/storage", "graphroot": str(storage)}
    (run / "storage.conf").write_text(_toml({"storage": own}))
    (run / "networks").mkdir()
    return {"CONTAINERS_CONF": f"{run}/containers.conf", "CONTAINERS_STORAGE_CONF": f"{run}/storage.conf"}


@contextmanager
def alone(storage: Path) -> Iterator[None]:
    """Be the only run that uses ``storage``; say so when another one has to be waited for.

    A run removes all containers from its storage when it begins and when it ends.
    """
    storage.mkdir(parents=True, exist_ok=True)
    with (storage.parent / f"{storage.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run that uses {storage}", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def podman(*arguments: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run podman, and give what it printed.

    Raises ``subprocess.CalledProcessError``, and ``subprocess.TimeoutExpired`` when it hangs.
    """
    done = subprocess.run(
        ["podman", *arguments], env=env, check=True, stdout=subprocess.PIPE, text=True, timeout=_SECONDS
    )
    return done.stdout.strip()


def has_image(name: str) -> bool:
    """Whether there is an image of that name."""
    return subprocess.run(["podman", "image", "exists", name]).returncode == 0


def _limit(which: int) -> int:
    hard = resource.getrlimit(which)[1]
    return 1 << 20 if hard == resource.RLIM_INFINITY else hard


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    """Texts and lists of texts look the same in JSON."""
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's variables without those that lead to another engine, and ``more``."""
    foreign = {"DOCKER_HOST", "DOCKER_CONFIG", "CONTAINER_HOST", "LD_LIBRARY_PATH", "XTABLES_LIBDIR", "KUBECONFIG"}
    return {name: value for name, value in os.environ.items() if name not in foreign} | dict(more)
