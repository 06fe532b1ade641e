"""Run by its path: writes down what a cluster may change on a machine, waits for the end of its input, puts it back.

The kubelet and systemd set sysctls that no namespace has of its own, and podman leaves empty cgroup folders.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

SYSCTLS = (
    "fs/file-max",
    "fs/nr_open",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
CGROUPS = "libpod_parent"
"""The folder in which podman puts its containers' groups."""

_LAST_PROCESS_SECONDS = 30.0


def read_sysctls() -> dict[str, str]:
    """The values now."""
    return {name: Path("/proc/sys", name).read_text().strip() for name in SYSCTLS if Path("/proc/sys", name).exists()}


def cgroup_folders() -> set[Path]:
    """podman's folders in the hierarchies of cgroup v1, or in the one of v2."""
    root = Path("/sys/fs/cgroup")
    return {path for path in (*root.glob(f"*/{CGROUPS}"), root / CGROUPS) if path.is_dir()}


def remove_cgroups(folders: set[Path]) -> None:
    """Remove folders with all below them, once their last processes have ended."""
    deadline = time.monotonic() + _LAST_PROCESS_SECONDS
    for folder in folders:
        inner = sorted((path for path in folder.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts))
        for path in (*inner, folder):
            while True:
                try:
                    path.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError as error:  # a process is in it still
                    if time.monotonic() > deadline:
                        print(f"{path}: {error.strerror}; remove it by rmdir", file=sys.stderr)
                        break
                    time.sleep(0.1)


def remove_folder(folder: Path) -> None:
    """Remove a folder, once nobody writes into it any more."""
    deadline = time.monotonic() + _LAST_PROCESS_SECONDS
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if time.monotonic() > deadline:
                print(f"{error}; remove {folder} by rm -r", file=sys.stderr)
                return
            time.sleep(0.1)


def main(*folders: Path) -> None:
    """Wait, and clean up."""
    before, sysctls = cgroup_folders(), read_sysctls()
    print("ready", flush=True)
    sys.stdin.read()
    remove_cgroups(cgroup_folders() - before)
    for name, value in sysctls.items():
        if read_sysctls()[name] != value:
            Path("/proc/sys", name).write_text(value)
    for folder in folders:
        remove_folder(folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
