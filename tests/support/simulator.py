"""Runs `nvcf-simulator` as a process."""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from tests.support.control import Control
from tests.support.forks import Fork
from tests.support.process import Fresh
from tests.support.waiting import eventually

ACCOUNT, KEY, OTHER_KEY = "acme", "nvapi-simulator", "nvapi-other"
ECHO = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
"""Id of the function `echo` and of its version, as in the old SDK's documentation."""

COMMAND = Path(sys.executable).with_name("nvcf-simulator")
START_SECONDS, END_SECONDS = 60.0, 5.0
PAUSE = 0.01


class Simulator(Control):
    """A running simulator and its control API. It exits with the process that started it."""

    def __init__(self, arguments: list[str], *, fresh: bool = False) -> None:
        """Start it, and wait until it listens. A `fresh` one has an interpreter of its own; the others are forks."""
        self._folder = tempfile.TemporaryDirectory()
        self._output = Path(self._folder.name) / "output"
        self._keeps_state = "--state" in arguments
        arguments = ["--parent-pid", str(os.getpid()), *arguments]
        self._process: Fresh | Fork
        if fresh:
            self._process = Fresh([COMMAND, *arguments], self._output, os.environ)
        else:
            self._process = Fork(COMMAND.name, arguments, output=self._output)
        try:
            ready = self._ready()
        except BaseException:
            self._end()
            raise
        self.url: str = ready["url"]
        self.pid: int = ready["pid"]
        super().__init__(ready["control"])

    def _ready(self) -> dict[str, Any]:
        """Wait for the line that says where it listens."""

        def lines() -> list[str]:
            running = self._process.running
            text = self._output.read_text() if self._output.exists() else ""
            assert running or "{" in text, f"the simulator has ended before it listened: {text}"
            return [line for line in text.splitlines(keepends=True) if line.startswith("{")]

        (line,) = eventually(
            lines,
            lambda found: bool(found) and found[0].endswith("\n"),
            within=START_SECONDS,
            what="the simulator listens",
            rest=lambda: time.sleep(PAUSE),
        )
        return dict(json.loads(line))

    @classmethod
    @contextmanager
    def start(
        cls,
        scenario: Mapping[str, Any] | None = None,
        *,
        port: int = 0,
        state: Path | None = None,
        fresh: bool = False,
        **behaviour: Any,
    ) -> "Iterator[Simulator]":
        """Run a simulator for the duration of the body.

        Args:
            scenario: contents of a scenario file.
            port: port to listen on; 0 for any free port.
            state: file to save the state in.
            fresh: whether it gets an interpreter of its own.
            behaviour: merged into the scenario's behaviour, by the names of `nvcf_simulator.settings.Behaviour`.

        """
        chosen = dict(scenario or {})
        # A pass of the server's loop and the start of an instance take a fraction of a second by default.
        chosen["behaviour"] = {"period": 0.2, "deploySeconds": 0.5, **chosen.get("behaviour", {}), **behaviour}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scenario.yaml"
            path.write_text(yaml.safe_dump(chosen))
            arguments = ["--port", str(port), "--scenario", str(path)]
            simulator = cls(arguments + (["--state", str(state)] if state is not None else []), fresh=fresh)
            try:
                yield simulator
            finally:
                simulator.stop()

    def stop(self) -> None:
        """Terminate the process and wait for it."""
        self.close()
        self._end()

    def _end(self) -> None:
        if self._keeps_state and self._process.running:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)
            self._process.wait(END_SECONDS)
        self._process.kill()
        self._folder.cleanup()
