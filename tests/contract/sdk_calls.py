"""The calls of the SDK `nvidia_cloud_functions` 0.1.4 (Sideko, February 2025), with all their arguments, as facts.

`request_options` is an argument of every one of them. Results are by the attributes that a program may read.
"""

FUNCTION = (
    "inference_url name api_body_format container_args container_environment container_image health_uri helm_chart "
    "helm_chart_service_name inference_port models_field resources"
)
PARTIES = "authorized_parties function_id"
PARTY = "authorized_party function_id"
VERSION = "function_id function_version_id"
SPECIFICATIONS = f"deployment_specifications {VERSION}"

CALLS = {
    "authorizations.functions.add.patch": PARTY,
    "authorizations.functions.create": PARTIES,
    "authorizations.functions.delete": "function_id",
    "authorizations.functions.get": "function_id",
    "authorizations.functions.remove.patch": PARTY,
    "authorizations.functions.versions.add.patch": f"{PARTY} function_version_id",
    "authorizations.functions.versions.create": f"{PARTIES} function_version_id",
    "authorizations.functions.versions.delete": VERSION,
    "authorizations.functions.versions.get": VERSION,
    "authorizations.functions.versions.remove.patch": f"{PARTY} function_version_id",
    "cluster_groups.list": "",
    "deployments.functions.versions.create": SPECIFICATIONS,
    "deployments.functions.versions.delete": f"{VERSION} graceful",
    "deployments.functions.versions.get": VERSION,
    "deployments.functions.versions.update": SPECIFICATIONS,
    "functions.create": FUNCTION,
    "functions.ids.list": "visibility",
    "functions.list": "visibility",
    "functions.versions.create": f"function_id {FUNCTION}",
    "functions.versions.delete": VERSION,
    "functions.versions.get": VERSION,
    "functions.versions.list": "function_id",
    "queues.functions.get": "function_id",
    "queues.functions.versions.get": "function_id version_id",
    "queues.position.list": "request_id",
}
"""Those that this client has as well."""

NOT_OFFERED = (
    "assets.create",
    "assets.delete",
    "assets.get",
    "assets.list",
    "exec.functions.create",
    "exec.functions.versions.create",
    "exec.status.get",
    "pexec.functions.create",
    "pexec.functions.versions.create",
    "pexec.status.get",
)

RESULTS = {
    "function": (
        "active_instances api_body_format container_args container_environment container_image created_at health_uri "
        "helm_chart helm_chart_service_name id inference_port inference_url models_field name nca_id "
        "owned_by_different_account resources status version_id"
    ),
    "deployment": (
        "deployment_specifications function_id function_status function_version_id health_info nca_id request_queue_url"
    ),
    "specification": (
        "availability_zones backend configuration gpu instance_type max_instances max_request_concurrency min_instances"
    ),
    "health_info": "backend error gpu instance_type sis_request_id",
    "instance": (
        "backend function_id function_version_id gpu instance_created_at instance_id instance_status instance_type "
        "instance_updated_at location nca_id sis_request_id"
    ),
    "authorized": "authorized_parties id nca_id version_id",
    "party": "client_id nca_id",
    "queues": "function_id queues",
    "queue": "function_name function_status function_version_id queue_depth",
    "position": "function_id function_version_id position_in_queue",
    "cluster_group": "authorized_nca_ids clusters gpus id name nca_id",
    "cluster": "id k8s_version name",
    "gpu": "instance_types name",
    "instance_type": "default description name",
    "artifact": "name uri version",
    "variable": "key value",
}

MODELS = (
    "ArtifactDto AuthorizedPartiesByFunctionDto AuthorizedPartiesResponse AuthorizedPartyDto Cluster ClusterGroup "
    "ClusterGroupsResponse ContainerEnvironmentEntryDto CreateFunctionResponse DeploymentHealthDto DeploymentResponse "
    "FunctionDeploymentDto FunctionDto FunctionResponse GetPositionInQueueResponse GetQueuesResponse Gpu "
    "GpuSpecificationDto InstanceDto InstanceType ListAuthorizedPartiesResponse ListFunctionIdsResponse "
    "ListFunctionsResponse QueueDto"
)
PARAMS = "ArtifactDto AuthorizedPartyDto ContainerEnvironmentEntryDto GpuSpecificationDto"
