"""How long things may take: the grace for what others may bring, and the progress deadline of a manifest.

A Secret comes by external-secrets or sealed-secrets, a key takes a while to take effect, a function version is made by
a pipeline, and another resource may let go of a version. Helm, Flux and Argo CD give a release up at the first Stalled,
so for `--stalled-grace-seconds` it is Reconciling. The span is what this process has itself seen pass; what is on
record as Stalled stays so, so that a restart does not start it again.
"""

from datetime import datetime, timedelta

from nvcf_operator.api import status as kinds
from nvcf_operator.api.status import Phase
from nvcf_operator.core import condition_sets
from nvcf_operator.core.decision import ConditionSet, Create
from nvcf_operator.core.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.situation import Present, Situation

AWAITED = reasons_with(Trait.AWAITED)


def grace_left(situation: Situation, reason: Reason) -> float:
    """Seconds for which something that stands in the way for that reason is still waited for; 0: it is Stalled."""
    resource, local = situation.resource, situation.local
    stalled = resource.condition(kinds.STALLED)
    reported = (str(reason), resource.generation)
    if reason not in AWAITED:
        return 0.0
    if stalled is not None and stalled.status == "True" and reported == (stalled.reason, stalled.observed_generation):
        return 0.0
    waited = local.reported_for if local.reported == reported else 0.0
    return max(0.0, situation.timing.stalled_grace - waited)


def stalled(situation: Situation, reason: Reason, message: str) -> ConditionSet:
    """The conditions of something that stands in the way: Reconciling while it is still waited for, then Stalled."""
    if grace_left(situation, reason) <= 0:
        return condition_sets.stalled(reason, message)
    phase = Phase(situation.resource.status.phase or Phase.PENDING)
    return condition_sets.progressing(Phase.PENDING if phase == Phase.FAILED else phase, reason, message)


AT_LENGTH = timedelta(minutes=1)
"""Time after which a POST that is answered at last begins the deadline anew."""


def progress_since(situation: Situation) -> datetime:
    """Start of the current deadline: recorded for this generation, else now.

    A deployment that NVCF took only after a while gets the whole deadline: what was lost in asking for it, by errors of
    NVCF's own, a lack of capacity, a refused write or an outage, is no fault of its own.
    """
    status, resource = situation.resource.status, situation.resource
    in_vain = status.retry is not None and status.retry.reason in (Reason.AWAITING_ANSWER, Reason.NO_CAPACITY)
    if in_vain and isinstance(situation.observation(resource.wanted_version), Present):
        return situation.now
    since = status.progressing_since if status.observed_generation == resource.generation else None
    if since is None or (isinstance(situation.wrote, Create) and situation.now - since > AT_LENGTH):
        return situation.now
    return since


def progress_deadline(situation: Situation) -> tuple[int, float]:
    """The deadline in seconds, and how many are left of it."""
    spec = situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    seconds = spec.rollout.progress_deadline_seconds
    end = progress_since(situation) + timedelta(seconds=seconds)
    return seconds, (end - situation.now).total_seconds()


def is_overdue(situation: Situation) -> bool:
    """Whether a deadline that is on record for this manifest is over."""
    status, resource = situation.resource.status, situation.resource
    recorded = status.progressing_since is not None and status.observed_generation == resource.generation
    return recorded and resource.spec is not None and progress_deadline(situation)[1] <= 0
