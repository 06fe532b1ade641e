"""Disruptions that an operator under test can meet: no bugs of its own, but what clusters and machines do to it.

Like the bugs of `tests.support.planted`, which lists them too, each changes the process that is started and nothing
else.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from nvcf_operator import clock
from nvcf_operator.informer import informer
from nvcf_operator.informer.informer import Informer
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import Invalid

CLOCK_OFFSET_FILE: Final = "NVCF_TEST_CLOCK_OFFSET_FILE"
"""Variable with the name of the file that `wall_clock_from_file` reads."""


def late_watch() -> None:
    """What the watch delivers comes seconds late, and no list comes before it."""
    seen_at_once, shown_at_once = Informer._seen, Informer._shown
    informer.FIRST_RELIST = informer.RELIST

    async def seen(self: Informer, **event: Any) -> None:
        await asyncio.sleep(3)
        await seen_at_once(self, **event)

    def shown(self: Informer, kind: str, obj: Mapping[str, Any]) -> bool:
        if kind == "DELETED" or not self._cache.is_echo(obj):
            asyncio.get_running_loop().call_later(3, shown_at_once, self, kind, obj)
        return kind != "DELETED"

    Informer._seen = seen  # type: ignore[method-assign, assignment]
    Informer._shown = shown  # type: ignore[method-assign]


def late_end() -> None:
    """The watch reports seconds late that an object is gone; all else comes in time."""
    seen_at_once, shown_at_once = Informer._seen, Informer._shown

    async def seen(self: Informer, **event: Any) -> None:
        if event["event"]["type"] == "DELETED":
            await asyncio.sleep(3)
        await seen_at_once(self, **event)

    def shown(self: Informer, kind: str, obj: Mapping[str, Any]) -> bool:
        if kind != "DELETED":
            return shown_at_once(self, kind, obj)
        asyncio.get_running_loop().call_later(3, shown_at_once, self, kind, obj)
        return False

    Informer._seen = seen  # type: ignore[method-assign, assignment]
    Informer._shown = shown  # type: ignore[method-assign]


def wall_clock_from_file() -> None:
    """The wall clock is off by the seconds that stand in a file, right while it is not there.

    The file can change while the operator runs. It has to be put in place in one step, by a rename.
    """
    original, file = clock.wall_time, Path(os.environ[CLOCK_OFFSET_FILE])

    def wall_time() -> float:
        try:
            return original() + float(file.read_text())
        except FileNotFoundError:
            return original()

    clock.wall_time = wall_time


def status_not_taken() -> None:
    """The API server refuses each status but the one that comes before a POST, as an admission webhook may."""
    original = KubeClient.patch_status

    async def patch(self: KubeClient, *given: Any, kind: str = "status", **more: Any) -> dict[str, Any]:
        if kind == "status":
            raise Invalid("admission webhook <größe> & co denied the request", status=422)
        return await original(self, *given, kind=kind, **more)

    KubeClient.patch_status = patch  # type: ignore[method-assign]


def minutes_pass_fast() -> None:
    """The operator checks each second whether the cluster's history goes on, so that no test has to last minutes."""
    informer.PROBE = informer.CONFIRM = 1.0  # type: ignore[misc, unused-ignore]


DISRUPTIONS: Final = (late_watch, late_end, wall_clock_from_file, status_not_taken, minutes_pass_fast)
