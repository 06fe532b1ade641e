"""A cache of both kinds, and objects of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.api.function_status import FUNCTION_CONDITION_TYPES, CloudFunctionStatus
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.core.model.managed import ManagedResource
from nvcf_operator.informer.cache import Cache
from nvcf_operator.informer.deployment_digests import DEPLOYMENTS
from nvcf_operator.informer.digests import DigestRules
from nvcf_operator.informer.function_digests import functions

FUNCTION, VERSION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a", "7c1e0000-0000-4000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class Function(ManagedResource[CloudFunctionSpec, CloudFunctionStatus]):
    """As little of a CloudFunction as the cache and the loop need."""

    SPEC = CloudFunctionSpec
    STATUS = CloudFunctionStatus
    KIND = CLOUD_FUNCTION
    CONDITION_TYPES = FUNCTION_CONDITION_TYPES


def generation_of(obj: Mapping[str, Any]) -> int:
    """What followers read of it here."""
    return int(obj["metadata"]["generation"])


BOTH: Mapping[Kind, DigestRules] = {
    FUNCTION_DEPLOYMENT: DEPLOYMENTS,
    CLOUD_FUNCTION: functions(Function.read, generation_of),
}


def cache_of_both(concerned: Callable[[Key], None] = lambda key: None) -> Cache:
    return Cache(concerned, rules=BOTH)


def function_key(name: str, namespace: str = "team") -> Key:
    return Key(namespace, name, CLOUD_FUNCTION)


def function(
    version: int,
    name: str = "llama",
    *,
    status: dict[str, Any] | None = None,
    called: str = "llama",
    adopts: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A CloudFunction, as the API server gives it."""
    template = {"inferenceUrl": "/v1", "containerImage": "nvcr.io/org/llama:1"}
    spec = {"name": called, "template": template, **(adopts or {})}
    return {
        "kind": "CloudFunction",
        "metadata": _metadata(version, name, metadata),
        "spec": spec,
        "status": status or {},
    }


def registered(*versions: str, function_id: str = FUNCTION) -> dict[str, Any]:
    """The status of a CloudFunction with these versions, the latest first."""
    found = [{"versionId": version, "hash": "h1"} for version in versions]
    return {"functionId": function_id, "latest": found[0], "versions": found}


def deployment(
    version: int, name: str, *, follows: str | None = None, status: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    """A FunctionDeployment, as the API server gives it."""
    ids = {"functionId": FUNCTION, "functionVersionId": VERSION}
    spec: dict[str, Any] = ids if follows is None else {"functionRef": {"name": follows}}
    spec |= {"deploymentSpecifications": [{"gpu": "L40S", "minInstances": 1, "maxInstances": 2}]}
    meta = _metadata(version, name, metadata)
    return {"kind": "FunctionDeployment", "metadata": meta, "spec": spec, "status": status or {}}


def _metadata(version: int, name: str, more: dict[str, Any]) -> dict[str, Any]:
    known = {"namespace": "team", "name": name, "uid": f"uid-{name}", "resourceVersion": str(version), "generation": 1}
    return known | more
