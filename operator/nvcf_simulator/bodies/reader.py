"""Reads values from JSON as the service's JSON library does, and collects violations.

There are two kinds of errors: a value of the wrong type ends the reading (`unreadable`), a value that violates a rule
is collected, so that one response lists all of them. Text that contains a number is read as a number, a number as text,
and fractions are truncated; numbers beyond 32 bits, booleans for numbers and lists for scalars have the wrong type.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nvcf_simulator.model.clock import SECOND, parse_duration
from nvcf_simulator.problems import ProblemError, invalid

UNREADABLE = "Failed to read request"
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
_SHOWN = 256


def unreadable(path: str, why: str) -> ProblemError:
    """400 for a body that cannot be mapped, with the path of the value."""
    return invalid(f"{UNREADABLE}: {path or 'body'}: {why}")


@contextmanager
def unexplained() -> Iterator[None]:
    """Reduce the errors of unreadable bodies to the words of the service, which names neither path nor reason."""
    try:
        yield
    except ProblemError as problem:
        if problem.detail.startswith(f"{UNREADABLE}:"):
            raise invalid(UNREADABLE) from None
        raise


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a body that must be a JSON object."""
    if not body.strip():
        raise invalid("Failed to read request: the body is empty")
    try:
        value = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise invalid(f"Failed to read request: the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise unreadable("", "an object was expected")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed")


def _finite(text: str) -> float:
    """Read a number that a response can contain: JSON has no infinity."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond 64 bits")
    return number


class Reader:
    """Reads the fields of one object; nested readers share its list of violations."""

    def __init__(self, kind: str, fields: dict[str, Any], path: str = "", complaints: list[str] | None = None) -> None:
        self._kind = kind
        self._fields = fields
        self._path = path
        self._complaints: list[str] = [] if complaints is None else complaints

    def at(self, field: str) -> str:
        """Return the path of a field."""
        return self._at(field)

    def needed(self, *fields: str) -> None:
        """Raise 400 for an unreadable body unless all these fields were sent and none is null."""
        for field in fields:
            if self._fields.get(field) is None:
                raise unreadable(self._at(field), "a value was expected")

    def not_null(self, *fields: str) -> None:
        """Raise 400 for an unreadable body if one of these fields was sent as null."""
        for field in fields:
            if field in self._fields and self._fields[field] is None:
                raise unreadable(self._at(field), "null was not expected")

    def sent(self, field: str) -> bool:
        """Whether a field was sent, null or not."""
        return field in self._fields

    def raw(self, field: str) -> Any:
        """Return a value as it was sent."""
        return self._fields.get(field)

    def fail(self) -> None:
        """Raise for the violations so far, or with none of them in the text if there are none."""
        self.finish()
        raise invalid("Validation failed")

    def complain(self, field: str, value: object, message: str) -> None:
        """Record that a field violates a rule."""
        shown = "null" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}... (of {len(shown)} characters)"
        self._complaints.append(f"[object={self._kind}, field={self._at(field)}, rejected={shown}, message={message}]")

    def finish(self) -> None:
        """Raise one problem for all violations, if there are any."""
        if self._complaints:
            raise invalid("Validation failed: " + " ".join(self._complaints))

    def has(self, field: str) -> bool:
        """Whether a field was sent and is not null."""
        return self._fields.get(field) is not None

    def integer(
        self, field: str, *, least: int | None = None, most: int | None = None, required: bool = False
    ) -> int | None:
        """Read a whole number."""
        value = self._integer(field, self._fields.get(field))
        if value is None:
            if required:
                self.complain(field, None, "must not be null")
        elif least is not None and value < least:
            self.complain(field, value, f"must be greater than or equal to {least}")
        elif most is not None and value > most:
            self.complain(field, value, f"must be less than or equal to {most}")
        return value

    def _integer(self, field: str, value: Any) -> int | None:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise unreadable(self._at(field), "a whole number was expected")
        try:
            number = int(value)
        except (ValueError, OverflowError):
            raise unreadable(self._at(field), f"{value!r} is not a whole number") from None
        if not _INT_MIN <= number <= _INT_MAX:
            raise unreadable(self._at(field), f"{value!r} is beyond 32 bits")
        return number

    def number(self, field: str) -> float | None:
        """Read a number that may have a fraction."""
        value = self._fields.get(field)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise unreadable(self._at(field), "a number was expected")
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise unreadable(self._at(field), f"{value!r} is not a number") from None
        if not math.isfinite(number):
            raise unreadable(self._at(field), "a finite number was expected")
        return number

    def text(self, field: str, *, required: bool = False) -> str | None:
        """Read text; if required, it must be neither null nor blank."""
        value = self._text(field, self._fields.get(field))
        if required and (value is None or not value.strip()):
            self.complain(field, value, "must not be blank")
        return value

    def _text(self, field: str, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return json.dumps(value)
        raise unreadable(self._at(field), "text was expected")

    def texts(self, field: str) -> list[str] | None:
        """Read a set of texts without blanks and duplicates; None if nothing remains."""
        value = self.items(field)
        if value is None:
            return None
        read = [self._text(f"{field}[{n}]", item) for n, item in enumerate(value)]
        return list(dict.fromkeys(item for item in read if item and item.strip())) or None

    def items(self, field: str) -> list[Any] | None:
        """Read a list of anything."""
        value = self._fields.get(field)
        if value is not None and not isinstance(value, list):
            raise unreadable(self._at(field), "a list was expected")
        return value

    def mapping(self, field: str) -> dict[str, Any] | None:
        """Read an object as is."""
        value = self._fields.get(field)
        if value is not None and not isinstance(value, dict):
            raise unreadable(self._at(field), "an object was expected")
        return value

    def nested(self, field: str) -> "Reader | None":
        """Read an object through a reader of its own."""
        value = self.mapping(field)
        return None if value is None else Reader(self._kind, value, self._at(field), self._complaints)

    def nested_items(self, field: str) -> "list[Reader | None] | None":
        """Read a list of objects; nulls in it stay None."""
        value = self.items(field)
        if value is None:
            return None
        readers: list[Reader | None] = []
        for n, item in enumerate(value):
            at = self._at(f"{field}[{n}]")
            if item is not None and not isinstance(item, dict):
                raise unreadable(at, "an object was expected")
            readers.append(None if item is None else Reader(self._kind, item, at, self._complaints))
        return readers

    def choice(self, field: str, values: tuple[str, ...]) -> str | None:
        """Read one of several words, ignoring case; return it as listed."""
        value = self.text(field)
        if value is None or not value.strip():
            return None
        for word in values:
            if word.lower() == value.strip().lower():
                return word
        raise unreadable(self._at(field), f"{value!r} is none of {', '.join(values)}")

    def duration(self, field: str) -> int | None:
        """Read an ISO-8601 duration or a number of seconds; return nanoseconds."""
        value = self._fields.get(field)
        if value is None or value == "":
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value * SECOND)
        try:
            return parse_duration(self._text(field, value) or "")
        except ValueError as error:
            raise unreadable(self._at(field), str(error)) from None

    def _at(self, field: str) -> str:
        return f"{self._path}.{field}" if self._path else field
