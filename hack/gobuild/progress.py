"""Progress of a long step: what is being done, how far it is, and that it still runs."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from hack.processes import kill, spawn

HEARTBEAT_SECONDS = 10.0


class CommandError(RuntimeError):
    """A command of a step failed; the message shows the command and the end of what it wrote."""


class Progress:
    """Numbered steps, each with its elapsed time and a heartbeat, on one text stream."""

    def __init__(self, total: int, stream: TextIO | None = None, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        """Prepare for ``total`` steps, written to ``stream`` (standard error if none is given)."""
        self._total = total
        self._done = 0
        self._stream = stream
        self._heartbeat = heartbeat
        self._began = time.monotonic()
        self._title = ""

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._done += 1
        self._title = title
        self.say(title)

    def say(self, text: str) -> None:
        """Write a line under the current step, with the seconds since the beginning."""
        elapsed = time.monotonic() - self._began
        print(f"[{self._done}/{self._total}] {elapsed:4.0f} s  {text}", file=self._stream or sys.stderr, flush=True)

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path,
        counts: Callable[[str], bool] = lambda _: False,
        report: Callable[[int], str] = lambda _: "going on",
    ) -> str:
        """Run a command to its end; return what it wrote.

        Each heartbeat says what ``report`` makes of the number of lines so far that ``counts`` held for. Raises
        :class:`CommandError`. However this call ends, no process of the command is left.
        """
        process = spawn(command, stdout=subprocess.PIPE, env=env, cwd=cwd)
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read_lines, args=(process, lines), daemon=True)
        reader.start()
        output: list[str] = []
        count = 0
        beat = time.monotonic() + self._heartbeat
        try:
            while (line := self._next(lines, beat)) is not None:
                if line:
                    output.append(line)
                    count += counts(line)
                if time.monotonic() >= beat:
                    self.say(f"{self._title}: {report(count)}")
                    beat = time.monotonic() + self._heartbeat
            status = process.wait()
        finally:
            kill(process)
            reader.join()
            if process.stdout:
                process.stdout.close()
        if status != 0:
            tail = "\n".join(f"  {line.rstrip()}" for line in deque(output, maxlen=20))
            raise CommandError(f"{' '.join(map(str, command[:3]))} ... ended with status {status}:\n{tail}")
        return "".join(output)

    @staticmethod
    def _next(lines: queue.SimpleQueue[str | None], deadline: float) -> str | None:
        """Return the next line, an empty one when the deadline comes first, or None at the end."""
        try:
            return lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return ""


def _read_lines(process: subprocess.Popen[bytes], lines: queue.SimpleQueue[str | None]) -> None:
    if process.stdout:
        for line in process.stdout:
            lines.put(line.decode(errors="replace"))
    lines.put(None)
