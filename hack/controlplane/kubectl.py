"""Running kubectl."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


class KubectlError(RuntimeError):
    """kubectl failed; the message has its arguments and what it said."""


def kubectl(
    executable: Path,
    arguments: Sequence[str | Path],
    *,
    kubeconfig: Path,
    home: Path,
    input: str | None,
    timeout: float,
) -> str:
    """Run kubectl and return what it printed.

    ``home`` takes its caches and preferences in place of the user's. Raises :class:`KubectlError`, and
    :class:`subprocess.TimeoutExpired` after ``timeout`` seconds.
    """
    done = subprocess.run(
        [executable, *arguments],
        input=input or "",
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | {"HOME": str(home), "KUBECONFIG": str(kubeconfig)},
    )
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"ended with status {done.returncode}"
        raise KubectlError(f"kubectl {' '.join(map(str, arguments))}: {said}")
    return done.stdout
