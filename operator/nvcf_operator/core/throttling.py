"""What a resource says while NVCF asks for a pause: the same text for as long as the pause lasts."""

from nvcf_operator.flowcontrol.throttle import MOST_FOR_OTHERS, MOST_FOR_PEOPLE

_STEPS: tuple[tuple[float, str], ...] = (
    (60, "a minute"),
    (120, "2 minutes"),
    (300, "5 minutes"),
    (900, "15 minutes"),
    (1800, "30 minutes"),
    (3600, "an hour"),
    (7200, "2 hours"),
    (21_600, "6 hours"),
    (43_200, "12 hours"),
)
"""Coarse, so that a server whose wishes vary a little is told in one text."""


def slow_down(asked: float | None) -> str:
    """The message of `Throttled`.

    Args:
        asked: seconds that the server asked for when the pause began, never what is left of them; None if it named
            none.

    """
    if asked is None:
        return "NVCF is rate limiting this account (429). The operator waits and retries."
    length = next((f"up to {words}" for most, words in _STEPS if asked <= most), "more than 12 hours")
    pause = f"NVCF is rate limiting this account (429) for {length}."
    if asked <= MOST_FOR_PEOPLE:
        return f"{pause} The operator waits and retries."
    return (
        f"{pause} The operator retries after at most {MOST_FOR_OTHERS / 60:g} minutes; an edit, a "
        f"reconcile-requested-at or a deletion is tried after at most {MOST_FOR_PEOPLE / 60:g}."
    )
