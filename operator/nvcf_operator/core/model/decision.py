"""What a decision says: at most one write, the conditions, what goes on record, and when to reconcile again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic.alias_generators import to_camel

from nvcf_client.models import AutoscalingConfiguration, GpuSpecification
from nvcf_client.text import shorten
from nvcf_operator.api.status import Failed, Incoming, Intent, LastWrite, Retiring, Retry, TakenReference
from nvcf_operator.core.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Create:
    """Write the intent, then POST. The finalizer, where the object needs one, is there before."""

    function_version_id: str
    specifications: tuple[GpuSpecification, ...]


FIELDS_OF_PATCH = ("min_instances", "max_instances", "autoscaling_configuration")


@dataclass(frozen=True, slots=True)
class Patch:
    """PATCH of one specification. Minimum and maximum go together, for the server checks them against each other."""

    gpu_specification_id: str
    gpu: str
    min_instances: int | None = None
    max_instances: int | None = None
    autoscaling_configuration: AutoscalingConfiguration | None = None
    autoscaling_configuration_policy: str | None = None

    def arguments(self) -> dict[str, Any]:
        """The changed fields, as the client takes them."""
        fields = (*FIELDS_OF_PATCH, "autoscaling_configuration_policy")
        return {name: value for name in fields if (value := getattr(self, name)) is not None}

    def to_json(self) -> dict[str, Any]:
        """The changed fields as plain JSON, with NVCF's names: the body of the call."""
        return {
            to_camel(name): value.to_json() if isinstance(value, AutoscalingConfiguration) else value
            for name, value in self.arguments().items()
        }

    def describe(self) -> str:
        """Say what changes, for users."""
        parts = [f"{self.min_instances}-{self.max_instances} instances"] if self.max_instances is not None else []
        if self.autoscaling_configuration is not None:
            parts.append("autoscaling")
        if self.autoscaling_configuration_policy is not None:
            parts.append("autoscaling back to the platform's")
        return f"{self.gpu}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Put:
    """PUT of all specifications: minimum, maximum and concurrency, with what the server wants repeated."""

    specifications: tuple[GpuSpecification, ...]

    def describe(self) -> str:
        """Say what changes, for users."""
        changes = "; ".join(
            f"{item.gpu}: {item.min_instances}-{item.max_instances} instances"
            + (f", concurrency {item.max_request_concurrency}" if item.max_request_concurrency is not None else "")
            for item in self.specifications
        )
        return shorten(changes, 400)


@dataclass(frozen=True, slots=True)
class Change:
    """PATCH or PUT the deployment of the wanted version in place."""

    function_version_id: str
    deployment_id: str | None
    change: Patch | Put


class Purpose(StrEnum):
    """Why a version is undeployed."""

    GONE = "gone"
    """No manifest wants it any more."""
    GIVEN_UP = "given up"
    """It did not come up in a rollout, and the former version goes on."""
    REDEPLOY = "redeploy"
    """The manifest differs in fields that only another deployment changes."""
    REQUESTED = "requested"
    """A user asked for another deployment."""
    FAILED = "failed"
    """NVCF has given it up, and only a DELETE ends that."""
    STALE = "stale"
    """NVCF shows the row of an earlier deployment in place of the one that was made since."""


@dataclass(frozen=True, slots=True)
class Undeploy:
    """DELETE the deployment of a version."""

    function_version_id: str
    graceful: bool
    purpose: Purpose = Purpose.GONE
    deployment_id: str | None = None
    """The deployment that was seen. Old servers have no ids."""


@dataclass(frozen=True, slots=True)
class TakeFinalizer:
    """Put our finalizer on the object, before anything of it is ours."""


@dataclass(frozen=True, slots=True)
class DropFinalizer:
    """Take our finalizer off: nothing is left to undeploy, or it is to stay."""


Action = Create | Change | Undeploy | TakeFinalizer | DropFinalizer


@dataclass(frozen=True, slots=True)
class ConditionSet:
    """One row of the table of conditions: what Ready, Reconciling, Stalled and Available say, and why."""

    phase: str
    """A word of the kind's own list."""
    reason: Reason
    message: str
    ready: bool = False
    reconciling: bool = False
    stalled: bool = False
    available: bool | None = None
    """None: as recorded, since nothing new was seen."""
    blocked: bool = False
    """While deleting: whether a user has to help."""


@dataclass(frozen=True, slots=True)
class RecordUpdate:
    """What goes on record with a decision, beside the conditions and what NVCF showed."""

    main_version: str | None
    """The version that serves, or is to serve while none does; None while there is nothing to report of one."""
    is_ours: bool
    """Whether the deployment of that version, where NVCF shows one, is this resource's."""
    incoming: Incoming | None
    retiring: tuple[Retiring, ...]
    failed: Failed | None
    intent: Intent | None
    retry: Retry | None
    last_write: LastWrite | None
    progressing_since: datetime | None
    function_ref: TakenReference | None
    """What was taken from the CloudFunction that the manifest refers to."""
    redeploy_handled: str | None
    """The token of the request for another deployment that was answered last."""


@dataclass(frozen=True, slots=True)
class AnyDecision:
    """What a decision on a resource of whichever kind says."""

    action: Any = None
    """The write to carry out; the situation is decided again after it, so the condition set beside it is not shown."""
    condition_set: ConditionSet | None = None
    """What status reports; None leaves phase and conditions as they are."""
    requeue: float | None = None
    """Seconds after which to reconcile again; None: when something changes."""
    backoff: bool = False
    """Whether `requeue` is a wait after a failure, which wants jitter and counts as an attempt."""
    busy: bool = False
    """Whether NVCF is at work on this, so that its account is worth polling often."""
    retry: Retry | None = None
    """A failure of this resource's own whose wait must survive a restart."""
    seen: bool = False
    """Whether NVCF's state was seen or acted on, which answers a reconcile-now."""
    drift: tuple[str, ...] = ()
    """What somebody else changed, for the Event and the counter: fields, `deployment` or `version` for all of it."""


@dataclass(frozen=True, slots=True)
class Decision(AnyDecision):
    """What is to be done in one situation of a FunctionDeployment."""

    action: Action | None = None
    leaving: tuple[str, ...] | None = None
    """The versions that are to go, where the decision has asked for them."""
    record: RecordUpdate | None = None
    """What goes on record; `decide` adds it to what the table of situations gives, unless that is a write."""
    gives_up: str | None = None
    """Why the wanted version is given up in its rollout: recorded before it is taken down."""


def act(action: Action, *, drift: tuple[str, ...] = ()) -> Decision:
    """Decide to write."""
    return Decision(action=action, drift=drift)
