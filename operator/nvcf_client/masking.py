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


LEAST = 4096
"""Characters of a value that are looked for at least; where lines are longer, as many as they have."""


class Masking:
    """Takes values out of lines, as they are and as JSON, HTML, URLs and base64 hold them.

    What validation says that it rejected is taken out whole, for the server may have shortened it. Elsewhere, values
    of fewer characters than `SHORTEST` stay, because they would blot out words. Values may have megabytes and refusals
    may repeat, so the work grows with the lines and not with the values.

    Args:
        values: the values.
        longest: characters of the longest line.

    """

    def __init__(self, values: Iterable[str], longest: int) -> None:
        heads = [_head(value, max(longest, LEAST) + PART) for value in values]
        self._given = bool(heads)
        found = {text for head in heads for text in _spellings(head) if len(text) >= SHORTEST}
        self._spellings = sorted(found, key=len, reverse=True)

    def __bool__(self) -> bool:
        """Whether there are any values."""
        return self._given

    def __call__(self, line: str) -> str:
        """The line without the values."""
        for value in self._spellings:
            if len(value) <= len(line):
                line = line.replace(value, MASK)
            while len(value) > PART and (start := line.find(value[:PART])) >= 0:
                line = f"{line[:start]}{MASK}{line[start + _shared(value, line, start) :]}"
            kept = line.removesuffix("...")
            if cut := _at_the_end(value, kept):
                line = f"{kept[:-cut]}{MASK}..."
        return _REJECTED.sub(f"rejected={MASK}", line)


def _head(value: str, length: int) -> str:
    """The beginning of a value that has so many characters even where blanks in a row count as one."""
    size = length
    while size < len(value) and len(" ".join(value[:size].split())) < length:
        size *= 2
    return value[:size]


def _shared(value: str, line: str, start: int) -> int:
    """How many characters of a value a line has at that place, which has the first `PART` of it."""
    least, most = PART, min(len(value), len(line) - start)
    while least < most:
        middle = (least + most + 1) // 2
        if line.startswith(value[:middle], start):
            least = middle
        else:
            most = middle - 1
    return least


def _at_the_end(value: str, line: str) -> int:
    """How many characters at the end of a line are the beginning of a value, that is longer; 0 for too few."""
    end, last = min(len(value) - 1, len(line)), line[-SHORTEST:]
    while len(last) == SHORTEST and (place := value.rfind(last, 0, end)) >= 0:
        end = place + SHORTEST
        if line.endswith(value[:end]):
            return end
        end -= 1
    return 0


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
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
