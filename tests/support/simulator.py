"""Runs `nvcf-simulator` as a process."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.support.control import Control

ACCOUNT, KEY, OTHER_KEY = "acme", "nvapi-simulator", "nvapi-other"
ECHO = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
"""Id of the function `echo` and of its version, as in the old SDK's documentation."""

COMMAND = Path(sys.executable).with_name("nvcf-simulator")
START_SECONDS = 30.0


class Simulator(Control):
    """A running simulator and its control API. It exits with the process that started it."""

    def __init__(self, arguments: list[str]) -> None:
        self._process = subprocess.Popen(
            [COMMAND, "--parent-pid", str(os.getpid()), *arguments],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            ready = json.loads(self._first_line())
        except BaseException:
            self._end()
            raise
        self.url: str = ready["url"]
        self.pid: int = ready["pid"]
        super().__init__(ready["control"])

    def _first_line(self) -> str:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(START_SECONDS):
                raise RuntimeError(f"the simulator did not listen within {START_SECONDS} s")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulator ended with status {self._process.wait(10)} before it listened")
        return line

    @classmethod
    @contextmanager
    def start(
        cls, scenario: Mapping[str, Any] | None = None, *, port: int = 0, state: Path | None = None, **behaviour: Any
    ) -> "Iterator[Simulator]":
        """Run a simulator for the duration of the body.

        Args:
            scenario: contents of a scenario file.
            port: port to listen on; 0 for any free port.
            state: file to save the state in.
            behaviour: merged into the scenario's behaviour, by the names of `nvcf_simulator.settings.Behaviour`.

        """
        chosen = dict(scenario or {})
        # A pass of the server's loop and the start of an instance take a fraction of a second by default.
        chosen["behaviour"] = {"period": 0.2, "deploySeconds": 0.5, **chosen.get("behaviour", {}), **behaviour}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scenario.yaml"
            path.write_text(yaml.safe_dump(chosen))
            arguments = ["--port", str(port), "--scenario", str(path)]
            simulator = cls(arguments + (["--state", str(state)] if state is not None else []))
            try:
                yield simulator
            finally:
                simulator.stop()

    def stop(self) -> None:
        """Terminate the process and wait for it."""
        self.close()
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        if self._process.stdout is not None:
            self._process.stdout.close()
