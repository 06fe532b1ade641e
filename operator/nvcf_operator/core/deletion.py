"""The resource is being deleted: undeploy what it holds, gracefully, prove that it is gone, then let the object go."""

from nvcf_operator.api.conditions import Phase
from nvcf_operator.core import backoff, messages, verdicts
from nvcf_operator.core.absence import create_settle_left
from nvcf_operator.core.actions import DropFinalizer, Undeploy
from nvcf_operator.core.decision import Decision, Verdict, act
from nvcf_operator.core.draining import drained_too_long, recorded, seconds_left
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Absent, Present, Proof, Sighting, Situation, Trouble, Whose

AGAIN = 10.0
"""Seconds after which DELETE is asked for again, while GET does not say INACTIVE."""


def needs_nvcf(resource: Resource) -> bool:
    """Whether the deletion has anything to do with NVCF at all."""
    return resource.has_finalizer and not resource.keeps_deployment and not released_by_force(resource)


def released_by_force(resource: Resource) -> bool:
    """Whether a person released a blocked deletion. Honoured only where deletion is seen to be blocked."""
    return resource.force_delete and resource.is_true("DeletionBlocked")


def versions_held(resource: Resource) -> tuple[str, ...]:
    """The versions that this resource may have deployed: those on record, and that of an open intent.

    Where the status was lost, the manifest's, for the finalizer says that there may be one.
    """
    status = resource.status
    held = [status.function_version_id] if resource.holds else []
    held += [item.function_version_id for item in status.retiring]
    held += [status.incoming.function_version_id] if status.incoming is not None else []
    held += [resource.open_intent.function_version_id] if resource.open_intent is not None else []
    if not held and status.observed_generation < 0:
        held = [resource.intent.function_version_id if resource.intent is not None else resource.wanted_version]
    return tuple(dict.fromkeys(version for version in held if version))


def deletion(situation: Situation) -> Decision:
    """Decide on a resource whose deletion was asked for."""
    resource = situation.resource
    if not resource.has_finalizer:
        return Decision()
    if not needs_nvcf(resource):
        return act(DropFinalizer())
    versions = versions_held(resource)
    if not versions:
        return act(DropFinalizer())
    if situation.access is not None:
        return blocked(situation, situation.access)
    if situation.failure is not None:
        return blocked(situation, situation.failure)
    for version in versions:
        decision = undeployed(situation, version, situation.sighting(version))
        if decision is not None:
            return decision
    return act(DropFinalizer())


def undeployed(situation: Situation, version: str, seen: Sighting | None) -> Decision | None:
    """Decide on one version; None when it is proven to be gone."""
    timing = situation.timing
    if isinstance(seen, Absent):
        if doubt := doubted(situation):
            return blocked(situation, doubt)
        if (wait := create_settle_left(situation, seen)) > 0:
            verdict = leaving(Reason.AWAITING_ANSWER, messages.AWAITING_ANSWER_DELETING)
            return Decision(verdict=verdict, requeue=min(wait, timing.busy_poll), seen=True)
        return None
    if not isinstance(seen, Present):
        trouble = getattr(seen, "trouble", None)
        return blocked(situation, trouble or Trouble(Reason.PENDING, messages.PENDING, Whose.SERVER))
    graceful = situation.resource.spec is None or situation.resource.spec.undeploy.graceful
    draining = seen.status.upper() == "INACTIVE"
    if drained_too_long(situation, version):
        return again(situation, Undeploy(version, graceful=False), version)
    if not draining:
        return again(situation, Undeploy(version, graceful=graceful), version)
    left = seconds_left(situation, version)
    message = messages.draining(situation, version, left)
    pause = look_again_in(situation, version)
    requeue = min(left, pause) if left > 0 else pause
    return Decision(verdict=leaving(Reason.DRAINING, message), requeue=max(requeue, 0.2), busy=True, seen=True)


def look_again_in(situation: Situation, version: str) -> float:
    """Seconds until the next GET of a drain: the list tells a drain and its end by the same word, so each costs one."""
    known, timing = recorded(situation, version), situation.timing
    elapsed = (situation.now - known.since).total_seconds() if known is not None and known.since is not None else 0.0
    return min(timing.poll, max(timing.busy_poll, elapsed / 4))


def again(situation: Situation, action: Undeploy, version: str) -> Decision:
    """Ask for the DELETE, unless one was answered a moment ago: a 200 proves nothing, and GET may lag behind it."""
    sent = situation.memory.undeploy_sent_for
    if sent is not None and sent < AGAIN:
        verdict = leaving(Reason.DRAINING, messages.undeploying(version))
        return Decision(verdict=verdict, requeue=min(AGAIN - sent, situation.timing.busy_poll), busy=True, seen=True)
    return act(action)


def doubted(situation: Situation) -> Trouble | None:
    """Why a 404 is not believed, if so."""
    view, recorded_id = situation.account, situation.resource.status.account_id or ""
    if view is None:
        return Trouble(Reason.NVCF_UNAVAILABLE, messages.NO_LIST, Whose.SERVER)
    if view.proof == Proof.MISMATCH:
        message = messages.account_mismatch(recorded_id, view.account_id or "")
        return Trouble(Reason.ACCOUNT_MISMATCH, message, Whose.CREDENTIAL)
    if view.proof == Proof.UNPROVEN:
        return Trouble(Reason.ACCOUNT_UNPROVEN, messages.account_unproven(recorded_id), Whose.CREDENTIAL)
    return None


def leaving(reason: Reason, message: str) -> Verdict:
    """The deletion goes on by itself."""
    return verdicts.progressing(Phase.DRAINING, reason, message)


def blocked(situation: Situation, trouble: Trouble) -> Decision:
    """Keep the object, say what is in the way and name the ways out; try again by itself."""
    message = messages.blocked(trouble.message)
    server = trouble.whose == Whose.SERVER
    verdict = Verdict(Phase.DRAINING, trouble.reason, message, reconciling=server, stalled=not server, blocked=True)
    delay = backoff.short(situation.memory.attempts)
    return Decision(verdict=verdict, requeue=max(delay, trouble.retry_after or 0.0), backoff=True)
