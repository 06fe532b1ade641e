"""A watch whose events are taken in as they arrive, so that kopf sees few of them.

Each event costs kopf ten times the parsing of its line, and several turns of an event loop that a crowd of resources
keeps busy. kopf still makes the watch, continues it and lists.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import aiohttp

from nvcf_operator import jsons

TakeIn = Callable[[str, Mapping[str, Any]], bool]
"""Takes in the type and the object of an event, `ADDED`, `MODIFIED` or `DELETED`; whether kopf can do without it."""

_EVENT: Final = (b'{"type":"ADDED"', b'{"type":"MODIFIED"', b'{"type":"DELETED"')


class TakenIn:
    """The content of a response to a watch. In place of what was taken in stands a bookmark, to continue from.

    Args:
        content: all of it.
        take_in: called once with each event, in their order. An event at which it fails is left to kopf.

    """

    def __init__(self, content: aiohttp.StreamReader, take_in: TakeIn) -> None:
        self._content = content
        self._take_in = take_in

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Give whole lines as they arrive."""
        rest = b""
        async for data in self._content.iter_chunked(size):
            *lines, rest = (rest + data).split(b"\n")
            if kept := self._kept(lines):
                yield kept
        if rest:
            yield rest

    def _kept(self, lines: list[bytes]) -> bytes:
        kept: list[bytes] = []
        passed: str | None = None
        for line in lines:
            version = self._taken(line)
            if version is None:
                kept.append(line + b"\n")
            passed = version
        if passed is not None:
            kept.append(jsons.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": passed}}}) + b"\n")
        return b"".join(kept)

    def _taken(self, line: bytes) -> str | None:
        """The version of the object if the event of a line was taken in."""
        if not line.startswith(_EVENT):
            return None
        try:
            event = jsons.loads(line)
            obj = event["object"]
            version = str(obj["metadata"]["resourceVersion"])
            return version if self._take_in(event["type"], obj) else None
        except Exception:  # whatever it is, kopf is to see it, and to report what fails about it
            return None
