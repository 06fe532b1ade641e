"""Answers of which a part has another form than is known, read as the client reads them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nvcf_client.models import Deployment, Function
from nvcf_client.responses import DeploymentResponse, FunctionsResponse, reading

OF_LISTS: Mapping[str, dict[str, Any]] = {
    "an entry without status": {"status": None},
    "an entry whose id is a number": {"versionId": 7},
    "an entry with odd tags": {"tags": "x"},
}
"""Of the version's entry in the account's list."""

OF_DEPLOYMENTS: Mapping[str, dict[str, Any]] = {
    "fields that nobody needs": {"healthInfo": "text", "createdAt": 1_700_000_000},
    "a specification": {"deploymentSpecifications": [{"gpu": "L40S", "minInstances": "many"}]},
    "the deployment's id": {"deploymentId": 7},
    "the status": {"functionStatus": "HIBERNATING"},
}
"""Of the version's own deployment."""

KINDS = (*OF_LISTS, *OF_DEPLOYMENTS)

_functions, _deployment = reading(FunctionsResponse), reading(DeploymentResponse)


def functions(shown: Sequence[Function], odd: Mapping[str, str]) -> FunctionsResponse:
    """The account's list, with the oddities of the versions in it."""
    changes = [OF_LISTS.get(odd.get(item.version_id, ""), {}) for item in shown]
    if not any(changes):
        return FunctionsResponse.model_construct(functions=tuple(shown))
    entries = [item.to_json() | change for item, change in zip(shown, changes, strict=True)]
    return _functions(json.dumps({"functions": entries}).encode())


def deployment(body: Mapping[str, Any], odd: str) -> Deployment:
    """A deployment with an oddity.

    Raises:
        ValidationError: it cannot be read.

    """
    return _deployment(json.dumps({"deployment": {**body, **OF_DEPLOYMENTS.get(odd, {})}}).encode()).deployment
