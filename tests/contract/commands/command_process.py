"""Runs `nvcf-operator import` and `nvcf-operator check` as users do: processes, by their flags and variables."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.forks import Fork

COMMAND = Path(sys.executable).with_name("nvcf-operator")
LONGEST = 60.0
"""Seconds after which a command that has not ended fails the test."""

Done = subprocess.CompletedProcess[str]


def nvcf_operator(*arguments: str, **variables: str) -> Done:
    """Run the command to its end; nothing of the environment says anything about NVCF."""
    plain = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    environment = {name: value for name, value in plain.items() if not name.startswith("NVCF_OPERATOR_")}
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        process = Fork(COMMAND.name, arguments, output=output, errors=errors, environment={**environment, **variables})
        try:
            status = process.wait(LONGEST)
            assert status is not None, f"the command has not ended after {LONGEST:g} s: {errors.read_text()}"
        finally:
            process.kill()
        done = Done([str(COMMAND), *arguments], status, output.read_text(), errors.read_text())
    assert "Traceback" not in done.stderr, done.stderr
    return done


class Account:
    """A base URL and a file with a key."""

    def __init__(self, url: str, folder: Path, key: str) -> None:
        self.url = url
        self.key = key
        self.file = folder / "key"
        self.file.write_text(f"{key}\n")

    def run(self, command: str, *arguments: str) -> Done:
        """Run a command on the account. Whatever it says, it does not say the key."""
        done = nvcf_operator(
            command, "--nvcf-base-url", self.url, "--api-key-file", str(self.file), "--timeout=5s", *arguments
        )
        assert self.key not in done.stdout + done.stderr
        return done
