"""The guard against a tug-of-war: the same write made again and again is somebody undoing it."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from nvcf_operator.api.status import LastWrite
from nvcf_operator.core.model.decision import Action, Change, Create, Decision, Patch, Purpose, Undeploy
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import AnySituation, Situation
from nvcf_operator.core.report import conditions, messages

WINDOW = timedelta(hours=1)
LIMIT = 3


def not_converging(situation: Situation, action: Change | Create | Undeploy) -> Decision | None:
    """Refuse a write that was made three times within an hour, until the manifest changes or reconcile-now."""
    if not at_limit(situation, action) or situation.resource.reconcile_requested:
        return None
    return Decision(condition_set=conditions.stalled(Reason.NOT_CONVERGING, messages.NOT_CONVERGING))


def at_limit(situation: Situation, action: Change | Create | Undeploy) -> bool:
    """Whether only a user's request lets this write through."""
    nothing_before = situation.resource.status.last_write is None
    return not nothing_before and counts(situation, action) and is_repeated(situation, digest(action))


def is_repeated(situation: AnySituation, name: str) -> bool:
    """Whether the write of that name was made three times within an hour, for the manifest as it stands."""
    last = situation.resource.status.last_write
    if last is None or not situation.resource.is_reported:
        return False
    counted: bool = last.digest == name and last.count >= LIMIT and situation.now - last.since < WINDOW
    return counted


def window_left(situation: AnySituation) -> float:
    """Seconds until the last write that is counted counts no more."""
    last = situation.resource.status.last_write
    return (last.since + WINDOW - situation.now).total_seconds() if last is not None else 0.0


def counts(situation: Situation, action: Action) -> bool:
    """Whether a write is of the kind that somebody may undo each time.

    A POST after a DELETE of our own is not: the DELETE is counted, unless a user asked for it or NVCF had given the
    deployment up, which has a count of its own.
    """
    match action:
        case Change():
            return True
        case Create():
            status = situation.resource.status
            ours = action.function_version_id in {item.function_version_id for item in status.retiring}
            retried = status.retry is not None and (
                status.retry.reason == Reason.DEPLOYMENT_FAILED or status.retry.failed_deployments is not None
            )
            return not ours and not retried
        case Undeploy():
            return action.purpose in (Purpose.REDEPLOY, Purpose.STALE)
        case _:
            return False


def counted(situation: Situation, action: Action) -> LastWrite | None:
    """Count a write that was made; None for writes that are not counted."""
    if not counts(situation, action):
        return None
    assert isinstance(action, Change | Create | Undeploy), "counts() says so"
    return counted_again(situation, digest(action))


def counted_again(situation: AnySituation, name: str) -> LastWrite:
    """Count the write of that name."""
    last = situation.resource.status.last_write
    same = (
        last is not None
        and last.digest == name
        and situation.now - last.since < WINDOW
        and situation.resource.is_reported
    )
    if last is None or not same:
        return LastWrite(digest=name, count=1, since=situation.now)
    return LastWrite(digest=name, count=last.count + 1, since=last.since)


def digest(action: Change | Create | Undeploy) -> str:
    """Name a write by its content, so that the same one is known again after a restart."""
    content: Any
    if isinstance(action, Create):
        content = ["create", action.function_version_id, [item.to_request() for item in action.specifications]]
    elif isinstance(action, Undeploy):
        content = ["redeploy", action.function_version_id]
    elif isinstance(action.change, Patch):
        content = ["patch", action.deployment_id, action.change.gpu_specification_id, action.change.to_json()]
    else:
        content = ["put", action.deployment_id, [item.to_update() for item in action.change.specifications]]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
