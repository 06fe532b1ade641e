"""Conditions and phases: the part of a status that people and tools read first."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from nvcf_client.text import shorten
from nvcf_operator.api.model import ApiModel, Time

AVAILABLE: Final = "Available"
READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
CREDENTIALS_VALID: Final = "CredentialsValid"
DELETION_BLOCKED: Final = "DeletionBlocked"

CONDITION_TYPES: Final[Mapping[str, str]] = {
    READY: "The manifest of `observedGeneration` is fully in effect.",
    AVAILABLE: "A version managed by this resource is serving.",
    RECONCILING: "The operator is working, or waiting for NVCF, to apply the manifest. Never True with Stalled.",
    STALLED: "The operator cannot proceed on its own; the message says what you can do. Never True with Reconciling.",
    CREDENTIALS_VALID: "The API key was accepted by NVCF and has the scopes that the operator needs.",
    DELETION_BLOCKED: "Only while deleting: the deployment cannot be undeployed; the message says why and how to "
    "unblock it.",
}
"""Every type of condition in the order in which they are written, with its meaning when True."""

MESSAGE_LIMIT: Final = 1024
"""Longest message in characters; a longer one is cut and ends with an ellipsis."""


class Phase(StrEnum):
    """One word for people: where the deployment stands. Tools should read the conditions."""

    PENDING = "Pending"
    DEPLOYING = "Deploying"
    ACTIVE = "Active"
    DEGRADED = "Degraded"
    ROLLING_OUT = "RollingOut"
    DRAINING = "Draining"
    SUSPENDED = "Suspended"
    OBSERVING = "Observing"
    FAILED = "Failed"


def _shortened(message: object) -> object:
    return shorten(message, MESSAGE_LIMIT) if isinstance(message, str) else message


class Condition(ApiModel):
    """One aspect of the resource's state, as Kubernetes' API conventions define conditions."""

    type: Annotated[str, Field(max_length=316)]
    """Which aspect this is about."""

    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""

    reason: Annotated[str, Field(max_length=1024)]
    """Why, as one word of a closed list."""

    message: Annotated[str, BeforeValidator(_shortened), Field(max_length=MESSAGE_LIMIT)] = ""
    """What happened, what the operator will do, and what a person can do."""

    last_transition_time: Time | None = None
    """When `status` last changed."""

    observed_generation: int | None = None
    """The `metadata.generation` that this was decided on."""


def merge(old: Iterable[Condition], new: Iterable[Condition], now: datetime) -> tuple[Condition, ...]:
    """Return `new`, in the order of `CONDITION_TYPES`, with the transition times that the change from `old` gives.

    A condition whose status is that of its predecessor keeps the predecessor's lastTransitionTime; any other one,
    and one whose predecessor had none, gets `now`. A type that `new` lacks is gone: conditions are stated whole.
    """
    before = {condition.type: condition for condition in old}
    order = list(CONDITION_TYPES)

    def stamped(condition: Condition) -> Condition:
        last = before.get(condition.type)
        kept = last.last_transition_time if last is not None and last.status == condition.status else None
        return Condition.model_validate({**dict(condition), "last_transition_time": kept or now})

    def position(condition: Condition) -> tuple[int, str]:
        known = condition.type in order
        return (order.index(condition.type) if known else len(order), condition.type)

    return tuple(sorted(map(stamped, new), key=position))
