"""Text of bounded length, and durations as text."""

import re
from decimal import Decimal


def shorten(text: str, most: int, mark: str = "…") -> str:
    """The text in at most that many characters; where it is cut, the mark is its end."""
    return text if len(text) <= most else text[: max(most - len(mark), 0)] + mark


_DURATION = re.compile(
    r"(?P<sign>[+-])?P(?!$)"
    r"(?:(?P<days>[+-]?\d+)D)?"
    r"(?:T(?=[+\-\d.])(?:(?P<hours>[+-]?\d+)H)?(?:(?P<minutes>[+-]?\d+)M)?(?:(?P<seconds>[+-]?\d*(?:[.,]\d*)?)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_SECONDS_OF = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def duration_seconds(value: str | int | float) -> Decimal:
    """The length of a duration in seconds, exactly, so that two spellings of one duration compare equal.

    Takes a number of seconds or ISO-8601 text of days, hours, minutes and seconds (`PT1H`, `PT0.5S`, `P1DT2H`), as the
    server does. Years, months and weeks have no fixed length there and are refused.

    Raises:
        ValueError: the value is no such duration.

    """
    if isinstance(value, (int, float)):
        number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(int(value))
        if not number.is_finite():
            raise ValueError(
                f"{value!r} is not a duration: give a finite number of seconds or ISO-8601 text like PT10M"
            )
        return number
    match = _DURATION.fullmatch(value.strip())
    parts = {unit: match[unit] for unit in _SECONDS_OF if match[unit] is not None} if match else {}
    if match is None or not parts or not all(any(map(str.isdigit, part)) for part in parts.values()):
        shown = shorten(value, 64)
        raise ValueError(f"{shown!r} is not a duration: give ISO-8601 text like PT10M, or a number of seconds")
    total = sum((Decimal(part.replace(",", ".")) * _SECONDS_OF[unit] for unit, part in parts.items()), Decimal(0))
    return -total if match["sign"] == "-" else total
