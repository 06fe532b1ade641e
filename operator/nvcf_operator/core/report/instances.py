"""How many instances of a version run, and when "ACTIVE, none runs" is certain.

The number is as of the last read of the instances. So it is kept only while nothing shows that the deployment is
another one or in another state. "None" is believed only of a version that was read twice: NVCF's own loop takes a
minute, and its status and its instances come from different places.
"""

from collections.abc import Iterable

from nvcf_client.models import Instance
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.model.observed import FunctionStatus, InstancesSeen
from nvcf_operator.core.model.situation import Situation

RUNNING = frozenset({"ACTIVE", "RUNNING"})
"""Statuses of a running instance."""


def count(instances: Iterable[Instance]) -> int:
    """How many of them run."""
    return sum((item.instance_status or "").upper() in RUNNING for item in instances)


def least(status: FunctionDeploymentStatus) -> int:
    """The fewest instances that NVCF is to keep running."""
    return sum(item.min_instances or 0 for item in status.gpu_specifications)


def should_run(status: FunctionDeploymentStatus) -> bool:
    """Whether NVCF reports the version as ACTIVE, which is to run at least one instance."""
    return FunctionStatus.of(status.function_status or "") == FunctionStatus.ACTIVE and least(status) > 0


def is_none_running(status: FunctionDeploymentStatus) -> bool:
    """Whether a version should run, and none of its instances does."""
    return status.running == 0 and should_run(status)


def running(situation: Situation, version: str | None, new: FunctionDeploymentStatus) -> int | None:
    """The number for `status.running`; None while it is not known.

    Args:
        situation: what was seen.
        version: the version that the status is about.
        new: the rest of the new status.

    """
    if situation.instances is None or FunctionStatus.of(new.function_status or "") in (None, FunctionStatus.INACTIVE):
        return None
    old = situation.resource.status
    kept = old.running if is_about_same(old, new) else None
    if kept == 0 and should_run(new) and not is_none_running(old):
        kept = None  # the minimum was raised since, and nobody has seen that none runs
    if version is None or version not in situation.instances:
        return kept
    seen = situation.instances[version]
    if seen is None:
        return None
    if seen.running or not should_run(new) or kept == 0 or is_certain(situation, seen):
        return seen.running
    return None if seen.listed else kept


def is_about_same(old: FunctionDeploymentStatus, new: FunctionDeploymentStatus) -> bool:
    """Whether two statuses are about the same deployment in the same state."""
    return (old.function_version_id, old.deployment_id, old.function_status) == (
        new.function_version_id,
        new.deployment_id,
        new.function_status,
    )


def is_certain(situation: Situation, seen: InstancesSeen) -> bool:
    """Whether no instance runs for certain: no read showed one for a poll interval, and no change of ours is young."""
    return not seen.listed and seen.none_for >= situation.timing.poll and not situation.local.verify
