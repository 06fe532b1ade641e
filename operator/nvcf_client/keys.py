"""What an API key may look like, and how texts are rid of keys, and of a caller's confidential values."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MAX_KEY = 4096
"""Longest key that is sent, in characters."""

SHORTEST = 6
"""Secrets of fewer characters are not looked for in other spellings: they would blot out words."""

MASK = "[value]"

PART = 48
"""Characters of the beginning of a longer value that are looked for, since a server may have shortened it."""

_IN_HTML = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}
"""What servers escape in JSON beside what it requires, so that it may stand in HTML."""

_REJECTED = re.compile(r"\brejected=.*?(?=, message=|$)")

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


def masked(line: str, values: Iterable[str]) -> str:
    """The line without these values, which NVCF's validation repeats: as they are, and as JSON, HTML, URLs and base64
    hold them.

    What validation says that it rejected is taken out whole, for the server may have shortened it. Elsewhere, values
    of fewer characters than `SHORTEST` stay, because they would blot out words.
    """
    for value in sorted({text for given in values for text in _value_spellings(given)}, key=len, reverse=True):
        if len(value) < SHORTEST:
            continue
        line = line.replace(value, MASK)
        while len(value) > PART and (start := line.find(value[:PART])) >= 0:
            same = next(size for size in range(len(value), PART - 1, -1) if line.startswith(value[:size], start))
            line = f"{line[:start]}{MASK}{line[start + same :]}"
        kept = line.removesuffix("...")
        cut = next((size for size in range(len(value) - 1, SHORTEST - 1, -1) if kept.endswith(value[:size])), 0)
        if cut:
            line = f"{kept[:-cut]}{MASK}..."
    return _REJECTED.sub(f"rejected={MASK}", line)


def _value_spellings(value: str) -> Iterator[str]:
    """The forms in which a value may stand in a line: on one line, with blanks as the line has them."""
    raw = value.encode(errors="surrogatepass")
    as_json = [json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)]
    for text in (value, *as_json, *(text.translate(_IN_HTML) for text in as_json), html.escape(value)):
        line = " ".join(_printable(text).split())
        yield from (line, redacted(line))  # a line is rid of what looks like a key before it comes here
    if len(value) >= SHORTEST:
        whole = raw[: len(raw) // 3 * 3]  # whole groups look the same whatever follows
        yield from (quote(raw, safe=""), base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode())


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
