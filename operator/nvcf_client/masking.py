"""Takes a caller's confidential values out of a server's words: NVCF's validation repeats what it rejects."""

import re
from collections.abc import Iterable

from nvcf_client.keys import SHORTEST

MASK = "[value]"

_REJECTED = re.compile(r"\brejected=.*?(?=, message=|$)")


def masked(line: str, values: Iterable[str]) -> str:
    """The line without these values.

    What validation says that it rejected is taken out whole, for the server may have shortened it. Elsewhere, values
    of fewer characters than `SHORTEST` stay, because they would blot out words.
    """
    for value in sorted({" ".join(_printable(value).split()) for value in values}, key=len, reverse=True):
        if len(value) < SHORTEST:
            continue
        line = line.replace(value, MASK)
        kept = line.removesuffix("...")
        cut = next((size for size in range(len(value) - 1, SHORTEST - 1, -1) if kept.endswith(value[:size])), 0)
        if cut:
            line = f"{kept[:-cut]}{MASK}..."
    return _REJECTED.sub(f"rejected={MASK}", line)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
