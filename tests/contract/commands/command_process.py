"""Runs `nvcf-operator import` and `nvcf-operator check` as people do: processes, by their flags and variables."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("nvcf-operator")
LONGEST = 60.0
"""Seconds after which a command that has not ended fails the test."""

Done = subprocess.CompletedProcess[str]


def nvcf_operator(*arguments: str, **variables: str) -> Done:
    """Run the command to its end; nothing of the environment says anything about NVCF."""
    plain = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    environment = {name: value for name, value in plain.items() if not name.startswith("NVCF_OPERATOR_")}
    command: list[str | Path] = [COMMAND, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**environment, **variables}, timeout=LONGEST)
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
