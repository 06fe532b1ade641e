"""Every call of NVCF that the client knows, each a pure function from arguments to a `Request`."""

from nvcf_client.endpoints.accounts import (
    get_queue,
    get_queue_position,
    list_cluster_groups,
    list_queues,
)
from nvcf_client.endpoints.authorizations import (
    add_authorization,
    add_version_authorization,
    authorize_function,
    authorize_function_version,
    get_authorizations,
    list_authorizations,
    remove_authorization,
    remove_version_authorization,
    unauthorize_function,
    unauthorize_function_version,
)
from nvcf_client.endpoints.catalogue import (
    list_available_instance_types,
    list_instance_types,
    list_quota_rules,
)
from nvcf_client.endpoints.deployments import (
    create_deployment,
    delete_deployment,
    get_deployment,
    get_deployment_by_id,
    list_deployments,
    update_deployment,
    update_gpu_specification,
)
from nvcf_client.endpoints.functions import (
    create_function,
    create_function_version,
    delete_function,
    get_function,
    list_function_ids,
    list_function_versions,
    list_functions,
)
from nvcf_client.endpoints.in_place import (
    delete_rate_limit,
    update_function,
    update_function_metadata,
    update_function_secrets,
    update_rate_limit,
)

__all__ = [
    "add_authorization",
    "add_version_authorization",
    "authorize_function",
    "authorize_function_version",
    "create_deployment",
    "create_function",
    "create_function_version",
    "delete_deployment",
    "delete_function",
    "delete_rate_limit",
    "get_authorizations",
    "get_deployment",
    "get_deployment_by_id",
    "get_function",
    "get_queue",
    "get_queue_position",
    "list_authorizations",
    "list_available_instance_types",
    "list_cluster_groups",
    "list_deployments",
    "list_function_ids",
    "list_function_versions",
    "list_functions",
    "list_instance_types",
    "list_queues",
    "list_quota_rules",
    "remove_authorization",
    "remove_version_authorization",
    "unauthorize_function",
    "unauthorize_function_version",
    "update_deployment",
    "update_function",
    "update_function_metadata",
    "update_function_secrets",
    "update_gpu_specification",
    "update_rate_limit",
]
