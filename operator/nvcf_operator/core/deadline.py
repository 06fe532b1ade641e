"""The progress deadline: how long a manifest may take to be in force before it counts as standing still."""

from datetime import datetime, timedelta

from nvcf_operator.core.situation import Situation


def progress_since(situation: Situation) -> datetime:
    """Start of the current deadline: recorded for this generation, else now."""
    status, resource = situation.resource.status, situation.resource
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
