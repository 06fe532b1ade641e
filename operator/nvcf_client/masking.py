"""Takes a caller's confidential values out of a server's words: NVCF's validation repeats what it rejects."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from nvcf_client.keys import SHORTEST, redacted

MASK = "[value]"

PART = 48
"""Characters of the beginning of a longer value that are looked for, since a server may have shortened it."""

_IN_HTML = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}
"""What servers escape in JSON beside what it requires, so that it may stand in HTML."""

_REJECTED = re.compile(r"\brejected=.*?(?=, message=|$)")


def masked(line: str, values: Iterable[str]) -> str:
    """The line without these values, as they are and as JSON, HTML, URLs and base64 hold them.

    What validation says that it rejected is taken out whole, for the server may have shortened it. Elsewhere, values
    of fewer characters than `SHORTEST` stay, because they would blot out words.
    """
    for value in sorted({text for given in values for text in _spellings(given)}, key=len, reverse=True):
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


def _spellings(value: str) -> Iterator[str]:
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
