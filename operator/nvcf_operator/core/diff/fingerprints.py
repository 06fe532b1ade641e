"""What distinguishes two states of a deployment without reading it: its id, and the numbers of its specifications.

NGC's list of deployments is described by its shape alone, so what it leaves out is no difference, and a difference is
never more than a reason to read the deployment itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nvcf_client.models import Deployment
from nvcf_operator.core.diff import oddities

Numbers = tuple[str, int, int]
"""Id of a GPU specification (empty when it has none), fewest and most instances."""


@dataclass(frozen=True, slots=True)
class DeploymentFingerprint:
    """A deployment in short."""

    deployment_id: str | None
    specifications: tuple[Numbers, ...]
    """Sorted, since their order is arbitrary; empty when nothing is known of them."""


def deployment_fingerprint(
    deployment_id: str | None, specifications: Iterable[tuple[str | None, int | None, int | None]]
) -> DeploymentFingerprint:
    """Make a fingerprint of an id, and of id, minimum and maximum of each specification."""
    numbers = [
        (name or "", least, most) for name, least, most in specifications if least is not None and most is not None
    ]
    return DeploymentFingerprint(deployment_id, tuple(sorted(numbers)))


def fingerprint_of(deployment: Deployment) -> DeploymentFingerprint:
    """The fingerprint of a deployment as NVCF shows it. Of specifications that cannot all be read nothing is known."""
    if not oddities.all_listed(deployment):
        return DeploymentFingerprint(deployment.deployment_id, ())
    return deployment_fingerprint(
        deployment.deployment_id,
        (
            (item.gpu_specification_id, item.min_instances, item.max_instances)
            for item in deployment.deployment_specifications
        ),
    )


def differ(one: DeploymentFingerprint, other: DeploymentFingerprint) -> bool:
    """Whether two fingerprints contradict each other in something that both know."""
    if one.deployment_id and other.deployment_id and one.deployment_id != other.deployment_id:
        return True
    if not one.specifications or not other.specifications:
        return False
    if all(name for name, _, _ in one.specifications + other.specifications):
        return one.specifications != other.specifications
    return sorted(item[1:] for item in one.specifications) != sorted(item[1:] for item in other.specifications)
