"""Removes registered keys from texts, in a time that does not grow with their number."""

from typing import Final

from nvcf_client import keys

SHORTEST: Final = keys.SHORTEST
"""Secrets of fewer characters are not looked for."""

MARK: Final = "[key]"


class Redactor:
    """Takes registered secrets, and whatever looks like a key, out of texts.

    A text is cut into all its windows of `SHORTEST` characters; only spellings that end like one of them are looked
    for. Keys begin alike, so that their ends tell more.

    Args:
        most: secrets that are looked for; beyond that those that were registered longest ago are not.

    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._secrets: dict[str, None] = {}
        self._by_end: dict[str, set[str]] = {}

    def add(self, secret: str) -> None:
        """Look for this secret from now on, as it is, as URLs and as the data of a Secret hold it."""
        if secret in self._secrets or len(secret) < SHORTEST:
            return
        if len(self._secrets) >= self._most:
            self._remove(next(iter(self._secrets)))
        self._secrets[secret] = None
        for spelling in keys.spellings(secret):
            self._by_end.setdefault(spelling[-SHORTEST:], set()).add(spelling)

    def clean(self, text: str) -> str:
        """The text without keys."""
        if self._by_end:
            windows = {text[i : i + SHORTEST] for i in range(len(text) - SHORTEST + 1)}
            found = [spelling for end in windows & self._by_end.keys() for spelling in self._by_end[end]]
            for spelling in sorted(found, key=len, reverse=True):  # one may be a part of another
                text = text.replace(spelling, MARK)
        return keys.redacted(text)

    def _remove(self, secret: str) -> None:
        del self._secrets[secret]
        for spelling in keys.spellings(secret):
            end = spelling[-SHORTEST:]
            self._by_end[end].discard(spelling)
            if not self._by_end[end]:
                del self._by_end[end]
