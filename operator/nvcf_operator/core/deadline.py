"""The progress deadline of a manifest: since when it runs, and how much of it is left."""

from datetime import datetime, timedelta

from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Present, Situation


def progress_since(situation: Situation) -> datetime:
    """Start of the current deadline: recorded for this generation, else now.

    A deployment that comes after POSTs whose outcome NVCF left open gets the whole deadline: what was lost in asking
    for it is no fault of its own.
    """
    status, resource = situation.resource.status, situation.resource
    in_vain = status.retry is not None and status.retry.reason == Reason.AWAITING_ANSWER
    if in_vain and isinstance(situation.sighting(resource.wanted_version), Present):
        return situation.now
    if status.progressing_since is not None and status.observed_generation == resource.generation:
        return status.progressing_since
    return situation.now


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
