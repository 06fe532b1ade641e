"""What of a deployment's answer could not be read, and whether a decision needs it.

An odd value is no difference: nothing is written, and nothing taken down, because of a field that cannot be read.
"""

from collections.abc import Sequence

from nvcf_client.models import Deployment
from nvcf_operator.api.spec import DeploymentSpecification

SPECIFICATIONS = "deploymentSpecifications"

REPEATED_BY_PUT = frozenset({f"{SPECIFICATIONS}.backend", f"{SPECIFICATIONS}.clusters"})
"""What a PUT has to repeat exactly as it is deployed."""


def of_comparison(wanted: Sequence[DeploymentSpecification], deployment: Deployment) -> tuple[str, ...]:
    """What cannot be read of a deployment and is wanted to compare it with a manifest, by NVCF's names."""
    if not deployment.unreadable:
        return ()
    names = {name for item in wanted for name in item.to_dict()}
    if "autoscalingConfigurationPolicy" in names:
        names.add("autoscalingConfiguration")
    needed = {SPECIFICATIONS, *(f"{SPECIFICATIONS}.{name}" for name in names)}
    return tuple(sorted(deployment.unreadable & needed))


def of_put(deployment: Deployment) -> tuple[str, ...]:
    """What cannot be read of a deployment and a PUT has to repeat, by NVCF's names."""
    return tuple(sorted(deployment.unreadable & REPEATED_BY_PUT))


def all_listed(deployment: Deployment) -> bool:
    """Whether the answer held all specifications in a form that can be read."""
    return SPECIFICATIONS not in deployment.unreadable
