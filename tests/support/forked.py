"""Operators that start in milliseconds, and that can end at a chosen call: forks of `tests.support.zygote`."""

import itertools
import json
import os
import select
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hack.processes import kill, spawn
from tests.support.failpoints import Failpoint
from tests.support.process import flags
from tests.support.waiting import eventually

START_SECONDS = 60.0

RETRY_SECONDS = 3.0
"""Before a deployment that NVCF gave up is made again, in place of a minute, which no setting changes."""


class Forked:
    """One operator. Ends with its starter."""

    def __init__(self, address: Path, wanted: Mapping[str, Any]) -> None:
        self.trace = Path(wanted["trace"])
        """File with a line for each call that it has made since it was armed, the name of `Failpoint.call`."""
        self._log = Path(wanted["log"])
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(str(address))
        self._connection.sendall(json.dumps(wanted).encode() + b"\n")

    def calls(self) -> list[str]:
        """The calls that it has made since it was armed."""
        return self.trace.read_text().splitlines() if self.trace.exists() else []

    def output(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def ended(self, within: float = 0.0) -> bool:
        """Whether it has ended, or ends within so many seconds."""
        return bool(select.select([self._connection], [], [], within)[0])

    def close(self) -> None:
        """Kill it with -9 if it runs, and wait until it is gone."""
        if self._connection.fileno() < 0:
            return
        self._connection.shutdown(socket.SHUT_WR)
        self.ended(START_SECONDS)
        self._connection.close()


class Forkery:
    """Makes operators by forking."""

    def __init__(self, address: Path, folder: Path) -> None:
        self._address = address
        self._folder = folder
        self._numbers = itertools.count(1)

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> "Iterator[Forkery]":
        """Run a zygote for the body; logs and traces of its operators go to the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="zygote-") as place:  # a socket's path must be short
            address, log = Path(place) / "socket", folder / "zygote.log"
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            with log.open("wb") as output:
                zygote = spawn([sys.executable, "-m", "tests.support.zygote", address], stdout=output, env=environment)
            try:
                eventually(
                    address.exists,
                    lambda there: there or zygote.poll() is not None,
                    within=START_SECONDS,
                    what="the zygote listens",
                )
                assert zygote.poll() is None, f"the zygote has ended: {log.read_text()}"
                yield cls(address, folder)
            finally:
                kill(zygote)

    @contextmanager
    def operator(
        self,
        kubeconfig: Path,
        nvcf_url: str,
        settings: Mapping[str, Any],
        *,
        armed: Path,
        failpoint: Failpoint | None = None,
        bug: str | None = None,
        retry_seconds: float = RETRY_SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[Forked]:
        """Run an operator for the body. See `failpoints.Calls` for `armed` and `failpoint`.

        `environment` has variables beside those of the zygote.
        """
        name = f"{next(self._numbers):04d}"
        given = {"nvcf_base_url": nvcf_url, "metrics_address": "0", **settings}
        wanted = {
            "arguments": ["run", *flags(given)],
            "environment": {**(environment or {}), "KUBECONFIG": str(kubeconfig)},
            "log": str(self._folder / f"{name}.log"),
            "trace": str(self._folder / f"{name}.calls"),
            "armed": str(armed),
            "failpoint": str(failpoint) if failpoint is not None else None,
            "bug": bug,
            "retry_seconds": retry_seconds,
        }
        operator = Forked(self._address, wanted)
        try:
            yield operator
        finally:
            operator.close()
