"""Which scopes a key has beyond those that only read, found out by calls that NVCF refuses before it changes anything.

Each call is about a function that no account has. NVCF checks the body first, then the scope (403), then whether the
function is there (404). So the body is valid, and 404 means that the key has the scope.
"""

import asyncio
from typing import NamedTuple

from nvcf_client import endpoints
from nvcf_client.endpoints.deployments import NOWHERE
from nvcf_client.errors import MethodNotAllowed, NotFound, NvcfError
from nvcf_client.requests import Request
from nvcf_operator.commands.check_report import Outcome
from nvcf_operator.commands.read_only_client import NEW_KEY, ReadOnlyClient, error_text

REGISTER, UPDATE, SECRETS, DELETE = "register_function", "update_function", "update_secrets", "delete_function"
POLICY = "policy"

_POLICY_TEXT = (
    "not checked: NVCF does not show it, and only a registration would. A new function needs account-functions:*, a "
    "new version of function F that or function:F/*; a key with function:F/V does not see new versions"
)


class ScopeOfCloudFunctions(NamedTuple):
    """A scope that only CloudFunctions need."""

    name: str
    probe: Request[object]
    allows: str
    without: str
    """What fails without it."""


SCOPES = (
    ScopeOfCloudFunctions(
        REGISTER,
        endpoints.create_function_version(
            function_id=NOWHERE, name="nvcf-operator-check", inference_url="/", container_image="nvcr.io/none/none:0"
        ),
        "the key may register functions and versions",
        "CloudFunctions register nothing",
    ),
    ScopeOfCloudFunctions(
        UPDATE,
        endpoints.update_function(function_id=NOWHERE, function_version_id=NOWHERE, tags=["nvcf-operator-check"]),
        "the key may change tags and rate limits",
        "CloudFunctions adopt no function, and change no tags and rate limits",
    ),
    ScopeOfCloudFunctions(
        SECRETS,
        endpoints.update_function_secrets(
            function_id=NOWHERE, function_version_id=NOWHERE, secrets=[{"name": "nvcf-operator-check", "value": "none"}]
        ),
        "the key may change secrets",
        "CloudFunctions send no changed secrets; a new version is registered with its secrets all the same",
    ),
    ScopeOfCloudFunctions(
        DELETE,
        endpoints.delete_function(function_id=NOWHERE, function_version_id=NOWHERE),
        "the key may delete versions",
        "former versions stay registered, and CloudFunctions with deletionPolicy Delete cannot be deleted",
    ),
)
"""All of them, in the order in which they are reported."""

NAMES = (*(scope.name for scope in SCOPES), POLICY)


async def check_scopes(client: ReadOnlyClient) -> dict[str, tuple[Outcome, str]]:
    """The results about what CloudFunctions need, by scope."""
    found = await asyncio.gather(*(client.may(scope.probe) for scope in SCOPES))
    results = {scope.name: _result(scope, may) for scope, may in zip(SCOPES, found, strict=True)}
    return results | {POLICY: (Outcome.UNKNOWN, _POLICY_TEXT)}


def lacks(scope: str, without: str) -> str:
    """That the key lacks a scope, what fails without it, and what to do."""
    return f"the key lacks the scope {scope}: {without}. Grant it that scope, or use another key; {NEW_KEY}"


def _result(scope: ScopeOfCloudFunctions, may: bool | NvcfError) -> tuple[Outcome, str]:
    match may:
        case True:
            return Outcome.OK, scope.allows
        case False:
            return Outcome.FAILED, lacks(scope.name, scope.without)
        case MethodNotAllowed() | NotFound():
            return Outcome.UNKNOWN, f"this server does not have the call ({may.status}: {may.detail.rstrip('. ')})"
        case _:
            return Outcome.UNKNOWN, error_text(may)
