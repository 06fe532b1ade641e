"""Operators that can end at a chosen call."""

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.failpoints import Failpoint
from tests.support.forks import Fork
from tests.support.process import flags

RETRY_SECONDS = 3.0
"""Before a deployment that NVCF gave up is made again, in place of a minute, which no setting changes."""


class ForkedOperator:
    """One operator. Ends with its starter."""

    def __init__(self, fork: Fork, trace: Path, log: Path) -> None:
        self.trace = trace
        """File with a line for each call that it has made since it was armed, the name of `Failpoint.call`."""
        self._fork = fork
        self._log = log

    def calls(self) -> list[str]:
        """The calls that it has made since it was armed."""
        return self.trace.read_text().splitlines() if self.trace.exists() else []

    def output(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def ended(self, within: float = 0.0) -> bool:
        """Whether it has ended, or ends within so many seconds."""
        return self._fork.ended(within)

    def close(self) -> None:
        """Kill it with -9 if it runs, and wait until it is gone."""
        self._fork.kill()


class ForkedOperators:
    """Makes operators by forking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> "Iterator[ForkedOperators]":
        """Have logs and traces of the operators go to the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        yield cls(folder)

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
    ) -> Iterator[ForkedOperator]:
        """Run an operator for the body. See `failpoints.Calls` for `armed` and `failpoint`.

        `environment` has variables beside those of this process.
        """
        name = f"{next(self._numbers):04d}"
        given = {"nvcf_base_url": nvcf_url, "metrics_address": "0", **settings}
        trace, log = self._folder / f"{name}.calls", self._folder / f"{name}.log"
        fork = Fork(
            "nvcf-operator",
            ["run", *flags(given)],
            output=log,
            environment={**os.environ, **(environment or {}), "KUBECONFIG": str(kubeconfig)},
            trace=str(trace),
            armed=str(armed),
            failpoint=str(failpoint) if failpoint is not None else None,
            bug=bug,
            retry_seconds=retry_seconds,
        )
        operator = ForkedOperator(fork, trace, log)
        try:
            yield operator
        finally:
            operator.close()
