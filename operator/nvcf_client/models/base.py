"""What all of NVCF's objects have in common."""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
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
