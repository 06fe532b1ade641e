"""Calls about functions and their versions."""

from collections.abc import Iterable
from typing import Any

from nvcf_client.call_options import RequestOptions
from nvcf_client.endpoints.arguments import strictly
from nvcf_client.models import FunctionDefinition
from nvcf_client.requests import Request, json_of, nothing, path_of
from nvcf_client.responses import FunctionIdsResponse, FunctionResponse, FunctionsResponse, reading

REGISTER_TIMEOUT = 120.0
"""Seconds for a POST of a function or version: each registry that is asked for an artifact has 10 s."""

REGISTRATIONS = ("create_function", "create_function_version")
"""The calls that register a version. A 401, 403 or 404 of theirs may be a registry's."""


def list_functions(
    *, visibility: str | Iterable[str] | None = None, request_options: RequestOptions | None = None
) -> Request[FunctionsResponse]:
    """List every version of every function that the key may see, with its status: `GET /functions`.

    One answer, unpaginated. What a key's policy excludes is missing, so absence from this list proves nothing.

    Args:
        visibility: `private`, `authorized` or `public`, or several of them; all if not given.

    """
    return Request(
        operation="list_functions",
        method="GET",
        path=path_of("functions"),
        query=_visible(visibility),
        result=reading(FunctionsResponse),
        scope="list_functions",
    ).having(request_options)


def list_function_ids(
    *, visibility: str | Iterable[str] | None = None, request_options: RequestOptions | None = None
) -> Request[FunctionIdsResponse]:
    """List the ids of the functions that the key may see: `GET /functions/ids`."""
    return Request(
        operation="list_function_ids",
        method="GET",
        path=path_of("functions", "ids"),
        query=_visible(visibility),
        result=reading(FunctionIdsResponse),
        scope="list_functions",
    ).having(request_options)


def list_function_versions(
    *, function_id: str, request_options: RequestOptions | None = None
) -> Request[FunctionsResponse]:
    """List the versions of one function: `GET /functions/{functionId}/versions`."""
    return Request(
        operation="list_function_versions",
        method="GET",
        path=path_of("functions", function_id, "versions"),
        result=reading(FunctionsResponse),
        scope="list_functions",
    ).having(request_options)


def get_function(
    *,
    function_id: str,
    function_version_id: str,
    include_secrets: bool = False,
    request_options: RequestOptions | None = None,
) -> Request[FunctionResponse]:
    """Read one version: `GET /functions/{functionId}/versions/{functionVersionId}`.

    With the scope `list_functions_details` its `active_instances` come along.

    Args:
        function_id: id of the function.
        function_version_id: id of its version.
        include_secrets: whether the names of its secrets come along, with that same scope. It costs the server a call
            to its secret store.

    """
    return Request(
        operation="get_function",
        method="GET",
        path=path_of("functions", function_id, "versions", function_version_id),
        query=(("includeSecrets", "true" if include_secrets else "false"),),
        result=reading(FunctionResponse),
        scope="list_functions",
    ).having(request_options)


def create_function(
    *, name: str, inference_url: str, request_options: RequestOptions | None = None, **definition: Any
) -> Request[FunctionResponse]:
    """Create a function with its first version, undeployed: `POST /functions`.

    Never repeated blindly: NVCF knows no idempotency key, and names are not unique, so two POSTs are two functions.
    It asks the registries of image, chart, models and resources first, which takes up to 10 s each; the version can be
    seen only at the end. So after an unknown outcome, search the list for a tag that only this POST has.
    A 401, 403 or 404 may be a registry's answer, passed on. The timeout is 120 s.

    Args:
        name: letters, digits, `-` and `_`.
        inference_url: path (or URL) that takes the requests.
        request_options: options of this call alone.
        **definition: the other fields of `nvcf_client.models.FunctionDefinition`; `models_field` is another name of
            `models`.

    """
    return _registering(
        "create_function", path_of("functions"), request_options, name=name, inference_url=inference_url, **definition
    )


def create_function_version(
    *, function_id: str, name: str, inference_url: str, request_options: RequestOptions | None = None, **definition: Any
) -> Request[FunctionResponse]:
    """Create another version of a function, undeployed: `POST /functions/{functionId}/versions`.

    Fields, timeout and what an unknown outcome means as for `create_function`.
    """
    path = path_of("functions", function_id, "versions")
    return _registering(
        "create_function_version", path, request_options, name=name, inference_url=inference_url, **definition
    )


def delete_function(
    *, function_id: str, function_version_id: str, request_options: RequestOptions | None = None
) -> Request[None]:
    """Delete a version: `DELETE /functions/{functionId}/versions/{functionVersionId}`.

    Its deployment goes with it, by force: queued requests are lost.
    """
    return Request(
        operation="delete_function",
        method="DELETE",
        path=path_of("functions", function_id, "versions", function_version_id),
        result=nothing,
        scope="delete_function",
    ).having(request_options)


def _visible(visibility: str | Iterable[str] | None) -> tuple[tuple[str, str], ...]:
    if visibility is None:
        return ()
    return (("visibility", visibility if isinstance(visibility, str) else ",".join(visibility)),)


def _registering(
    operation: str, path: str, request_options: RequestOptions | None, **definition: Any
) -> Request[FunctionResponse]:
    if "models_field" in definition:
        if "models" in definition:
            raise ValueError("function: models and models_field are the same field; give one of them")
        definition["models"] = definition.pop("models_field")
    given = strictly(FunctionDefinition, definition, "function")
    return Request(
        operation=operation,
        method="POST",
        path=path,
        body=json_of(given.to_request()),
        result=reading(FunctionResponse),
        scope="register_function",
        timeout=REGISTER_TIMEOUT,
        confidential=given.confidential(),
    ).having(request_options)
