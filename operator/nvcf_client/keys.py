"""What an API key may look like, and how texts are rid of keys."""

import base64
import re
from urllib.parse import quote

MAX_KEY = 4096
"""Longest key that is sent, in characters."""

SHORTEST = 6
"""Secrets of fewer characters are not looked for in other spellings: they would blot out words."""

_VISIBLE = re.compile(r"[!-~]+")
_LOOKS_SECRET = re.compile(r"nvapi-[\w-]+|\bbearer\s+\S+|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?", re.IGNORECASE | re.ASCII)


def checked(key: str) -> str:
    """The key, without the line end that files put behind it.

    Raises:
        ValueError: it is empty, longer than `MAX_KEY`, or not one line of visible ASCII. The text does not show it.

    """
    line = key.removesuffix("\n").removesuffix("\r")
    if line[:7].lower() == "bearer ":
        raise ValueError("the API key begins with the word Bearer; leave that out")
    if not line:
        raise ValueError("the API key is empty")
    if len(line) > MAX_KEY:
        raise ValueError(f"the API key has {len(line)} characters; at most {MAX_KEY} are sent")
    if not _VISIBLE.fullmatch(line):
        raise ValueError("the API key must be one line of visible ASCII characters, without spaces")
    return line


def spellings(key: str) -> tuple[str, ...]:
    """The key as it is, as URLs and as base64 hold it; the longest first, for one may be a part of another."""
    # Whole groups of three bytes: their base64 is the same whatever follows, such as a line end.
    raw = key.encode()[: len(key.encode()) // 3 * 3]
    encoded = base64.b64encode(raw), base64.urlsafe_b64encode(raw)
    found = {key, quote(key, safe=""), quote(key), *(text.decode() for text in encoded)}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def without(text: str, key: str) -> str:
    """The text without a key, in any of its spellings. A key that is too short to be one is taken out as it is only."""
    if not key:
        return text
    for spelling in spellings(key) if len(key) >= SHORTEST else (key,):
        text = text.replace(spelling, "[key]")
    return text


def redacted(text: str, key: str = "") -> str:
    """The text with `key`, and all else that looks like a key or token, replaced."""
    return _LOOKS_SECRET.sub("[key]", without(text, key))
