"""What the benchmark prints: figures, with their budgets beside them."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """What this was measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.processor()}, Python {platform.python_version()}"


def figure(name: str, value: object, *, budget: str = "", met: bool | None = None) -> None:
    """Print a figure, with its budget beside it."""
    outcome = {True: "met", False: "NOT MET", None: ""}[met]
    tail = f"   [budget: {budget}{'; ' + outcome if outcome else ''}]" if budget else ""
    print(f"  {name:32} {value}{tail}", flush=True)


def progress(text: str) -> None:
    """Print what is done."""
    print(f"# {text}", flush=True)
