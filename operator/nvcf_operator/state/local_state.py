"""What this process remembers of each FunctionDeployment beside the cluster's record."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.clock import Clock
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import LocalView
from nvcf_operator.core.rules.record import Record, first_seen
from nvcf_operator.state.managed_state import ManagedLocalState


class InstancesRead(NamedTuple):
    """The last read of a version's instances. Times are this process's monotonic seconds."""

    status: str
    """The status of the version."""
    at: float
    none_since: float | None = None
    """Since when each read has shown it ACTIVE and without any instance."""
    again_at: float | None = None
    """When they are to be read again, whatever else is read; None: when something else is due."""


@dataclass(slots=True)
class LocalState(ManagedLocalState[Resource, FunctionDeploymentStatus, Record]):
    """One FunctionDeployment's. Times are this process's monotonic seconds."""

    verify_at: float | None = None
    """When an in-place change is to be read back, after the server's own loop."""
    raised_minimum: bool = False
    undeploys: dict[str, float] = field(default_factory=dict)
    """Version by version, when our last DELETE of it was answered."""
    reference_seen: tuple[int, str, int] | None = None
    """Generation of the object, and uid and generation of the CloudFunction that it refers to."""
    reference_seen_at: float = 0.0
    """When this process first saw the two of these generations together."""
    update_seen: tuple[str, str, int] | None = None
    """A version that is to be brought up to date before it is deployed, and uid and generation of its CloudFunction."""
    update_seen_at: float = 0.0
    """When this process first waited for that."""
    last_get_at: float = float("-inf")
    """When the deployment itself was last read."""
    instances: dict[str, InstancesRead] = field(default_factory=dict)
    """The last read of the instances of each version."""
    advised: int | None = None
    """The generation whose names were last compared with NVCF's catalogue."""
    deep_at: float = 0.0
    """When the deployment itself is to be read next, though the list says nothing new."""

    @staticmethod
    def record_of(status: FunctionDeploymentStatus) -> Record:
        """The record in a status."""
        return Record.of(status)

    @staticmethod
    def first_record(resource: Resource, now: datetime) -> Record:
        """The record of a resource that this process meets for the first time."""
        return first_seen(resource.status, resource.spec, now)

    def view(self, resource: Resource, clock: Clock) -> Resource:
        """The resource as this process knows it, and with what is left of the settle after a change by reference."""
        return self._settling(super(LocalState, self).view(resource, clock), clock.monotonic())

    def _settling(self, resource: Resource, now: float) -> Resource:
        """The resource with what is left of the settle after a change of it, or of what it refers to."""
        reference = resource.reference
        if reference is None or reference.settle <= 0:
            return resource
        seen = (resource.generation, reference.uid, reference.generation)
        if seen != self.reference_seen:
            self.reference_seen, self.reference_seen_at = seen, now
        left = reference.settle - (now - self.reference_seen_at) if resource.is_undecided else 0.0
        return replace(resource, reference=replace(reference, settle_left=max(0.0, left)))

    def local_view(self, now: float, **known: Any) -> LocalView:
        """Put it in the form that decisions take; `known` are members that others know."""
        found = self.finalizer_found_at
        return LocalView(
            **self._remembered(now),
            intent_settled_for=now - self.intent_seen[1] if self.intent_seen is not None else 0.0,
            finalizer_found_for=now - found if found is not None else None,
            verify=self.verify_at is not None,
            raised_minimum=self.raised_minimum,
            undeploy_sent_for={version: now - at for version, at in self.undeploys.items()},
            **known,
        )
