"""When a function is Ready: its version is registered, and those who follow it have noticed.

A FunctionDeployment that follows is no longer Ready as soon as it sees the new generation. If the CloudFunction were
Ready before, a tool that waits for both would find all in order while the old version still serves. A way back needs no
POST, so that order does not come by itself; it is waited for, but not for long, since a follower may be stuck.
"""

from nvcf_operator.api.function_status import FunctionPhase
from nvcf_operator.core.functions.model.claims import Follower
from nvcf_operator.core.functions.model.decision import FunctionDecision
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import label_of
from nvcf_operator.core.functions.report import messages
from nvcf_operator.core.model.decision import ConditionSet
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import conditions

MOST_WAITED = 10.0
"""Seconds that followers may take to notice."""

STEP = 1.0
"""Seconds between two reconciles while they have not."""


def registered(situation: FunctionSituation, version: VersionSeen) -> FunctionDecision:
    """Decide on a version that has the content of the manifest."""
    if (left := _wait_left(situation)) > 0:
        message = messages.awaiting_followers(version.version_id)
        condition_set = conditions.progressing(FunctionPhase.REGISTERED, Reason.AWAITING_FOLLOWERS, message)
        return FunctionDecision(
            condition_set=condition_set, requeue=min(left, STEP), taken=version.version_id, seen=True
        )
    revision = situation.resource.revision or label_of(situation, version).revision
    condition_set = ConditionSet(
        FunctionPhase.REGISTERED, Reason.REGISTERED, messages.registered(version.version_id, revision), ready=True
    )
    return FunctionDecision(condition_set=condition_set, taken=version.version_id, seen=True)


def _wait_left(situation: FunctionSituation) -> float:
    """Seconds for which Ready still waits for followers; 0 where it is on record, or nobody is behind."""
    resource, local = situation.resource, situation.local
    if resource.in_order or not any(_is_behind(resource.generation, item) for item in situation.followers):
        return 0.0
    waits = (str(Reason.AWAITING_FOLLOWERS), resource.generation)
    waited = local.reported_for if local.reported == waits else 0.0
    return max(0.0, MOST_WAITED - waited)


def _is_behind(generation: int, follower: Follower) -> bool:
    """Whether a FunctionDeployment follows, and its status does not show that it has seen this generation."""
    if not follower.refers or follower.pinned is not None or follower.deleting:
        return False
    return follower.shows_generation is None or follower.shows_generation < generation
