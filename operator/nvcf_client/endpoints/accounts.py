"""Calls about what surrounds functions in an account: queues, and where one can deploy."""

from nvcf_client.call_options import RequestOptions
from nvcf_client.requests import Request, path_of
from nvcf_client.responses import ClusterGroupsResponse, QueuePositionResponse, QueuesResponse, reading


def get_queue(
    *,
    function_id: str,
    function_version_id: str | None = None,
    version_id: str | None = None,
    request_options: RequestOptions | None = None,
) -> Request[QueuesResponse]:
    """Read the length of a version's queue: `GET /queues/functions/{functionId}/versions/{functionVersionId}`.

    `NotFound` unless the version is deployed and not draining.

    Args:
        function_id: id of the function.
        function_version_id: id of its version.
        version_id: another name of `function_version_id`; one of them is required.
        request_options: options of this call alone.

    """
    if (function_version_id is None) == (version_id is None):
        raise TypeError("give function_version_id, or version_id, which is the same")
    return Request(
        operation="get_queue",
        method="GET",
        path=path_of("queues", "functions", function_id, "versions", function_version_id or version_id or ""),
        result=reading(QueuesResponse),
        scope="queue_details",
    ).having(request_options)


def list_queues(*, function_id: str, request_options: RequestOptions | None = None) -> Request[QueuesResponse]:
    """Read the lengths of the queues of all versions of a function: `GET /queues/functions/{functionId}`."""
    return Request(
        operation="list_queues",
        method="GET",
        path=path_of("queues", "functions", function_id),
        result=reading(QueuesResponse),
        scope="queue_details",
    ).having(request_options)


def get_queue_position(
    *, request_id: str, request_options: RequestOptions | None = None
) -> Request[QueuePositionResponse]:
    """Read how many requests are before an invocation, of the first 1000: `GET /queues/{requestId}/position`.

    0 while it is worked on. `NotFound` for a request that NVCF does not know, `Rejected` for one that is over.
    """
    return Request(
        operation="get_queue_position",
        method="GET",
        path=path_of("queues", request_id, "position"),
        result=reading(QueuePositionResponse),
        scope="queue_details",
    ).having(request_options)


def list_cluster_groups(*, request_options: RequestOptions | None = None) -> Request[ClusterGroupsResponse]:
    """List where one can deploy: `GET /clusterGroups`. Deprecated; the direct API forbids it to API keys."""
    return Request(
        operation="list_cluster_groups",
        method="GET",
        path=path_of("clusterGroups"),
        result=reading(ClusterGroupsResponse),
        scope="list_cluster_groups",
    ).having(request_options)
