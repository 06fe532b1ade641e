"""Reads all that a function version holds out of an answer, although a part of it is odd."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from nvcf_client.models import Function, FunctionDetails

NEEDED = frozenset(info.alias or name for name, info in Function.model_fields.items() if info.is_required())
"""What a version is not read without, by NVCF's names: its ids, its account and its status."""


def read_details(entry: Mapping[str, Any]) -> FunctionDetails:
    """The version that an answer shows. A field of another form than is known is left out whole, and named.

    Raises:
        ValidationError: an id, the account or the status is missing or odd.

    """
    try:
        return FunctionDetails.model_validate(entry)
    except ValidationError as error:
        odd = {str(item["loc"][0]) for item in error.errors(include_url=False, include_input=False)}
        if odd & NEEDED:
            raise
    found = FunctionDetails.model_validate({name: value for name, value in entry.items() if name not in odd})
    found._unreadable = frozenset(odd)
    return found
