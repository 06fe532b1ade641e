"""Who uses a control plane's folder: a lock that its process holds as long as it lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class RootInUseError(RuntimeError):
    """Another control plane uses the folder; the message names its process."""


def acquire(root: Path) -> int:
    """Lock the folder for this process; return the file descriptor that holds the lock until it is closed.

    Raises :class:`RootInUseError`.
    """
    lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(lock, 32, 0).decode()
        os.close(lock)
        raise RootInUseError(f"{root} is in use by the control plane of process {owner}") from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def owner(root: Path) -> int | None:
    """Return the id of the process whose control plane uses the folder, or None."""
    try:
        lock = os.open(root / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(lock, 32, 0) or b"0") or None
    else:
        return None
    finally:
        os.close(lock)
