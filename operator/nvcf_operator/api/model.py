"""The base of all models of the resource, its times, and the marks for what its CRD cannot take from Python's types."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo


class ApiModel(BaseModel):
    """Base of all models of the resource.

    Attributes are snake_case, the cluster's camelCase is the alias; both are accepted. Unknown fields are dropped (the
    API server has refused or pruned them already). Instances are frozen and hold tuples, so that they can be shared.
    The text below an attribute is its description in the CRD. Error texts never show the input.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    def to_dict(self) -> dict[str, Any]:
        """The object as the cluster stores it: camelCase, plain JSON types, nothing that is None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Mutability(StrEnum):
    """What a later change of a field does. The CRD's descriptions and docs show it."""

    PATCH = "in place by PATCH"
    PUT = "in place by PUT"
    REDEPLOY = "immutable, see rollout.immutableChange"
    ROLLOUT = "a version rollout, see rollout.versionChange"
    VERSION = "a new version"
    REGISTRATION = "for versions registered from then on"
    FIXED = "immutable"
    OPERATOR = "at any time"


MUTABILITY = "mutability"
"""Key in a field's JSON schema that holds its `Mutability`; it never reaches the CRD."""


def changes(how: Mutability, **constraints: Any) -> FieldInfo:
    """Mark what a change of the field does; `constraints` are those of `pydantic.Field`."""
    extra = constraints.pop("json_schema_extra", {})
    info: FieldInfo = Field(json_schema_extra={**extra, MUTABILITY: how.value}, **constraints)
    return info


def cel(rule: str, message: str, *, field: str | None = None) -> dict[str, str]:
    """One CEL rule of the CRD: `self` is the object that carries it, `field` the path below it that is to blame."""
    return {"rule": rule, "message": message} | ({"fieldPath": f".{field}"} if field else {})


def rules(*checks: dict[str, str]) -> dict[str, Any]:
    """CEL rules as the JSON schema of the field or model that they guard."""
    return {"x-kubernetes-validations": list(checks)}


def of_type(kind: str, *, keys: Iterable[str] = ()) -> dict[str, Any]:
    """How server-side apply merges a list: `atomic`, `set`, or `map` by `keys`."""
    found: dict[str, Any] = {"x-kubernetes-list-type": kind}
    return found | ({"x-kubernetes-list-map-keys": list(keys)} if keys else {})


@lru_cache(maxsize=1024)  # a fleet's times are of few seconds
def whole_second(moment: datetime) -> datetime:
    """Return `moment` in UTC without its fraction of a second, so that what is written is what is read back."""
    return moment.astimezone(UTC).replace(microsecond=0)


@lru_cache(maxsize=1024)
def render(moment: datetime) -> str:
    """Write `moment` as Kubernetes does: UTC, whole seconds, `2026-01-31T12:00:00Z`."""
    return whole_second(moment).isoformat().replace("+00:00", "Z")


Time = Annotated[AwareDatetime, AfterValidator(whole_second), PlainSerializer(render, return_type=str)]
"""A field of the resource that holds a point in time; a `datetime` with a time zone in Python."""
