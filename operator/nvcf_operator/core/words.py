"""The words that people set in our annotations: what they say, and what is told of those that say nothing.

A switch is `true` or `false`, in any case of letters and whatever blanks are around it. Nothing else is guessed at, for
a guess would undeploy, or go on writing, against somebody's will; but nothing is passed over without a word either.
"""

from collections.abc import Mapping

from nvcf_client import keys
from nvcf_operator.api import names

MOST_SHOWN = 32
"""Characters of a word that are shown."""

IGNORED: Mapping[str, str] = {
    names.PAUSED_ANNOTATION: "so it is ignored, and the operator is not paused by it",
    names.FORCE_DELETE_ANNOTATION: "so it is ignored, and releases nothing",
}
"""Our switches, with what comes of a word that is neither true nor false."""

TOKENS = (names.RECONCILE_REQUESTED_ANNOTATION, names.REDEPLOY_REQUESTED_ANNOTATION)


def is_true(word: str | None) -> bool:
    """Whether the value of an annotation says yes."""
    return word is not None and _plain(word) == "true"


def ignored(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each of our annotations whose value says nothing: what stands there, and what would count."""
    odd = [
        f'The annotation {name} is "{_shown(annotations[name])}": only "true" and "false" count, {effect}.'
        for name, effect in IGNORED.items()
        if name in annotations and _plain(annotations[name]) not in ("true", "false")
    ]
    empty = [
        f"The annotation {name} is empty, so it requests nothing: set it to a new value, such as the current time."
        for name in TOKENS
        if annotations.get(name) == ""
    ]
    return (*odd, *empty)


def _plain(word: str) -> str:
    return word.strip().lower()


def _shown(word: str) -> str:
    text = keys.redacted(word)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
