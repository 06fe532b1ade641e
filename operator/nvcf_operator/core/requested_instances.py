"""The instances that NVCF may run for a resource, and bills: those ordered by every deployment that it holds."""

from collections.abc import Iterable, Iterator

from nvcf_client.models import GpuSpecification
from nvcf_operator.api.status import FunctionDeploymentStatus, ObservedGpuSpecification
from nvcf_operator.core.situation import Present, Situation

Order = tuple[str, str, int, int]
"""GPU, instance type (empty where NVCF shows none), fewest and most instances."""


def ordered(situation: Situation, status: FunctionDeploymentStatus) -> tuple[Order, ...]:
    """The orders of the version on record, as status keeps them, and of others that were read now, as in a rollout.

    Args:
        situation: what was seen.
        status: what is reported of it.

    """
    found = [*_of(status.gpu_specifications)]
    others = {item.function_version_id for item in (status.incoming, *status.retiring) if item is not None}
    for version in others - {status.function_version_id}:
        if isinstance(seen := situation.observation(version), Present):
            found += _of(seen.deployment.deployment_specifications)
    return tuple(sorted(found))


def _of(specifications: Iterable[ObservedGpuSpecification | GpuSpecification]) -> Iterator[Order]:
    for item in specifications:
        if item.gpu and item.max_instances is not None:
            yield item.gpu, item.instance_type or "", item.min_instances or 0, item.max_instances
