"""What a caller gives, read strictly: NVCF ignores a misspelt field without a word, so it is refused here."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from nvcf_client.models import RESPONSE_ONLY, UPDATABLE, GpuSpecification, Model

M = TypeVar("M", bound=Model)

SpecificationInput = GpuSpecification | Mapping[str, Any]
"""A GPU specification as a caller may give it: the model, or a mapping with snake_case or NVCF's own names."""


def to_specifications(specifications: Iterable[SpecificationInput]) -> list[GpuSpecification]:
    """The specifications as models.

    Raises:
        TypeError, ValueError: what is given is no list of at least one specification; the text names item and field.

    """
    return [strictly(GpuSpecification, given, where) for where, given in _listed(specifications)]


def to_post(specifications: Iterable[SpecificationInput]) -> list[dict[str, Any]]:
    """The specifications as the body of a POST holds them.

    Raises:
        TypeError, ValueError: as for `to_specifications`.

    """
    return [item.to_request() for item in to_specifications(specifications)]


def to_put(specifications: Iterable[SpecificationInput]) -> list[dict[str, Any]]:
    """The specifications as the body of a PUT holds them.

    Of a model, as read from NVCF, the fields that a PUT carries are taken. A mapping that asks for a change of
    another field is refused, since the server would ignore it.

    Raises:
        TypeError, ValueError: as for `to_specifications`, or because of a field that a PUT cannot change.

    """
    bodies = []
    for where, given in _listed(specifications):
        specification = strictly(GpuSpecification, given, where)
        if isinstance(given, Mapping):
            unused = {to_snake(name) for name, value in given.items() if value is not None} - UPDATABLE - RESPONSE_ONLY
            if unused:
                raise ValueError(f"{where}: a PUT cannot change {', '.join(sorted(unused))}; leave it out")
        bodies.append(specification.to_update())
    return bodies


def strictly(model: type[M], given: object, where: str) -> M:
    """The given object as this model: an instance of it, or a mapping in which every name is known and given once.

    Args:
        model: what it should be.
        given: what the caller gave.
        where: what the caller calls it, for the text of an error.

    Raises:
        TypeError: it is neither.
        ValueError: a field is unknown, missing, given twice, or of the wrong type. Values are never shown.

    """
    if isinstance(given, model):
        return given
    if not isinstance(given, Mapping):
        raise TypeError(f"{where}: must be a {model.__name__} or a mapping, not {type(given).__name__}")
    _refuse_twice(given, where)
    try:
        return model.model_validate(dict(given), extra="forbid")
    except ValidationError as error:
        raise ValueError(
            "; ".join(_complaint(model, where, item) for item in error.errors(include_url=False))
        ) from None


def _listed(specifications: Iterable[SpecificationInput]) -> list[tuple[str, SpecificationInput]]:
    if isinstance(specifications, (str, bytes, Mapping, Model)) or not isinstance(specifications, Iterable):
        raise TypeError(f"deployment_specifications: must be a list, not {type(specifications).__name__}")
    items = [(f"deployment_specifications[{index}]", item) for index, item in enumerate(specifications)]
    if not items:
        raise ValueError("deployment_specifications: must hold at least one GPU specification")
    return items


def _refuse_twice(given: Mapping[str, Any], where: str) -> None:
    seen: dict[str, str] = {}
    for name in given:
        other = seen.setdefault(to_snake(name) if isinstance(name, str) else name, name)
        if other != name:
            raise ValueError(f"{where}: {other} and {name} are the same field; give one of them")


def _complaint(model: type[Model], where: str, item: Any) -> str:
    """One mistake in a caller's words. Only the names of the model itself are suggested, not those of models in it."""
    place = f"{where}.{'.'.join(map(str, item['loc']))}"
    if item["type"] != "extra_forbidden":
        return f"{place}: {item['msg']}"
    name = str(item["loc"][-1])
    close = get_close_matches(to_snake(name), model.model_fields, n=1) if len(item["loc"]) == 1 else []
    return f"{place}: no such field{f'; did you mean {close[0]}?' if close else ''}"
