"""Runs promtool."""

import subprocess
from pathlib import Path

from hack.promtool.binary import promtool_binary


class SaysNoError(AssertionError):
    """promtool has found something wrong; the text is what it said."""


class Promtool:
    """One promtool, which may be asked any number of times."""

    def __init__(self) -> None:
        self._binary = promtool_binary()

    def __call__(self, *arguments: str | Path, text: str = "", within: float = 60.0) -> str:
        """Run it with a text on its standard input; give what it said.

        Raises:
            SaysNoError: it ended with a status other than 0.

        """
        command = [self._binary, *arguments]
        done = subprocess.run(
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within,
            check=False,
        )
        if done.returncode != 0:
            raise SaysNoError(f"promtool {' '.join(map(str, arguments))}:\n{done.stdout}")
        return done.stdout
