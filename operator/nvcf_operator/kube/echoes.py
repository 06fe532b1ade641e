"""A watch without the echoes of our own writes, which the answers to them have brought already.

Each event costs kopf ten times the parsing of its line, and of a new resource's events four in five are echoes.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import aiohttp

from nvcf_operator import jsons

IsEcho = Callable[[Mapping[str, Any]], bool]
"""Whether an object shows nothing but a write of ours whose answer has come."""

_CHANGE: Final = b'{"type":"MODIFIED"'


class WithoutEchoes:
    """The content of a response to a watch. In place of echoes stands a bookmark, from which the watch can go on.

    Args:
        content: all of it.
        is_echo: asked once about each object that has changed.

    """

    def __init__(self, content: aiohttp.StreamReader, is_echo: IsEcho) -> None:
        self._content = content
        self._is_echo = is_echo

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
            version = self._echoed(line)
            if version is None:
                kept.append(line + b"\n")
            passed = version
        if passed is not None:
            kept.append(jsons.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": passed}}}) + b"\n")
        return b"".join(kept)

    def _echoed(self, line: bytes) -> str | None:
        """The version of the object if a line is an echo."""
        if not line.startswith(_CHANGE):
            return None
        try:
            obj = jsons.loads(line)["object"]
            return str(obj["metadata"]["resourceVersion"]) if self._is_echo(obj) else None
        except (ValueError, LookupError, TypeError):
            return None  # whatever it is, kopf is to see it
