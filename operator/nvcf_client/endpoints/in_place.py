"""Calls that change a function version in place: tags, rate limit, and the values of its secrets.

NVCF rewrites the whole row of a version at each of these but a rotation of secrets. So make one call at a time for a
version, deployment included, and read the version after an unknown outcome before the next.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from nvcf_client.call_options import RequestOptions
from nvcf_client.endpoints.arguments import strictly
from nvcf_client.models import RateLimit, Secret
from nvcf_client.models.functions import confidential, to_request
from nvcf_client.requests import Request, json_of, nothing, path_of
from nvcf_client.responses import FunctionResponse, reading

RateLimitInput = RateLimit | Mapping[str, Any]
"""A rate limit as a caller may give it: the model, or a mapping with snake_case or NVCF's own names."""

SecretInput = Secret | Mapping[str, Any]
"""A secret as a caller may give it: the model, or a mapping with `name` and `value`."""


def update_function(
    *,
    function_id: str,
    function_version_id: str,
    tags: Iterable[str] | None = None,
    rate_limit: RateLimitInput | None = None,
    request_options: RequestOptions | None = None,
) -> Request[FunctionResponse]:
    """Replace tags or rate limit: `PUT /functions/{functionId}/versions/{functionVersionId}`.

    What is not given stays. A server that lacks this path is called at its deprecated one,
    `/metadata/functions/{functionId}/versions/{functionVersionId}`, and the client remembers that.

    Args:
        function_id: id of the function.
        function_version_id: id of its version.
        tags: all tags that the version is to have; an empty list clears them.
        rate_limit: the whole rate limit. It cannot be cleared here, see `delete_rate_limit`.

    """
    if isinstance(tags, str):
        raise TypeError("tags: must be a list of texts, not str")
    body: dict[str, Any] = {} if tags is None else {"tags": list(tags)}
    if rate_limit is not None:
        body["rateLimit"] = strictly(RateLimit, rate_limit, "rate_limit").to_json()
    if not body:
        raise ValueError("nothing to change: give tags or rate_limit")
    version = ("functions", function_id, "versions", function_version_id)
    return Request(
        operation="update_function",
        method="PUT",
        path=path_of(*version),
        other_path=path_of("metadata", *version),
        body=json_of(body),
        result=reading(FunctionResponse),
        scope="update_function",
    ).having(request_options)


def update_function_metadata(
    *, function_id: str, function_version_id: str, tags: Iterable[str], request_options: RequestOptions | None = None
) -> Request[FunctionResponse]:
    """Replace the tags of a version: `PUT /metadata/functions/{functionId}/versions/{functionVersionId}`.

    Deprecated in NVCF: `update_function` uses this path where a server has no other.
    """
    if isinstance(tags, str):
        raise TypeError("tags: must be a list of texts, not str")
    return Request(
        operation="update_function_metadata",
        method="PUT",
        path=path_of("metadata", "functions", function_id, "versions", function_version_id),
        body=json_of({"tags": list(tags)}),
        result=reading(FunctionResponse),
        scope="update_function",
    ).having(request_options)


def update_function_secrets(
    *,
    function_id: str,
    function_version_id: str,
    secrets: Iterable[SecretInput],
    request_options: RequestOptions | None = None,
) -> Request[None]:
    """Set secrets of a version: `PUT /secrets/functions/{functionId}/versions/{functionVersionId}`.

    The server merges by name: a secret that is not given stays, and none can be removed. A version that has no secrets
    takes its first ones only while INACTIVE. Running instances see new values within about 12 minutes.

    Args:
        function_id: id of the function.
        function_version_id: id of its version.
        secrets: at least one `Secret`, or mapping with `name` and `value`; each name once.

    """
    given = to_secrets(secrets)
    if not given:
        raise ValueError("secrets: must hold at least one secret")
    return Request(
        operation="update_function_secrets",
        method="PUT",
        path=path_of("secrets", "functions", function_id, "versions", function_version_id),
        body=json_of({"secrets": [to_request(secret) for secret in given]}),
        result=nothing,
        scope="update_secrets",
        confidential=confidential(given),
    ).having(request_options)


def update_rate_limit(
    *,
    function_id: str,
    function_version_id: str,
    rate_limit: RateLimitInput,
    request_options: RequestOptions | None = None,
) -> Request[None]:
    """Replace the rate limit: `PUT /ratelimit/functions/{functionId}/versions/{functionVersionId}`.

    Deprecated in NVCF: `update_function` does the same.
    """
    return Request(
        operation="update_rate_limit",
        method="PUT",
        path=path_of("ratelimit", "functions", function_id, "versions", function_version_id),
        body=json_of({"rateLimit": strictly(RateLimit, rate_limit, "rate_limit").to_json()}),
        result=nothing,
        scope="update_function",
    ).having(request_options)


def delete_rate_limit(
    *, function_id: str, function_version_id: str, request_options: RequestOptions | None = None
) -> Request[None]:
    """Remove the rate limit: `DELETE /ratelimit/functions/{functionId}/versions/{functionVersionId}`.

    The only way to clear it. A version that has none answers the same.
    """
    return Request(
        operation="delete_rate_limit",
        method="DELETE",
        path=path_of("ratelimit", "functions", function_id, "versions", function_version_id),
        result=nothing,
        scope="update_function",
    ).having(request_options)


def to_secrets(secrets: Iterable[SecretInput]) -> tuple[Secret, ...]:
    """The secrets as models.

    Raises:
        TypeError, ValueError: what is given is no list of secrets, or has a name twice. The text shows no value.

    """
    if isinstance(secrets, (str, bytes, Mapping, Secret)):
        raise TypeError(f"secrets: must be a list, not {type(secrets).__name__}")
    given = tuple(strictly(Secret, item, f"secrets[{index}]") for index, item in enumerate(secrets))
    names = [item.name for item in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"secrets: {', '.join(twice)} is there twice")
    return given
