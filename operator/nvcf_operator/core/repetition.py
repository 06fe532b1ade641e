"""The guard against a tug-of-war: the same write made again and again is somebody undoing it."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from nvcf_operator.api.status import LastWrite
from nvcf_operator.core import messages, verdicts
from nvcf_operator.core.actions import Action, Change, Create
from nvcf_operator.core.changes import Patch
from nvcf_operator.core.decision import Decision
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Situation

WINDOW = timedelta(hours=1)
LIMIT = 3


def not_converging(situation: Situation, action: Change | Create) -> Decision | None:
    """Refuse a write that was made three times within an hour, until the manifest changes or reconcile-now."""
    resource = situation.resource
    last = resource.status.last_write
    if last is None or resource.status.observed_generation != resource.generation or resource.reconcile_requested:
        return None
    if last.digest != digest(action) or last.count < LIMIT or situation.now - last.since >= WINDOW:
        return None
    return Decision(verdict=verdicts.stalled(Reason.NOT_CONVERGING, messages.NOT_CONVERGING))


def counted(situation: Situation, action: Action) -> LastWrite | None:
    """Count a write that was made; None for writes that are not counted."""
    if not isinstance(action, Change | Create):
        return None
    name, last = digest(action), situation.resource.status.last_write
    same = (
        last is not None
        and last.digest == name
        and situation.now - last.since < WINDOW
        and situation.resource.status.observed_generation == situation.resource.generation
    )
    if last is None or not same:
        return LastWrite(digest=name, count=1, since=situation.now)
    return LastWrite(digest=name, count=last.count + 1, since=last.since)


def digest(action: Change | Create) -> str:
    """Name a write by its content, so that the same one is known again after a restart."""
    content: Any
    if isinstance(action, Create):
        content = ["create", action.function_version_id, [item.to_request() for item in action.specifications]]
    elif isinstance(action.change, Patch):
        content = ["patch", action.deployment_id, action.change.gpu_specification_id, action.change.to_json()]
    else:
        content = ["put", action.deployment_id, [item.to_update() for item in action.change.specifications]]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
