"""The part of the status that limits what is repeated and measures how long things last, as this process knows it.

The cluster's copy can be missing or wrong: a write of it can be refused, and a backup tool can put an old one back. A
status that cannot be written must not mean "never tried", and a time in it may come from a clock that ran wrong. So the
process keeps its own copy while there is something to limit or to measure, and that copy counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nvcf_client.models import GpuSpecification
from nvcf_operator import backoff
from nvcf_operator.api.common import changed
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.api.status import (
    Failed,
    FunctionDeploymentStatus,
    Incoming,
    Intent,
    LastWrite,
    ObservedGpuSpecification,
    Retiring,
    Retry,
    TakenReference,
)
from nvcf_operator.core.model.observed import Present
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation

LEAST_SEEN = 60.0
"""Seconds that this process must have seen pass itself before it forces a drain or gives a version up."""


@dataclass(frozen=True, slots=True)
class Record:
    """What this process knows of one resource's record. The members are those of the status."""

    observed_generation: int
    account_id: str | None
    credential: str | None
    function_version_id: str | None
    function_ref: TakenReference | None
    function_status: str | None
    deployment_id: str | None
    intent: Intent | None
    incoming: Incoming | None
    retiring: tuple[Retiring, ...]
    failed: Failed | None
    progressing_since: datetime | None
    last_write: LastWrite | None
    retry: Retry | None
    last_handled_reconcile_at: str | None
    last_handled_redeploy_at: str | None

    @classmethod
    def of(cls, status: FunctionDeploymentStatus) -> "Record":
        """Take it from a status."""
        return cls(**{name: getattr(status, name) for name in cls.__dataclass_fields__})

    @property
    def at_rest(self) -> bool:
        """Whether nothing is limited or measured, so that the cluster's copy is enough."""
        under_way = self.intent is not None and not self.intent.answered
        return not (under_way or self.incoming or self.retiring or self.failed or self.progressing_since or self.retry)

    def over(self, status: FunctionDeploymentStatus) -> FunctionDeploymentStatus:
        """The status with this record in place of its own."""
        return changed(status, {name: getattr(self, name) for name in self.__dataclass_fields__})

    def moved(self, seconds: float) -> "Record":
        """The record after the time of day was set by so many seconds, with all spans as they were."""
        by = timedelta(seconds=seconds)

        def later(moment: datetime | None) -> datetime | None:
            return None if moment is None else moment + by

        last, retry, incoming = self.last_write, self.retry, self.incoming
        return replace(
            self,
            incoming=incoming and incoming.model_copy(update={"since": later(incoming.since)}),
            retiring=tuple(
                item.model_copy(update={"since": later(item.since), "deadline": later(item.deadline)})
                for item in self.retiring
            ),
            progressing_since=later(self.progressing_since),
            last_write=last and last.moved(by),
            retry=retry and retry.moved(by),
        )


def first_seen(status: FunctionDeploymentStatus, spec: FunctionDeploymentSpec | None, now: datetime) -> Record:
    """The record of a resource that this process meets for the first time; another clock has written its times.

    A time in the future counts as now. A span that forces or gives up something counts what is on record up to its
    limit, less what this process has to see itself.
    """
    record = Record.of(status)
    drain = spec.undeploy.drain_timeout_seconds if spec is not None else 3600
    deadline = spec.rollout.progress_deadline_seconds if spec is not None else 3600
    ready = next((item for item in status.conditions if item.type == "Ready"), None)
    exceeded = ready is not None and ready.reason == Reason.PROGRESS_DEADLINE_EXCEEDED
    last, retry, since = record.last_write, record.retry, record.progressing_since
    if since is not None:
        since = _at_most(since, now, deadline if exceeded else _recorded(deadline))
    return replace(
        record,
        retiring=tuple(_first_seen_drain(item, now, drain) for item in record.retiring),
        progressing_since=since,
        last_write=last and last.not_after(now),
        retry=retry and retry.not_after(now + timedelta(seconds=backoff.long(retry.attempts))),
    )


def _first_seen_drain(item: Retiring, now: datetime, limit: float) -> Retiring:
    if item.since is None:
        return item
    since = _at_most(item.since, now, limit if item.forced else _recorded(limit))
    deadline = item.deadline if since == item.since else since + timedelta(seconds=limit)
    return item.model_copy(update={"since": since, "deadline": deadline})


def _recorded(limit: float) -> float:
    """How much of a limit the record alone can use up, in seconds."""
    return limit - min(LEAST_SEEN, limit / 2)


def _at_most(since: datetime, now: datetime, seconds: float) -> datetime:
    """The time, moved so that it is neither in the future nor longer ago than that."""
    return min(now, max(since, now - timedelta(seconds=seconds)))


Order = tuple[str, str, int, int]
"""GPU, instance type (empty where NVCF shows none), fewest and most instances."""


def ordered(situation: Situation, status: FunctionDeploymentStatus) -> tuple[Order, ...]:
    """The orders of the version on record, as status keeps them, and of others that were read now, as in a rollout.

    Args:
        situation: what was seen.
        status: what is reported of it.

    """
    found = [*_of(status.gpu_specifications)]
    others = {item.function_version_id for item in (status.incoming, *status.retiring) if item is not None}
    for version in others - {status.function_version_id}:
        if isinstance(seen := situation.observation(version), Present):
            found += _of(seen.deployment.deployment_specifications)
    return tuple(sorted(found))


def _of(specifications: Iterable[ObservedGpuSpecification | GpuSpecification]) -> Iterator[Order]:
    for item in specifications:
        if item.gpu and item.max_instances is not None:
            yield item.gpu, item.instance_type or "", item.min_instances or 0, item.max_instances
