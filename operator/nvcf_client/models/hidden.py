"""Values that no text shows: a model that holds one prints asterisks, and so does its dump, except for a request."""

from typing import Annotated, TypeVar

from pydantic import PlainSerializer, Secret, SerializationInfo

T = TypeVar("T")

REVEALED = {"revealed": True}
"""The serialization context in which values are written as they are: that of a request's body."""

MASK = "**********"


def _written(hidden: Secret[T], info: SerializationInfo) -> T | str:
    return hidden.get_secret_value() if info.context == REVEALED else MASK


Hidden = Annotated[Secret[T], PlainSerializer(_written)]
"""A value of that type, read with `get_secret_value()`."""
