"""The conditions of all kinds, which people and tools read first."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from nvcf_client.text import shorten
from nvcf_operator.api.model import ApiModel, Time, whole_second

AVAILABLE: Final = "Available"
READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
CREDENTIALS_VALID: Final = "CredentialsValid"
DELETION_BLOCKED: Final = "DeletionBlocked"
REGISTERED: Final = "Registered"
SECRETS_SYNCED: Final = "SecretsSynced"

MESSAGE_LIMIT: Final = 1024
"""Longest message in characters; a longer one is cut and ends with an ellipsis."""


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

    message: Annotated[str, Field(max_length=MESSAGE_LIMIT), BeforeValidator(_shortened)] = ""
    """What happened, what the operator will do, and what a person can do."""

    last_transition_time: Time | None = None
    """When `status` last changed."""

    observed_generation: int | None = None
    """The `metadata.generation` that this was decided on."""


def merge(
    old: Iterable[Condition], new: Iterable[Condition], now: datetime, types: Iterable[str]
) -> tuple[Condition, ...]:
    """Return `new`, in the order of `types`, with the transition times that the change from `old` gives.

    A condition whose status is that of its predecessor keeps the predecessor's lastTransitionTime; any other one,
    and one whose predecessor had none, gets `now`. A type that `new` lacks is gone: conditions are stated whole.
    """
    before = {condition.type: condition for condition in old}
    order, changed = list(types), whole_second(now)

    def stamped(condition: Condition) -> Condition:
        last = before.get(condition.type)
        kept = last.last_transition_time if last is not None and last.status == condition.status else None
        return condition.model_copy(update={"last_transition_time": kept or changed})

    def position(condition: Condition) -> tuple[int, str]:
        known = condition.type in order
        return (order.index(condition.type) if known else len(order), condition.type)

    return tuple(sorted(map(stamped, new), key=position))
