"""The tree of calls, `client.deployments.functions.versions.create(...)`, the same for both clients."""

from typing import TYPE_CHECKING, Generic

from nvcf_client import endpoints
from nvcf_client.calls import Branch, Call, Grown, S


class DeploymentVersions(Branch[S]):
    """`client.deployments.functions.versions`: the deployment of one version of a function."""

    create = Call(endpoints.create_deployment)
    get = Call(endpoints.get_deployment)
    update = Call(endpoints.update_deployment)
    delete = Call(endpoints.delete_deployment)


class DeploymentFunctions(Branch[S]):
    """`client.deployments.functions`."""

    versions: DeploymentVersions[S]


class GpuSpecifications(Branch[S]):
    """`client.deployments.gpu_specifications`: single specifications of a deployment."""

    update = Call(endpoints.update_gpu_specification)


class Deployments(Branch[S]):
    """`client.deployments`."""

    get = Call(endpoints.get_deployment_by_id)
    list = Call(endpoints.list_deployments)

    functions: DeploymentFunctions[S]
    gpu_specifications: GpuSpecifications[S]


class FunctionVersions(Branch[S]):
    """`client.functions.versions`."""

    list = Call(endpoints.list_function_versions)
    get = Call(endpoints.get_function)
    create = Call(endpoints.create_function_version)
    update = Call(endpoints.update_function)
    delete = Call(endpoints.delete_function)


class FunctionIds(Branch[S]):
    """`client.functions.ids`."""

    list = Call(endpoints.list_function_ids)


class Functions(Branch[S]):
    """`client.functions`."""

    list = Call(endpoints.list_functions)
    create = Call(endpoints.create_function)

    versions: FunctionVersions[S]
    ids: FunctionIds[S]


class QueueVersions(Branch[S]):
    """`client.queues.functions.versions`."""

    get = Call(endpoints.get_queue)


class QueueFunctions(Branch[S]):
    """`client.queues.functions`."""

    get = Call(endpoints.list_queues)

    versions: QueueVersions[S]


class QueuePosition(Branch[S]):
    """`client.queues.position`."""

    list = Call(endpoints.get_queue_position)


class Queues(Branch[S]):
    """`client.queues`."""

    functions: QueueFunctions[S]
    position: QueuePosition[S]


class MetadataVersions(Branch[S]):
    """`client.metadata.functions.versions`."""

    update = Call(endpoints.update_function_metadata)


class MetadataFunctions(Branch[S]):
    """`client.metadata.functions`."""

    versions: MetadataVersions[S]


class Metadata(Branch[S]):
    """`client.metadata`."""

    functions: MetadataFunctions[S]


class SecretVersions(Branch[S]):
    """`client.secrets.functions.versions`."""

    update = Call(endpoints.update_function_secrets)


class SecretFunctions(Branch[S]):
    """`client.secrets.functions`."""

    versions: SecretVersions[S]


class Secrets(Branch[S]):
    """`client.secrets`."""

    functions: SecretFunctions[S]


class RateLimitVersions(Branch[S]):
    """`client.ratelimit.functions.versions`."""

    update = Call(endpoints.update_rate_limit)
    delete = Call(endpoints.delete_rate_limit)


class RateLimitFunctions(Branch[S]):
    """`client.ratelimit.functions`."""

    versions: RateLimitVersions[S]


class RateLimits(Branch[S]):
    """`client.ratelimit`."""

    functions: RateLimitFunctions[S]


class VersionAuthorizationsAdd(Branch[S]):
    """`client.authorizations.functions.versions.add`."""

    patch = Call(endpoints.add_version_authorization)


class VersionAuthorizationsRemove(Branch[S]):
    """`client.authorizations.functions.versions.remove`."""

    patch = Call(endpoints.remove_version_authorization)


class AuthorizationVersions(Branch[S]):
    """`client.authorizations.functions.versions`."""

    create = Call(endpoints.authorize_function_version)
    get = Call(endpoints.get_authorizations)
    delete = Call(endpoints.unauthorize_function_version)

    add: VersionAuthorizationsAdd[S]
    remove: VersionAuthorizationsRemove[S]


class AuthorizationsAdd(Branch[S]):
    """`client.authorizations.functions.add`."""

    patch = Call(endpoints.add_authorization)


class AuthorizationsRemove(Branch[S]):
    """`client.authorizations.functions.remove`."""

    patch = Call(endpoints.remove_authorization)


class AuthorizationFunctions(Branch[S]):
    """`client.authorizations.functions`."""

    create = Call(endpoints.authorize_function)
    get = Call(endpoints.list_authorizations)
    delete = Call(endpoints.unauthorize_function)

    versions: AuthorizationVersions[S]
    add: AuthorizationsAdd[S]
    remove: AuthorizationsRemove[S]


class Authorizations(Branch[S]):
    """`client.authorizations`."""

    functions: AuthorizationFunctions[S]


class ClusterGroups(Branch[S]):
    """`client.cluster_groups`."""

    list = Call(endpoints.list_cluster_groups)


class AvailableInstanceTypes(Branch[S]):
    """`client.catalogue.available_instance_types`."""

    list = Call(endpoints.list_available_instance_types)


class InstanceTypes(Branch[S]):
    """`client.catalogue.instance_types`."""

    list = Call(endpoints.list_instance_types)


class QuotaRules(Branch[S]):
    """`client.catalogue.quota_rules`."""

    list = Call(endpoints.list_quota_rules)


class Catalogue(Branch[S]):
    """`client.catalogue`: what can be deployed where, by NGC's organisation URLs."""

    available_instance_types: AvailableInstanceTypes[S]
    instance_types: InstanceTypes[S]
    quota_rules: QuotaRules[S]


NOT_OFFERED = {
    "assets": "upload files for an invocation with any HTTP client: POST /v2/nvcf/assets",
    "exec": "send invocations with any HTTP client: POST /v2/nvcf/pexec/functions/{functionId}",
    "pexec": "send invocations with any HTTP client: POST /v2/nvcf/pexec/functions/{functionId}",
    "health": "ask functions.list() whether the service answers and the key is accepted",
    "nvcf": "leave the word out: its calls are the client's own, such as functions.list()",
}
"""Branches that other SDKs for NVCF have, and what takes their place."""


class Tree(Grown, Generic[S]):
    """All branches, for a client to inherit. They follow the paths of the API."""

    deployments: Deployments[S]
    functions: Functions[S]
    queues: Queues[S]
    metadata: Metadata[S]
    secrets: Secrets[S]
    ratelimit: RateLimits[S]
    authorizations: Authorizations[S]
    cluster_groups: ClusterGroups[S]
    catalogue: Catalogue[S]

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            instead = NOT_OFFERED.get(name)
            if instead is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise AttributeError(f"this client manages functions and has no {name!r}: {instead}")
