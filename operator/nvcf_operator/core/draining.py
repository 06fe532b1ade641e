"""Drains that we began: since when, until when, and what follows then."""

from datetime import timedelta

from nvcf_operator.api.spec import OnDrainTimeout
from nvcf_operator.api.status import Retiring
from nvcf_operator.core.situation import Situation


def begun(situation: Situation, version: str, *, forced: bool) -> Retiring:
    """Record that a version is being undeployed; what is on record keeps its times."""
    known = recorded(situation, version)
    if known is not None and known.since is not None:
        return known.model_copy(update={"forced": known.forced or forced})
    spec = situation.resource.spec
    limit = spec.undeploy.drain_timeout_seconds if spec is not None else 3600
    deadline = situation.now + timedelta(seconds=limit)
    return Retiring(function_version_id=version, since=situation.now, deadline=deadline, forced=forced)


def recorded(situation: Situation, version: str) -> Retiring | None:
    """The record of a version that is being undeployed by us."""
    return next((item for item in situation.resource.status.retiring if item.function_version_id == version), None)


def due(version: str) -> Retiring:
    """Record that a version is to be undeployed, before NVCF was asked to: a claim that a crash must not lose."""
    return Retiring(function_version_id=version)


def asked_for(situation: Situation, version: str) -> bool:
    """Whether the record says that NVCF took our DELETE of that version."""
    known = recorded(situation, version)
    return known is not None and known.since is not None


def drained_too_long(situation: Situation, version: str) -> bool:
    """Whether a drain of ours is over its time and is to be cut short. A drain of somebody else never is."""
    return asked_for(situation, version) and seconds_left(situation, version) <= 0 and forces(situation)


def forces(situation: Situation) -> bool:
    """Whether the manifest wants an overdue drain cut short."""
    spec = situation.resource.spec
    return spec is None or spec.undeploy.on_drain_timeout == OnDrainTimeout.FORCE


def seconds_left(situation: Situation, version: str) -> float:
    """Seconds until the drain of that version counts as too long, by the manifest as it is now."""
    known, spec = recorded(situation, version), situation.resource.spec
    if known is None or known.since is None:
        return float("inf")
    limit = spec.undeploy.drain_timeout_seconds if spec is not None else 3600
    return (known.since + timedelta(seconds=limit) - situation.now).total_seconds()
