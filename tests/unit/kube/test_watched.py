"""What kopf gets of a watch whose events are taken in, however the lines come in pieces."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from kopf._cogs.clients.api import iter_jsonlines

from nvcf_operator.kube.connection import kopf_session
from nvcf_operator.kube.watched import TakenIn
from tests.unit.kube.kube_server import kubeconfig, serving

PATH = "/apis/nvcf-operator.io/v1alpha1/functiondeployments"


def line(kind: str, version: int, **more: Any) -> bytes:
    obj = {"metadata": {"name": "größe <&>", "resourceVersion": str(version)}, **more}
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def bookmark(version: int) -> bytes:
    return b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"%d"}}}\n' % version


class Pieces:
    """Content that arrives in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.total_bytes = sum(map(len, pieces))

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


def even(kind: str, obj: Any) -> bool:
    return int(obj["metadata"]["resourceVersion"]) % 2 == 0


async def passed(*pieces: bytes) -> bytes:
    content = TakenIn(cast(aiohttp.StreamReader, Pieces(*pieces)), even)
    return b"".join([chunk async for chunk in content.iter_chunked(1024)])


NEWS, TAKEN, LATER = line("MODIFIED", 5), line("MODIFIED", 6), line("MODIFIED", 8)


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
async def test_what_is_taken_in_leaves_bookmarks(size: int) -> None:
    data = NEWS + TAKEN + LATER + line("MODIFIED", 9)
    got = await passed(*(data[at : at + size] for at in range(0, len(data), size)))
    assert got.replace(bookmark(6), b"").replace(bookmark(8), b"") == NEWS + line("MODIFIED", 9)


async def test_what_comes_after_it_in_the_same_piece_needs_no_bookmark() -> None:
    assert await passed(TAKEN + NEWS) == NEWS
    assert await passed(NEWS + TAKEN + LATER) == NEWS + bookmark(8)


OTHERS = [
    line("BOOKMARK", 6),
    line("ERROR", 6, code=410),
    b'{"type":"MODIFIED","object":null}\n',
    b'{"type":"MODIFIED","object":{"metadata":{}}}\n',
    b'{"type":"MODIFIED","obj\n',
    b"<html>\n",
]


@pytest.mark.parametrize("other", OTHERS)
async def test_all_else_passes_as_it_is(other: bytes) -> None:
    assert await passed(other) == other
    assert await passed(other[:-1]) == other[:-1]


async def test_each_event_is_taken_in_once_and_in_order_and_one_at_which_that_fails_is_left_to_kopf() -> None:
    shown: list[tuple[str, str]] = []

    def take_in(kind: str, obj: Any) -> bool:
        shown.append((kind, obj["metadata"]["resourceVersion"]))
        if kind == "MODIFIED":
            raise AttributeError
        return kind == "ADDED"

    events = [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "3"), ("ADDED", "4")]
    lines = [line(kind, int(version)) for kind, version in events]
    content = TakenIn(cast(aiohttp.StreamReader, Pieces(b"".join(lines))), take_in)
    assert b"".join([chunk async for chunk in content.iter_chunked(1024)]) == lines[1] + lines[2] + bookmark(4)
    assert shown == events


async def test_kopf_reads_a_watch_of_ours_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def watch(sent: Any) -> web.StreamResponse:
        return web.Response(body=NEWS + TAKEN + LATER)

    async with serving(watch, watch, watch) as server:
        path = kubeconfig(tmp_path / "kubeconfig", server.url, user={"token": "t"})
        monkeypatch.setenv("KUBECONFIG", str(path))
        info = await kopf_session(user_agent="test", take_in=even)

        async def versions(path: str) -> list[tuple[str, str]]:
            async with info.aiohttp_session.get(server.url + path) as response:
                events = [json.loads(each) async for each in iter_jsonlines(response.content)]
            return [(event["type"], event["object"]["metadata"]["resourceVersion"]) for event in events]

        async with info.aiohttp_session:
            assert await versions(f"{PATH}?watch=true") == [("MODIFIED", "5"), ("BOOKMARK", "8")]
            whole = [("MODIFIED", "5"), ("MODIFIED", "6"), ("MODIFIED", "8")]
            assert await versions(f"{PATH}?limit=500") == whole
            assert await versions("/api/v1/namespaces?watch=true") == whole
