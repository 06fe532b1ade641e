"""Drains that we began: since when, until when, and what follows then."""

from datetime import timedelta

from nvcf_operator.api.spec import OnDrainTimeout
from nvcf_operator.api.status import Retiring
from nvcf_operator.core.situation import Present, Situation
from nvcf_operator.core.versions import deployments_on_record


def begun(situation: Situation, version: str, *, forced: bool, deployment_id: str | None = None) -> Retiring:
    """Record that a deployment is being undeployed; what is on record of this very one keeps its times.

    Args:
        situation: what was seen.
        version: whose deployment it is.
        forced: whether the drain is cut short.
        deployment_id: which one; by default the one that was seen.

    """
    deployment_id = deployment_id or shown_id(situation, version)
    known = _entry(situation, version)
    if known is not None and known.since is not None and _is_of(known, deployment_id):
        return known.model_copy(update={"forced": known.forced or forced})
    deadline = situation.now + timedelta(seconds=situation.resource.drain_timeout)
    return Retiring(
        function_version_id=version,
        deployment_id=deployment_id,
        since=situation.now,
        deadline=deadline,
        forced=forced,
    )


def recorded(situation: Situation, version: str) -> Retiring | None:
    """The record of a version's deployment that is being undeployed by us; None if it is about another deployment."""
    known = _entry(situation, version)
    return known if known is not None and _is_of(known, shown_id(situation, version)) else None


def is_about_another(situation: Situation, item: Retiring) -> bool:
    """Whether NVCF shows another deployment of that version than the one which the record is about."""
    shown = shown_id(situation, item.function_version_id)
    return shown is not None and not _is_of(item, shown)


def shown_id(situation: Situation, version: str) -> str | None:
    """NVCF's id of the deployment that it shows of a version; None if it shows none, or has no ids."""
    seen = situation.observation(version)
    return seen.deployment.deployment_id if isinstance(seen, Present) else None


def due(situation: Situation, version: str) -> Retiring:
    """Record that a version is to be undeployed, before NVCF was asked to: a claim that a crash must not lose."""
    known = shown_id(situation, version) or next(iter(sorted(deployments_on_record(situation.resource, version))), None)
    return Retiring(function_version_id=version, deployment_id=known)


def _entry(situation: Situation, version: str) -> Retiring | None:
    return next((item for item in situation.resource.status.retiring if item.function_version_id == version), None)


def _is_of(item: Retiring, deployment_id: str | None) -> bool:
    """Whether a record is about that deployment. Of what NVCF does not show at the moment it may be."""
    return deployment_id is None or item.deployment_id == deployment_id


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
    known = recorded(situation, version)
    if known is None or known.since is None:
        return float("inf")
    limit = timedelta(seconds=situation.resource.drain_timeout)
    return (known.since + limit - situation.now).total_seconds()
