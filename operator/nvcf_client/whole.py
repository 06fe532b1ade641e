"""Gives functions of an answer what is read of them on demand: each attribute of `FunctionDetails`."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from nvcf_client.details import read_details
from nvcf_client.models import Function, FunctionDetails
from nvcf_client.requests import Request
from nvcf_client.responses import FunctionResponse, FunctionsResponse

T = TypeVar("T")


class Entries:
    """What an answer holds of its functions, read when it is first asked for."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._details: dict[tuple[str, str], FunctionDetails] | None = None

    def details(self, function: Function) -> FunctionDetails:
        """All that the answer holds of a function."""
        if self._details is None:
            raw = from_json(self._body)
            self._details = {}
            for entry in [raw["function"]] if "function" in raw else raw["functions"]:
                with suppress(ValidationError):  # it is not among the functions of the answer either
                    found = read_details(entry)
                    self._details[found.id, found.version_id] = found
        return self._details[function.id, function.version_id]


def whole(request: Request[T]) -> Request[T]:
    """The request, the functions in whose result have the attributes of `FunctionDetails` as well."""
    read: Callable[[bytes], T] = request.result

    def result(body: bytes) -> T:
        answer = read(body)
        match answer:
            case FunctionResponse():
                functions: Sequence[Function] = (answer.function,)
            case FunctionsResponse():
                functions = answer.functions
            case _:
                return answer
        entries = Entries(body)
        for function in functions:
            function.remember(entries)
        return answer

    return replace(request, result=result)
