"""What the secrets of a function are identified by, and how a value is read. No text here shows a value."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from nvcf_client.models import Secret
from nvcf_client.models.functions import to_request
from nvcf_operator.api.function_spec import SecretFormat

MOST_CHARACTERS = 32768
"""Characters of one value that NVCF accepts."""

MOST_BYTES = 8192
"""Bytes of all values together that hosted NVCF is documented to accept. Its source has no such check."""


class Source(NamedTuple):
    """Where a value comes from. Two that are equal give the same value."""

    name: str
    """Of the secret."""
    uid: str
    """Of the Secret, as the next two."""
    resource_version: str
    key: str
    format: SecretFormat


def digest_of_sources(sources: Iterable[Source]) -> str:
    """Digest of where values come from. It says nothing about the values, so that none can be guessed from it."""
    return _digest(sorted(sources))


def digest_of_names(names: Iterable[str]) -> str | None:
    """Digest of a set of names; None for none."""
    found = sorted(names)
    return _digest(found) if found else None


def secret_of(name: str, raw: bytes, form: SecretFormat) -> Secret | str:
    """The secret as it is sent, or why these bytes cannot be sent. No exception comes out, since it would hold them."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    if not text:
        return "is empty"
    if len(text.encode("utf-16-le")) // 2 > MOST_CHARACTERS:  # NVCF counts as Java does
        return f"has more than {MOST_CHARACTERS} characters, the most that NVCF accepts"
    if form == SecretFormat.STRING:
        return Secret(name=name, value=text)
    return _of_json(name, text) or "is not a JSON object, which its format JSON requires"


def _of_json(name: str, text: str) -> Secret | None:
    try:
        found = json.loads(text, parse_constant=_no_number)
        secret = Secret(name=name, value=found) if isinstance(found, dict) else None
        if secret is not None:
            to_request(secret)
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):  # also where it is nested too deeply, or is no text once it is decoded
        return None
    return secret


def _no_number(_: str) -> Any:
    raise ValueError("not a number in JSON")


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()[:16]
