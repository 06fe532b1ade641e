"""The progress deadline of a manifest: since when it runs, and how much of it is left."""

from datetime import datetime, timedelta

from nvcf_operator.core.actions import Create
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Present, Situation

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
