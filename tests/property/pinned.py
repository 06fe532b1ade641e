"""Stories whose resources pin versions of a CloudFunction in place of naming ids: what holds of ids holds of them.

The books and oracles read the ids of a manifest. So they stay in the objects of the model, and the operator's cache
does not show them where there is a reference.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.references import FollowedFunction, RegisteredVersion
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import ACCOUNT, FUNCTION, VERSIONS
from tests.property.operator_process import OperatorProcess
from tests.property.story import Story

REGISTERED = tuple(RegisteredVersion(version, f"h1{version[-1]}", version[-1], None) for version in VERSIONS)


class Pinning(Cluster):
    """A cluster whose manifests pin the version that they name."""

    def create(self, key: Key, spec: dict[str, Any], like: Mapping[str, Any] | None = None) -> None:
        super().create(key, spec | _reference(spec), like)

    def edit(self, key: Key, **changes: Any) -> bool:
        return super().edit(key, **changes | _reference(changes))


def _reference(spec: Mapping[str, Any]) -> dict[str, Any]:
    if "functionVersionId" not in spec:
        return {}
    return {"functionRef": {"name": "llama", "revision": spec["functionVersionId"][-1]}}


@dataclass(slots=True)
class AllRegistered:
    """A CloudFunction in each namespace, with all versions."""

    cluster: Cluster

    def function(self, key: Key) -> FollowedFunction | None:
        return FollowedFunction(
            uid=f"uid-{key}",
            generation=3,
            function_id=FUNCTION,
            account_id=ACCOUNT,
            revision=REGISTERED[-1].revision,
            latest=REGISTERED[-1],
            versions=REGISTERED,
            stalled=False,
        )

    def followers(self, function_id: str) -> Iterable[Key]:
        return tuple(self.cluster.objects)


class Pinned(Story):
    """What can happen to resources that pin versions."""

    def __init__(self) -> None:
        super().__init__()
        self.operator.close()
        self.cluster = Pinning()
        self.books.cluster = self.cluster
        self.operator = OperatorProcess(self.cluster, self.account, AllRegistered(self.cluster))
