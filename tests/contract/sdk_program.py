from nvcf_client import ApiError, Client
from nvcf_client.types import models, params

specification: params.GpuSpecificationDto = {
    "backend": "string",
    "gpu": "string",
    "instance_type": "string",
    "max_instances": 2,
    "min_instances": 1,
}


def deploy(client: Client, function: models.FunctionDto) -> models.DeploymentResponse:
    return client.deployments.functions.versions.create(
        deployment_specifications=[specification],
        function_id=function.id,
        function_version_id=function.version_id,
        request_options={"timeout": 60, "additional_headers": {"x-team": "a"}},
    )


client = Client(timeout=60)
for function in client.functions.list(visibility=["private"]).functions:
    print(function.name, function.status, function.inference_url, function.health_uri)
    try:
        print(deploy(client, function).deployment.function_status)
        print(client.queues.functions.versions.get(function_id=function.id, version_id=function.version_id).queues)
    except ApiError as error:
        print(error.status_code, error.body, error.response.headers.get("content-type"))
