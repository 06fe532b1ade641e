"""Calls about deployments. All of them, the reading ones included, need the scope `deploy_function`."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from nvcf_client.call_options import RequestOptions
from nvcf_client.endpoints.arguments import SpecificationInput, strictly, to_post, to_put, to_specifications
from nvcf_client.models import AutoscalingConfiguration
from nvcf_client.requests import Request, json_of, path_of
from nvcf_client.responses import (
    DeploymentResponse,
    DeploymentsResponse,
    FunctionResponse,
    GpuSpecificationResponse,
    reading,
    reading_deployment_of,
)

SCOPE = "deploy_function"

NOWHERE = "00000000-0000-0000-0000-000000000000"
"""A version that no account has: who may deploy hears 404 of it, who lacks the scope 403."""

CREATE_TIMEOUT = 40.0
"""Seconds for a POST with one specification that asks for instances, or with none."""

CREATE_TIMEOUT_MORE = 30.0
"""Seconds more for each further one: a call to the allocator that is answered at all."""


class HasMinimum(Protocol):
    """A GPU specification, of a manifest, a request or an answer."""

    @property
    def min_instances(self) -> int:
        """Fewest instances that run."""


def create_deployment(
    *,
    function_id: str,
    function_version_id: str,
    deployment_specifications: Iterable[SpecificationInput],
    request_options: RequestOptions | None = None,
) -> Request[DeploymentResponse]:
    """Deploy a function version: `POST /deployments/functions/{functionId}/versions/{functionVersionId}`.

    Never repeated blindly: while a first POST may still be running, a second can win as well, and the instances of
    the loser run on. After an unknown outcome, `get` the deployment; not found means "not yet" for as long as the
    server may be at work, which is minutes: it asks its allocator for one specification after the other (see
    `create_timeout`). The request's timeout grows with them: 40 s, and 30 s more for each further
    specification with `min_instances` above 0.

    Args:
        function_id: id of the function.
        function_version_id: id of its version.
        deployment_specifications: at least one `GpuSpecification`, or mapping with its fields.

    """
    specifications = to_specifications(deployment_specifications)
    return Request(
        operation="create_deployment",
        method="POST",
        path=_of_version(function_id, function_version_id),
        body=json_of({"deploymentSpecifications": to_post(specifications)}),
        result=reading_deployment_of(function_version_id),
        scope=SCOPE,
        timeout=create_timeout(allocating(specifications)),
    ).having(request_options)


def get_deployment(
    *, function_id: str, function_version_id: str, request_options: RequestOptions | None = None
) -> Request[DeploymentResponse]:
    """Read the deployment of a version: `GET /deployments/functions/{functionId}/versions/{functionVersionId}`.

    `NotFound` means: not deployed, or no such version, or not in this key's account. While a graceful undeployment
    drains the queue, the deployment is still there, with function status INACTIVE.
    """
    return Request(
        operation="get_deployment",
        method="GET",
        path=_of_version(function_id, function_version_id),
        result=reading_deployment_of(function_version_id),
        scope=SCOPE,
    ).having(request_options)


def update_deployment(
    *,
    function_id: str,
    function_version_id: str,
    deployment_specifications: Iterable[SpecificationInput],
    request_options: RequestOptions | None = None,
) -> Request[DeploymentResponse]:
    """Change numbers of a deployment: `PUT /deployments/functions/{functionId}/versions/{functionVersionId}`.

    Changes minimum and maximum of instances and the request concurrency of every specification, and nothing else.
    Give all specifications; with several, each needs its `gpu_specification_id`. `backend` and `clusters` must be
    repeated exactly. NVCF deprecates this call in favour of the change of one GPU specification; only this one
    changes `max_request_concurrency`, and only this one exists on old servers.
    """
    return Request(
        operation="update_deployment",
        method="PUT",
        path=_of_version(function_id, function_version_id),
        body=json_of({"deploymentSpecifications": to_put(deployment_specifications)}),
        result=reading_deployment_of(function_version_id),
        scope=SCOPE,
    ).having(request_options)


def delete_deployment(
    *,
    function_id: str,
    function_version_id: str,
    graceful: bool | None = None,
    request_options: RequestOptions | None = None,
) -> Request[FunctionResponse]:
    """Undeploy a version: `DELETE /deployments/functions/{functionId}/versions/{functionVersionId}`.

    With `graceful` the version stops taking requests now and its instances go once the queue is drained, without a
    time limit; without it, they go at once and queued requests are lost. Unset, the server decides (not graceful).
    """
    return Request(
        operation="delete_deployment",
        method="DELETE",
        path=_of_version(function_id, function_version_id),
        query=() if graceful is None else (("graceful", "true" if graceful else "false"),),
        result=reading(FunctionResponse),
        scope=SCOPE,
    ).having(request_options)


def get_deployment_by_id(
    *, deployment_id: str, request_options: RequestOptions | None = None
) -> Request[DeploymentResponse]:
    """Read a deployment by its own id: `GET /deployments/{deploymentId}`."""
    return Request(
        operation="get_deployment_by_id",
        method="GET",
        path=path_of("deployments", deployment_id),
        result=reading(DeploymentResponse),
        scope=SCOPE,
    ).having(request_options)


def list_deployments(*, request_options: RequestOptions | None = None) -> Request[DeploymentsResponse]:
    """List an organisation's deployments: `GET /deployments`.

    Only below NGC's base URLs (`https://api.ngc.nvidia.com/v2/orgs/{org}/nvcf`); elsewhere `NotFound`.
    """
    return Request(
        operation="list_deployments",
        method="GET",
        path=path_of("deployments"),
        result=reading(DeploymentsResponse),
        scope=SCOPE,
    ).having(request_options)


def update_gpu_specification(
    *,
    deployment_id: str,
    gpu_specification_id: str,
    min_instances: int | None = None,
    max_instances: int | None = None,
    autoscaling_configuration: AutoscalingConfiguration | Mapping[str, Any] | None = None,
    autoscaling_configuration_policy: str | None = None,
    request_options: RequestOptions | None = None,
) -> Request[GpuSpecificationResponse]:
    """Change one specification: `PATCH /deployments/{deploymentId}/gpu-specifications/{gpuSpecificationId}`.

    Give `min_instances` and `max_instances` together: the server checks them against each other after merging.
    `autoscaling_configuration_policy="PLATFORM_CONFIGURATION"` takes a custom autoscaling away. On a server that is
    older than this call: `NotFound` with `unknown_path`, or `MethodNotAllowed`; use `update_deployment` there.
    """
    autoscaling = autoscaling_configuration
    body = {
        "minInstances": min_instances,
        "maxInstances": max_instances,
        "autoscalingConfiguration": None
        if autoscaling is None
        else strictly(AutoscalingConfiguration, autoscaling, "autoscaling_configuration").to_json(),
        "autoscalingConfigurationPolicy": autoscaling_configuration_policy,
    }
    given = {name: value for name, value in body.items() if value is not None}
    if not given:
        raise ValueError("nothing to change: give min_instances, max_instances or an autoscaling configuration")
    return Request(
        operation="update_gpu_specification",
        method="PATCH",
        path=path_of("deployments", deployment_id, "gpu-specifications", gpu_specification_id),
        body=json_of(given),
        result=reading(GpuSpecificationResponse),
        scope=SCOPE,
    ).having(request_options)


def allocating(specifications: Iterable[HasMinimum]) -> int:
    """How many of these specifications ask for instances, so how often the server asks its allocator."""
    return sum(item.min_instances > 0 for item in specifications)


def create_timeout(count: int) -> float:
    """Seconds that the client gives a POST in which `count` specifications ask for instances.

    The server asks its allocator once for each of these, one after the other: each call takes up to 30 s, and is made
    up to three times when it is answered 5xx. The row is written at the end of all that. A specification with a
    minimum of 0 is no call.

    The timeout covers an allocator that answers at its first try. One that fails and is asked again takes longer, so
    that a POST may go on in the server after its answer was given up.
    """
    return CREATE_TIMEOUT + CREATE_TIMEOUT_MORE * max(count - 1, 0)


def _of_version(function_id: str, function_version_id: str) -> str:
    return path_of("deployments", "functions", function_id, "versions", function_version_id)
