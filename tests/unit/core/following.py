"""Builds CloudFunctions, and FunctionDeployments that refer to one, for tests of the decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nvcf_operator.api.spec import FunctionRef
from nvcf_operator.core.model.references import FollowedFunction, resolve
from nvcf_operator.core.model.resource import Resource
from tests.unit.core.situations import ACCOUNT, FUNCTION, OTHER_VERSION, VERSION

FIRST, SECOND = VERSION, OTHER_VERSION
THIRD = "7c1e0000-0000-4000-8000-000000000003"
ELSEWHERE = "4e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
"""Another function, and a version of it."""
FUNCTION_UID = "22222222-2222-2222-2222-222222222222"

Json = Mapping[str, Any]


def registered(version: str, revision: str | None = None, generation: int | None = None) -> dict[str, Any]:
    """A version as the status of a CloudFunction shows it; with a generation as its latest one."""
    found = {"versionId": version, "hash": f"h1{version[-4:]}", "revision": revision, "generation": generation}
    return {name: value for name, value in found.items() if value is not None}


def cloud_function(
    *,
    generation: int = 1,
    function_id: str | None = FUNCTION,
    latest: Json | None = None,
    versions: Sequence[Json] = (),
    revision: str | None = None,
    stalled: bool = False,
    stalled_generation: int | None = None,
    account: str = ACCOUNT,
    uid: str = FUNCTION_UID,
    status_uid: str | None = None,
    deleting: bool = False,
) -> dict[str, Any]:
    """A CloudFunction as the API server gives it."""
    condition = {
        "type": "Stalled",
        "status": "True" if stalled else "False",
        "observedGeneration": stalled_generation or generation,
    }
    status = {"uid": status_uid or uid, "accountId": account, "conditions": [condition]}
    return {
        "metadata": {"namespace": "team", "name": "llama", "uid": uid, "generation": generation}
        | ({"deletionTimestamp": "2026-01-31T11:59:00Z"} if deleting else {}),
        "spec": {"name": "llama", **({"revision": revision} if revision else {})},
        "status": status
        | ({"functionId": function_id} if function_id else {})
        | ({"latest": dict(latest)} if latest else {})
        | ({"versions": [dict(item) for item in versions]} if versions else {}),
    }


def at(version: str, generation: int, **changes: Any) -> dict[str, Any]:
    """A CloudFunction whose version of that generation is registered."""
    return cloud_function(**{"generation": generation, "latest": registered(version, None, generation), **changes})


def following(resource: Resource, obj: Json | None, *, revision: str | None = None, settle_left: float = 0) -> Resource:
    """The resource with a reference in place of its ids, as that CloudFunction resolves it."""
    assert resource.spec is not None, "it can be read"
    ref = FunctionRef(name="llama", revision=revision)
    spec = resource.spec.model_copy(update={"function_id": None, "function_version_id": None, "function_ref": ref})
    function = FollowedFunction.read(obj) if obj is not None else None
    reference = replace(resolve(ref, function, resource.status, settle=5.0), settle_left=settle_left)
    return replace(resource, spec=spec, reference=reference)
