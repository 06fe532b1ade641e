"""What an API key may look like, and how texts are rid of keys."""

import re

MAX_KEY = 4096
"""Longest key that is sent, in characters."""

_VISIBLE = re.compile(r"[!-~]+")
_LOOKS_SECRET = re.compile(r"nvapi-[\w-]+|\bbearer\s+\S+|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?", re.IGNORECASE | re.ASCII)


def checked(key: str) -> str:
    """The key, without the line end that files put behind it.

    Raises:
        ValueError: it is empty, longer than `MAX_KEY`, or not one line of visible ASCII. The text does not show it.

    """
    line = key.removesuffix("\n").removesuffix("\r")
    if not line:
        raise ValueError("the API key is empty")
    if len(line) > MAX_KEY:
        raise ValueError(f"the API key has {len(line)} characters; at most {MAX_KEY} are sent")
    if not _VISIBLE.fullmatch(line):
        raise ValueError("the API key must be one line of visible ASCII characters, without spaces")
    return line


def redacted(text: str, key: str = "") -> str:
    """The text with `key`, and all else that looks like a key or token, replaced."""
    if key:
        text = text.replace(key, "[key]")
    return _LOOKS_SECRET.sub("[key]", text)
