"""Calls about what surrounds functions in an account: queues, who may invoke, and where one can deploy."""

from nvcf_client.requests import Request, path_of
from nvcf_client.responses import AuthorizedPartiesResponse, ClusterGroupsResponse, QueuesResponse, reading


def get_queue(*, function_id: str, function_version_id: str) -> Request[QueuesResponse]:
    """Read the length of a version's queue: `GET /queues/functions/{functionId}/versions/{functionVersionId}`.

    `NotFound` unless the version is deployed and not draining.
    """
    return Request(
        operation="get_queue",
        method="GET",
        path=path_of("queues", "functions", function_id, "versions", function_version_id),
        result=reading(QueuesResponse),
        scope="queue_details",
    )


def list_queues(*, function_id: str) -> Request[QueuesResponse]:
    """Read the lengths of the queues of all versions of a function: `GET /queues/functions/{functionId}`."""
    return Request(
        operation="list_queues",
        method="GET",
        path=path_of("queues", "functions", function_id),
        result=reading(QueuesResponse),
        scope="queue_details",
    )


def get_authorizations(*, function_id: str, function_version_id: str) -> Request[AuthorizedPartiesResponse]:
    """Read who may invoke a version: `GET /authorizations/functions/{functionId}/versions/{functionVersionId}`."""
    return Request(
        operation="get_authorizations",
        method="GET",
        path=path_of("authorizations", "functions", function_id, "versions", function_version_id),
        result=reading(AuthorizedPartiesResponse),
        scope="authorize_clients",
    )


def list_cluster_groups() -> Request[ClusterGroupsResponse]:
    """List where one can deploy: `GET /clusterGroups`. Deprecated; the direct API forbids it to API keys."""
    return Request(
        operation="list_cluster_groups",
        method="GET",
        path=path_of("clusterGroups"),
        result=reading(ClusterGroupsResponse),
        scope="list_cluster_groups",
    )
