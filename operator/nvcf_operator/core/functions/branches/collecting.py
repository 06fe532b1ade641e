"""Which versions are deleted while the CloudFunction lives: duplicates, and former ones that nobody needs.

One at a time, oldest first, and only with every doubt out of the way: it bears this object's mark in this very read, no
FunctionDeployment names it, and nothing of it is deployed. The latest version, which has to be there, is never one of
them, so that the function keeps its id.
"""

from dataclasses import replace

from nvcf_operator.backoff import long
from nvcf_operator.core.functions.branches.waiting import next_retry, retry_left
from nvcf_operator.core.functions.model.decision import DeleteVersion, DeletionPurpose, FunctionDecision, InPlaceAction
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import (
    asked_for,
    by_age,
    is_leaving,
    is_pinned,
    label_of,
    latest,
    matching,
)
from nvcf_operator.core.functions.report import messages
from nvcf_operator.core.model.observed import Absent, Failure, FunctionStatus, Present
from nvcf_operator.core.model.reasons import Reason

AGAIN = 10.0
"""Seconds after which DELETE is asked for again, while NVCF shows the version still."""


def collected(situation: FunctionSituation, decision: FunctionDecision) -> FunctionDecision:
    """The decision, but that a version is deleted which nobody needs, where there is nothing else to write.

    That is where the manifest's version is there, or where too many others keep it from being registered.
    """
    said = decision.condition_set
    full = said is not None and said.reason == Reason.TOO_MANY_VERSIONS
    if decision.action is not None or (decision.taken is None and not full):
        return decision
    if isinstance(situation.wrote or situation.tried, InPlaceAction):
        return _again_in(decision, situation.timing.settle_poll) if unneeded(situation) else decision
    if situation.wrote is not None or decision.taken not in (None, situation.resource.latest_version):
        return _again_in(decision, situation.timing.settle_poll)  # what is needed is another version from now on
    if latest(situation) is None:
        return decision
    if situation.open_intent is not None and asked_for(situation) is None:
        return decision
    candidates = unneeded(situation)
    if not candidates:
        return decision
    if situation.failure is not None:
        tried = situation.tried
        version = tried.version_id if isinstance(tried, DeleteVersion) else candidates[0].version_id
        return _not_deleted(situation, decision, version, situation.failure)
    retry = situation.resource.status.retry
    refuses = retry is not None and retry.reason != Reason.AWAITING_REGISTRATION
    refuses = refuses and not situation.resource.status.failed
    words = retry.message if retry is not None and refuses and is_undeletable(situation) else None
    if refuses and (left := retry_left(situation)) > 0:
        return _saying(_again_in(decision, left), words)
    waits = []
    for seen in candidates:
        wait = _wait(situation, seen)
        if wait == 0:
            return replace(decision, action=DeleteVersion(seen.function_id, seen.version_id, _purpose(situation, seen)))
        waits += [wait] if wait is not None else []
    return _saying(_again_in(decision, min(waits)), words) if waits else _saying(decision, words)


def is_undeletable(situation: FunctionSituation) -> bool:
    """Whether there is still a version that a failed DELETE may have been for.

    What was said of it and counted stays on record until the next DELETE, whose proofs take a while after the pause.
    """
    if isinstance(situation.wrote, DeleteVersion):
        return False
    return any(
        may_be_undeployed(situation, seen) and not isinstance(situation.deployments.get(seen.version_id), Present)
        for seen in unneeded(situation)
    )


def _again_in(decision: FunctionDecision, seconds: float) -> FunctionDecision:
    return replace(decision, requeue=seconds if decision.requeue is None else min(decision.requeue, seconds))


def unneeded(situation: FunctionSituation) -> tuple[VersionSeen, ...]:
    """The versions with this object's mark that nobody needs, oldest first, whether or not they may be deleted yet.

    The observer reads the deployments of these.
    """
    wanted = matching(situation)
    needed = {situation.resource.latest_version, wanted.version_id if wanted is not None else None, *kept(situation)}
    found = [
        seen
        for seen in situation.own
        if seen.version_id not in needed and not situation.is_held(seen.version_id) and not is_pinned(situation, seen)
    ]
    return tuple(sorted(found, key=by_age))


def kept(situation: FunctionSituation) -> tuple[str, ...]:
    """The former versions that the history keeps: of those that served, the ones that were the latest last."""
    resource, own = situation.resource, {seen.version_id for seen in situation.own}
    former = [
        item.version_id
        for item in resource.status.versions
        if item.served and not item.leaving and item.version_id in own - {resource.latest_version}
    ]
    return tuple(former[: resource.history_limit])


def _wait(situation: FunctionSituation, seen: VersionSeen) -> float | None:
    """Seconds until a version may be deleted; 0: now; None: something else has to happen first."""
    timing, deployment = situation.timing, situation.deployments.get(seen.version_id)
    if not situation.believes_absence or not may_be_undeployed(situation, seen):
        return None
    if not situation.claims_current or deployment is None:
        return timing.settle_poll
    if not isinstance(deployment, Absent):
        return None
    settles = timing.redeploy_settle - deployment.absent_for
    others = max(kept_back(situation, seen.version_id), _held_lately(situation, seen.version_id))
    if situation.resource.recorded_version(seen.version_id) is None:  # its POST may be one of a moment ago
        others = max(others, timing.register_settle - _age(situation, seen))
    if max(settles, others) <= 0:
        return 0.0
    # The 404 has to last without a break: it is read again and again, but not for longer than that takes.
    return max(timing.settle_poll, others - timing.redeploy_settle)


def may_be_undeployed(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a version may be one without a deployment, which only a read of that can show.

    One that was deleted before and is there again may have any status: NVCF has written an old row back.
    """
    return seen.known_status == FunctionStatus.INACTIVE or is_leaving(situation, seen.version_id)


def kept_back(situation: FunctionSituation, version_id: str) -> float:
    """Seconds until DELETE of a version may be asked for: it was a moment ago, or another call may still write it."""
    sent = situation.delete_sent_for.get(version_id)
    again = max(0.0, AGAIN - sent) if sent is not None else 0.0
    return max(again, situation.locked_for.get(version_id, 0.0))


def _held_lately(situation: FunctionSituation, version_id: str) -> float:
    """Seconds until it is long enough that a FunctionDeployment named the version: one may go back to it."""
    free_for = situation.free_for.get(version_id)
    return max(0.0, situation.timing.redeploy_settle - free_for) if free_for is not None else 0.0


def _age(situation: FunctionSituation, seen: VersionSeen) -> float:
    """Seconds since a version was registered: at least for as long as it was seen, whatever the clocks say."""
    listed_for = situation.listed_for.get(seen.version_id, 0.0)
    if seen.created_at is None:
        return listed_for
    return max(listed_for, (situation.now - seen.created_at).total_seconds())


def _purpose(situation: FunctionSituation, seen: VersionSeen) -> DeletionPurpose:
    """Why a version is deleted: it is a duplicate if it is not on record, and another of its template is."""
    resource = situation.resource
    twins = [item for item in resource.status.versions if (item.hash, item.revision) == label_of(situation, seen)]
    duplicate = bool(twins) and resource.recorded_version(seen.version_id) is None
    return DeletionPurpose.DUPLICATE if duplicate else DeletionPurpose.UNUSED


def _not_deleted(
    situation: FunctionSituation, decision: FunctionDecision, version_id: str, failure: Failure
) -> FunctionDecision:
    """Go on after a DELETE that failed: what is in force stays so, and the next one waits for longer each time."""
    retry = next_retry(situation, failure.reason, messages.not_deleted(version_id, failure.message))
    wait = max(long(retry.attempts), failure.retry_after or 0.0)
    return replace(_saying(_again_in(decision, wait), retry.message), retry=retry, backoff=True)


def _saying(decision: FunctionDecision, message: str | None) -> FunctionDecision:
    """The decision, with what keeps versions from being deleted in its message."""
    said = decision.condition_set
    if said is None or message is None:
        return decision
    return replace(decision, condition_set=replace(said, message=f"{said.message} {message}"))
