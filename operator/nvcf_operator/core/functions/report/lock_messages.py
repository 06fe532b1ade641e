"""The messages of a CloudFunction whose versions are not changed for now, because their deployments are."""

from collections.abc import Iterable

from nvcf_operator.api.names import Key
from nvcf_operator.core.functions.report.messages import names_of


def requested(version: str, followers: Iterable[Key]) -> str:
    """A deployment of the version may be being created."""
    return (
        f"FunctionDeployment {names_of(followers)} is requesting a deployment of version {version}. Its tags and rate "
        "limit are changed after that, because NVCF would undo a change made meanwhile."
    )


def undeployed(version: str, followers: Iterable[Key]) -> str:
    """The version is taken down."""
    return (
        f"FunctionDeployment {names_of(followers)} is undeploying version {version}. Its tags and rate limit are "
        "changed after that, because NVCF would undo a change made meanwhile."
    )


def deploying(version: str) -> str:
    """The version comes up."""
    return (
        f"NVCF is deploying version {version}. Its tags and rate limit are changed after that, because NVCF would undo "
        "a change made meanwhile."
    )
