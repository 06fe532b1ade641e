"""Counts the calls that an operator makes to NVCF and to Kubernetes, and ends it as by kill -9 at a chosen one.

The product knows nothing of this: `install` wraps the two functions that all calls go through, in a process that a test
started. Kopf's own watches and lists are not counted, nor what pollers and other loops beside the work do: they read by
the clock, change nothing, and what follows from them is a worker's own call.
"""

import asyncio
import os
import signal
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nvcf_client.answers import Answer
from nvcf_client.http import kept, transport
from nvcf_client.requests import Request
from nvcf_operator.kube.client import KubeClient

BY_THE_CLOCK = ("poller ", "list", "history", "CRD")
"""How the names of tasks begin that read by the clock."""

TURNS = 3
"""Turns of the event loop after which a request is in the socket: uvloop hands it over at the end of a turn."""

When = Literal["before", "sent", "after"]
"""Before the call; when its request is on its way and no answer has come; when the answer has come and nothing was done
with it yet. Only calls to NVCF have the one in the middle."""


@dataclass(frozen=True, order=True)
class Failpoint:
    """Where to end: at the call of that name, so many of which came before, counted from when it was armed."""

    call: str
    """`nvcf OPERATION`, or `kube METHOD KIND` by the kinds of `nvcf_operator.kube.calls.Observe`."""
    nth: int
    """1 is the first."""
    when: When

    def __str__(self) -> str:
        return f"{self.when}:{self.call}:{self.nth}"

    @classmethod
    def parse(cls, text: str) -> "Failpoint":
        """Read what `str` gives. Raises ValueError."""
        when, call, nth = text.split(":")
        if when not in ("before", "sent", "after"):
            raise ValueError(f"{when!r} is not before, sent or after")
        return cls(call, int(nth), when)  # type: ignore[arg-type]  # mypy does not narrow a tuple's string


class Calls:
    """Notes each call in a file once it is armed, and ends the process at the failpoint.

    Args:
        trace: file that takes a line for each call, before the call is made.
        armed: counting begins when this file is there.
        failpoint: where to end; None to note only.

    """

    def __init__(self, trace: Path, armed: Path, failpoint: Failpoint | None) -> None:
        self._trace = trace
        self._armed = armed
        self._failpoint = failpoint
        self._made: Counter[str] = Counter()
        self._dies_when_sent: ContextVar[bool] = ContextVar("dies_when_sent", default=False)

    def install(self) -> None:
        """Wrap all calls of this process."""
        nvcf, kube, receive = transport.AsyncTransport.send, KubeClient._call, kept._received

        async def send(self_: transport.AsyncTransport, request: Request[Any]) -> Answer:
            nth = self._begin(call := f"nvcf {request.operation}")
            token = self._dies_when_sent.set(self._is(call, nth, "sent"))
            try:
                return await nvcf(self_, request)
            finally:
                self._dies_when_sent.reset(token)
                self._end(call, nth)

        async def call(self_: KubeClient, kind: str, method: str, *rest: Any) -> dict[str, Any]:
            nth = self._begin(name := f"kube {method} {kind}")
            try:
                return await kube(self_, kind, method, *rest)
            finally:
                self._end(name, nth)

        async def received(connection: Any, most: int | None) -> kept.Reply:
            if self._dies_when_sent.get():
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                die()
            return await receive(connection, most)

        transport.AsyncTransport.send = send  # type: ignore[method-assign, assignment]
        KubeClient._call = call  # type: ignore[method-assign, assignment]
        kept._received = received

    def _begin(self, call: str) -> int:
        """Count a call, note it, and give its number; 0 when it is not counted."""
        task = asyncio.current_task()
        if task is None or task.get_name().startswith(BY_THE_CLOCK) or not self._armed.exists():
            return 0
        self._made[call] += 1
        with self._trace.open("a") as trace:
            trace.write(f"{call}\n")
        if self._is(call, self._made[call], "before"):
            die()
        return self._made[call]

    def _end(self, call: str, nth: int) -> None:
        if self._is(call, nth, "after"):
            die()

    def _is(self, call: str, nth: int, when: When) -> bool:
        return self._failpoint == Failpoint(call, nth, when)


def die() -> None:
    """End this process as kill -9 does: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)
