"""What came back beside an error, for callers that look at it: status, headers and body, without keys and values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from nvcf_client.answers import Answer
from nvcf_client.keys import redacted
from nvcf_client.masking import masked

MAX_BODY = 1 << 20
"""A longer body is not kept, in bytes."""

_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Received:
    """The answer that an error is about. Nothing of it is part of the repr.

    Attributes:
        status: the HTTP status.
        headers: its headers, with names in lower case, without those that only the wire needs.
        content: its body; empty for a success that cannot be read, which may hold anything.

    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def body(self) -> Any:
        """The body, if it is JSON."""
        try:
            return from_json(self.content)
        except ValueError:
            return None


def received(answer: Answer, key: str, confidential: tuple[str, ...]) -> Received:
    """The answer as an error keeps it."""
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_THE_WIRE}
    if not _harmless("\n".join(headers.values()), key):
        headers = {name: redacted(value, key) for name, value in headers.items()}
    if 200 <= answer.status < 300 or len(answer.body) > MAX_BODY:
        return Received(answer.status, headers, b"")
    text = answer.body.decode(errors="replace")
    if not confidential and _harmless(text, key):
        return Received(answer.status, headers, answer.body)
    try:
        content = json.dumps(_clean(from_json(answer.body), key, confidential), ensure_ascii=False)
    except ValueError:
        content = _clean(text, key, confidential)
    return Received(answer.status, headers, content.encode(errors="replace"))


def _harmless(text: str, key: str) -> bool:
    """Whether a text holds no key, nothing that looks like one, and no escape behind which one may stand."""
    return "\\" not in text and redacted(text, key) == text


def _clean(value: Any, key: str, confidential: tuple[str, ...]) -> Any:
    match value:
        case str():
            text = redacted(value, key)
            return masked(text, confidential) if confidential else text
        case dict():
            return {_clean(name, key, confidential): _clean(item, key, confidential) for name, item in value.items()}
        case list():
            return [_clean(item, key, confidential) for item in value]
        case _:
            return value
