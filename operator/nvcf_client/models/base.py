"""What all of NVCF's objects have in common, and values that no text shows."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, Secret, SerializationInfo
from pydantic.alias_generators import to_camel

NULL_IS_EMPTY = BeforeValidator(lambda value: () if value is None else value)


class Model(BaseModel):
    """Base of all NVCF models. Error texts never show the input, which may hold a user's configuration."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    def to_json(self) -> dict[str, Any]:
        """This object with NVCF's names and without the fields that are None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


T = TypeVar("T")

REVEALED = {"revealed": True}
"""The serialization context in which values are written as they are: that of a request's body."""

MASK = "**********"


def _written(hidden: Secret[T], info: SerializationInfo) -> T | str:
    return hidden.get_secret_value() if info.context == REVEALED else MASK


Hidden = Annotated[Secret[T], PlainSerializer(_written)]
"""A value of that type, read with `get_secret_value()`: a model prints asterisks for it, and dumps asterisks unless it
is for a request."""
