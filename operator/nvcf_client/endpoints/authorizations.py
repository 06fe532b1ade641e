"""Calls about which other accounts may invoke a function: all its versions, or one.

NVCF rewrites rows of versions at each change, so make one call at a time for a function. Public functions are refused.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from nvcf_client.call_options import RequestOptions
from nvcf_client.endpoints.arguments import strictly
from nvcf_client.models import AuthorizedParty
from nvcf_client.requests import Request, json_of, path_of
from nvcf_client.responses import AuthorizedPartiesListResponse, AuthorizedPartiesResponse, reading

SCOPE = "authorize_clients"

PartyInput = AuthorizedParty | Mapping[str, Any]
"""An account that may invoke a function, as a caller may give it: the model, or a mapping with `nca_id`."""


def get_authorizations(
    *, function_id: str, function_version_id: str, request_options: RequestOptions | None = None
) -> Request[AuthorizedPartiesResponse]:
    """Read who may invoke a version: `GET /authorizations/functions/{functionId}/versions/{functionVersionId}`."""
    return Request(
        operation="get_authorizations",
        method="GET",
        path=_of(function_id, function_version_id),
        result=reading(AuthorizedPartiesResponse),
        scope=SCOPE,
    ).having(request_options)


def list_authorizations(
    *, function_id: str, request_options: RequestOptions | None = None
) -> Request[AuthorizedPartiesListResponse]:
    """Read who may invoke each version of a function: `GET /authorizations/functions/{functionId}`."""
    return Request(
        operation="list_authorizations",
        method="GET",
        path=_of(function_id),
        result=reading(AuthorizedPartiesListResponse),
        scope=SCOPE,
    ).having(request_options)


def authorize_function(
    *, function_id: str, authorized_parties: Iterable[PartyInput], request_options: RequestOptions | None = None
) -> Request[AuthorizedPartiesResponse]:
    """Replace the accounts that may invoke all versions: `POST /authorizations/functions/{functionId}`.

    Args:
        function_id: id of the function.
        authorized_parties: at least one `AuthorizedParty`, or mapping with `nca_id`; each account once.
        request_options: options of this call alone.

    """
    body = {"authorizedParties": _parties(authorized_parties)}
    return _writing("authorize_function", "POST", _of(function_id), body).having(request_options)


def authorize_function_version(
    *,
    function_id: str,
    function_version_id: str,
    authorized_parties: Iterable[PartyInput],
    request_options: RequestOptions | None = None,
) -> Request[AuthorizedPartiesResponse]:
    """Replace the accounts that may invoke a version: `POST /authorizations/functions/{functionId}/versions/{...}`."""
    body = {"authorizedParties": _parties(authorized_parties)}
    path = _of(function_id, function_version_id)
    return _writing("authorize_function_version", "POST", path, body).having(request_options)


def add_authorization(
    *, function_id: str, authorized_party: PartyInput, request_options: RequestOptions | None = None
) -> Request[AuthorizedPartiesResponse]:
    """Let one more account invoke all versions: `PATCH /authorizations/functions/{functionId}/add`.

    `NotFound` while no account is authorized: the first ones are given to `authorize_function`.
    """
    path = f"{_of(function_id)}/add"
    return _writing("add_authorization", "PATCH", path, _party(authorized_party)).having(request_options)


def add_version_authorization(
    *,
    function_id: str,
    function_version_id: str,
    authorized_party: PartyInput,
    request_options: RequestOptions | None = None,
) -> Request[AuthorizedPartiesResponse]:
    """Let one more account invoke a version: `PATCH /authorizations/functions/{functionId}/versions/{...}/add`.

    `NotFound` while no account is authorized: the first ones are given to `authorize_function_version`.
    """
    path = f"{_of(function_id, function_version_id)}/add"
    return _writing("add_version_authorization", "PATCH", path, _party(authorized_party)).having(request_options)


def remove_authorization(
    *, function_id: str, authorized_party: PartyInput, request_options: RequestOptions | None = None
) -> Request[AuthorizedPartiesResponse]:
    """Let an account invoke all versions no more: `PATCH /authorizations/functions/{functionId}/remove`."""
    path = f"{_of(function_id)}/remove"
    return _writing("remove_authorization", "PATCH", path, _party(authorized_party)).having(request_options)


def remove_version_authorization(
    *,
    function_id: str,
    function_version_id: str,
    authorized_party: PartyInput,
    request_options: RequestOptions | None = None,
) -> Request[AuthorizedPartiesResponse]:
    """Let an account invoke a version no more: `PATCH /authorizations/functions/{functionId}/versions/{...}/remove`."""
    path = f"{_of(function_id, function_version_id)}/remove"
    return _writing("remove_version_authorization", "PATCH", path, _party(authorized_party)).having(request_options)


def unauthorize_function(
    *, function_id: str, request_options: RequestOptions | None = None
) -> Request[AuthorizedPartiesResponse]:
    """Leave all versions to their owner: `DELETE /authorizations/functions/{functionId}`."""
    return _writing("unauthorize_function", "DELETE", _of(function_id), None).having(request_options)


def unauthorize_function_version(
    *, function_id: str, function_version_id: str, request_options: RequestOptions | None = None
) -> Request[AuthorizedPartiesResponse]:
    """Leave a version to its owner: `DELETE /authorizations/functions/{functionId}/versions/{functionVersionId}`."""
    path = _of(function_id, function_version_id)
    return _writing("unauthorize_function_version", "DELETE", path, None).having(request_options)


def _of(function_id: str, function_version_id: str | None = None) -> str:
    version = () if function_version_id is None else ("versions", function_version_id)
    return path_of("authorizations", "functions", function_id, *version)


def _parties(given: Iterable[PartyInput]) -> list[dict[str, Any]]:
    if isinstance(given, (str, bytes, Mapping, AuthorizedParty)) or not isinstance(given, Iterable):
        raise TypeError(f"authorized_parties: must be a list, not {type(given).__name__}")
    parties = [
        strictly(AuthorizedParty, item, f"authorized_parties[{index}]").to_json() for index, item in enumerate(given)
    ]
    if not parties:
        raise ValueError("authorized_parties: must hold at least one account; delete() leaves it to its owner")
    return parties


def _party(given: PartyInput) -> dict[str, Any]:
    return {"authorizedParty": strictly(AuthorizedParty, given, "authorized_party").to_json()}


def _writing(
    operation: str, method: str, path: str, body: Mapping[str, Any] | None
) -> Request[AuthorizedPartiesResponse]:
    return Request(
        operation=operation,
        method=method,
        path=path,
        body=None if body is None else json_of(body),
        result=reading(AuthorizedPartiesResponse),
        scope=SCOPE,
    )
