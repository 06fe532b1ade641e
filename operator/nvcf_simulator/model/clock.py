"""The simulated clock, and times and durations in NVCF's notation."""

import re
import time
from datetime import UTC, datetime

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


class Clock:
    """Nanoseconds since 1970 that pass `speed` times as fast as on the machine's clock."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._wall = time.time_ns()
        self._start = time.monotonic_ns()
        self._jumped = 0

    def now(self) -> int:
        """Return the simulated time."""
        return self._wall + int((time.monotonic_ns() - self._start) * self.speed) + self._jumped

    def jump(self, seconds: float) -> None:
        """Jump forward."""
        self._jumped += int(seconds * SECOND)

    def offset(self) -> int:
        """Return how far it is ahead of the machine's clock."""
        return self.now() - time.time_ns()

    def real(self, seconds: float) -> float:
        """Return how many seconds of the machine's clock these simulated seconds take."""
        return seconds / self.speed


_ISO = re.compile(
    r"([+-])?P(?:([+-]?\d+)D)?(T(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?\d+)(?:[.,](\d{0,9}))?S)?)?", re.IGNORECASE
)


def instant(nanoseconds: int) -> str:
    """Write a time in ISO-8601 with 0, 3, 6 or 9 fractional digits, as few as needed."""
    needed = len(f"{nanoseconds % SECOND:09}".rstrip("0"))
    return exactly(nanoseconds, -(-needed // 3) * 3)


def exactly(nanoseconds: int, digits: int) -> str:
    """Write a time in ISO-8601, truncated to this number of fractional digits, 0 to 9."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{f'{fraction:09}'[:digits]}Z" if digits else text + "Z"


def milliseconds(nanoseconds: int) -> int:
    """Truncate a time to milliseconds, the precision that the service stores."""
    return nanoseconds // 1_000_000 * 1_000_000


def parse_duration(text: str) -> int:
    """Read an ISO-8601 duration of days and smaller units; return nanoseconds. Raises ValueError."""
    found = _ISO.fullmatch(text.strip())
    if not found or text.strip().upper().endswith(("P", "T")):
        raise ValueError(f"{text!r} is not an ISO-8601 duration such as PT10M")
    sign, days, _, hours, minutes, seconds, fraction = found.groups()
    total = int(days or 0) * 86_400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    nanoseconds = total * SECOND + int((fraction or "0").ljust(9, "0")) * (-1 if (seconds or "").startswith("-") else 1)
    return -nanoseconds if sign == "-" else nanoseconds


def write_duration(nanoseconds: int) -> str:
    """Write a duration in hours, minutes and seconds: PT10M, PT1H30M, PT0.5S."""
    sign, nanoseconds = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    seconds, fraction = divmod(nanoseconds, SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = "PT" + (f"{sign}{hours}H" if hours else "") + (f"{sign}{minutes}M" if minutes else "")
    if seconds or fraction or text == "PT":
        digits = f".{fraction:09}".rstrip("0") if fraction else ""
        text += f"{sign if seconds or fraction else ''}{seconds}{digits}S"
    return text
