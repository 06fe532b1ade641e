"""Points in time as Kubernetes writes them: UTC, whole seconds, `2026-01-31T12:00:00Z`."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, PlainSerializer


def whole_second(moment: datetime) -> datetime:
    """Return `moment` in UTC without its fraction of a second, so that what is written is what is read back."""
    return moment.astimezone(UTC).replace(microsecond=0)


def render(moment: datetime) -> str:
    """Write `moment` as Kubernetes does."""
    return whole_second(moment).isoformat().replace("+00:00", "Z")


Time = Annotated[AwareDatetime, AfterValidator(whole_second), PlainSerializer(render, return_type=str)]
"""A field of the resource that holds a point in time; a `datetime` with a time zone in Python."""
