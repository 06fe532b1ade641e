"""What one reconcile works on, and what all of its stages use."""

import logging
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from nvcf_client import errors as nvcf_errors
from nvcf_operator.clock import Clock
from nvcf_operator.core.model.decision import Action
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Failure, Observation, Situation
from nvcf_operator.core.report.events import EventNote, of_write
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.reconcile.claims import Claims
from nvcf_operator.reconcile.ports import Cluster, Nvcf
from nvcf_operator.state.deployments import PresenceHistory, Sent, Target
from nvcf_operator.state.local_state import LocalState

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Context:
    """One reconcile: what is known of its resource, what this process remembers of it, and on whose behalf it runs."""

    situation: Situation
    local: LocalState
    priority: Priority
    """Of this reconcile."""
    account: Nvcf | None = None
    """Through which NVCF is observed and changed; None where there is no key, or no need for one."""
    urgent: bool = False
    """Whether calls to NVCF are urgent for now, whatever the priority."""

    @property
    def resource(self) -> Resource:
        """The resource as it is known by now."""
        return self.situation.resource

    @property
    def nvcf(self) -> Nvcf:
        """The account, for what happens only with one."""
        assert self.account is not None, "NVCF is changed only through an account"
        return self.account

    @property
    def caller(self) -> Caller:
        """On whose behalf NVCF is called."""
        return Caller(Priority.HIGH if self.urgent else self.priority, self.resource.key.namespace)

    def target(self, version: str) -> Target:
        """Name a deployment in the world."""
        return Target(self.nvcf.credential.base_url, self.resource.function_id, version)

    def hurried(self) -> "Context":
        """This context, its calls urgent if the account hurries its resource now."""
        return replace(self, urgent=self.nvcf.hurries(self.resource))

    def after(self, **changes: Any) -> "Context":
        """This context with another situation."""
        return replace(self, situation=replace(self.situation, **changes))

    def observed(self, version: str, observation: Observation, **changes: Any) -> "Context":
        """This context with what was observed of a version."""
        return self.after(observations={**self.situation.observations, version: observation}, **changes)


@dataclass(frozen=True, slots=True)
class Environment:
    """What the stages of a reconcile share."""

    cluster: Cluster
    clock: Clock
    claims: Claims
    presence: PresenceHistory
    sent: Sent

    def emit(self, resource: Resource, note: EventNote) -> None:
        """Have an Event written, and a line logged."""
        self.cluster.emit(resource, note)
        log.log(logging.WARNING if note.warning else logging.INFO, "%s: %s", note.reason, note.message)

    def emit_write(self, resource: Resource, action: Action, deployment_id: str | None) -> None:
        """Report a write that was taken, if it is worth an Event."""
        note = of_write(resource, action, deployment_id)
        if note is not None:
            self.emit(resource, note)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a write ended."""

    context: Context
    """What is known after it: done, failed, or refused by the API server."""
    read_again: str | None = None
    """The version whose deployment only another read can show."""


async def failure_of_write(context: Context, error: nvcf_errors.NvcfError) -> Failure:
    """Say what a failed write means; whether a 403 is about the key takes further calls."""
    if isinstance(error, nvcf_errors.Forbidden):
        return await context.nvcf.forbidden(error, context.caller)
    return context.nvcf.writing(error)
