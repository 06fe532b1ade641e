"""The CPU time of each process that a benchmark has started."""

import os
from collections import defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

NAMES = {"bin/nvcf-operator": "operator", "nvcf_simulator": "simulator", "nvcf-simulator": "simulator"}
"""What a Python process is called, by what its command line has in it."""


def cpu_seconds() -> dict[str, float]:
    """Seconds of CPU that this process and all that it has started have used so far, by name."""
    used: dict[str, float] = defaultdict(float)
    for pid in _descendants(os.getpid()):
        try:
            name, fields = _stat(pid)
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        used[_called(pid, name)] += (int(fields[11]) + int(fields[12])) / TICKS
    return used


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _stat(pid: int) -> tuple[str, list[str]]:
    """The name in `/proc/PID/stat`, and the fields after it."""
    before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    return before.partition("(")[2], after.split()


def _called(pid: int, name: str) -> str:
    if pid == os.getpid():
        return "the bench's clients"
    if not name.startswith(("python", "nvcf")):
        return name
    command = Path(f"/proc/{pid}/cmdline").read_text()
    return next((called for part, called in NAMES.items() if part in command), name)
