"""Calls about functions and their versions."""

from collections.abc import Iterable
from typing import Any

from nvcf_client.endpoints.arguments import strictly
from nvcf_client.models import FunctionDefinition
from nvcf_client.requests import Request, json_of, nothing, path_of
from nvcf_client.responses import FunctionIdsResponse, FunctionResponse, FunctionsResponse, reading


def list_functions(*, visibility: str | Iterable[str] | None = None) -> Request[FunctionsResponse]:
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
    )


def list_function_ids(*, visibility: str | Iterable[str] | None = None) -> Request[FunctionIdsResponse]:
    """List the ids of the functions that the key may see: `GET /functions/ids`."""
    return Request(
        operation="list_function_ids",
        method="GET",
        path=path_of("functions", "ids"),
        query=_visible(visibility),
        result=reading(FunctionIdsResponse),
        scope="list_functions",
    )


def list_function_versions(*, function_id: str) -> Request[FunctionsResponse]:
    """List the versions of one function: `GET /functions/{functionId}/versions`."""
    return Request(
        operation="list_function_versions",
        method="GET",
        path=path_of("functions", function_id, "versions"),
        result=reading(FunctionsResponse),
        scope="list_functions",
    )


def get_function(*, function_id: str, function_version_id: str) -> Request[FunctionResponse]:
    """Read one version: `GET /functions/{functionId}/versions/{functionVersionId}`.

    With the scope `list_functions_details` its `active_instances` come along. The names of its secrets are not asked
    for, which spares the server a call to its secret store.
    """
    return Request(
        operation="get_function",
        method="GET",
        path=path_of("functions", function_id, "versions", function_version_id),
        query=(("includeSecrets", "false"),),
        result=reading(FunctionResponse),
        scope="list_functions",
    )


def create_function(*, name: str, inference_url: str, **definition: Any) -> Request[FunctionResponse]:
    """Create a function with its first version, undeployed: `POST /functions`.

    Args:
        name: letters, digits, `-` and `_`.
        inference_url: path (or URL) that takes the requests.
        **definition: the other fields of `nvcf_client.models.FunctionDefinition`.

    """
    return Request(
        operation="create_function",
        method="POST",
        path=path_of("functions"),
        body=_defining(name=name, inference_url=inference_url, **definition),
        result=reading(FunctionResponse),
        scope="register_function",
    )


def create_function_version(
    *, function_id: str, name: str, inference_url: str, **definition: Any
) -> Request[FunctionResponse]:
    """Create another version of a function, undeployed: `POST /functions/{functionId}/versions`.

    Fields as for `create_function`.
    """
    return Request(
        operation="create_function_version",
        method="POST",
        path=path_of("functions", function_id, "versions"),
        body=_defining(name=name, inference_url=inference_url, **definition),
        result=reading(FunctionResponse),
        scope="register_function",
    )


def update_function_metadata(
    *, function_id: str, function_version_id: str, tags: Iterable[str]
) -> Request[FunctionResponse]:
    """Replace the tags of a version: `PUT /metadata/functions/{functionId}/versions/{functionVersionId}`."""
    if isinstance(tags, str):
        raise TypeError("tags: must be a list of texts, not str")
    return Request(
        operation="update_function_metadata",
        method="PUT",
        path=path_of("metadata", "functions", function_id, "versions", function_version_id),
        body=json_of({"tags": list(tags)}),
        result=reading(FunctionResponse),
        scope="update_function",
    )


def delete_function(*, function_id: str, function_version_id: str) -> Request[None]:
    """Delete a version: `DELETE /functions/{functionId}/versions/{functionVersionId}`.

    Its deployment goes with it, by force: queued requests are lost.
    """
    return Request(
        operation="delete_function",
        method="DELETE",
        path=path_of("functions", function_id, "versions", function_version_id),
        result=nothing,
        scope="delete_function",
    )


def _visible(visibility: str | Iterable[str] | None) -> tuple[tuple[str, str], ...]:
    if visibility is None:
        return ()
    return (("visibility", visibility if isinstance(visibility, str) else ",".join(visibility)),)


def _defining(**definition: Any) -> bytes:
    return json_of(strictly(FunctionDefinition, definition, "function").to_json())
