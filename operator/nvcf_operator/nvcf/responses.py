"""The bodies of successful answers, each with the one object or list that it wraps."""

from nvcf_operator.nvcf.models import Deployment, Function, GpuSpecification, Model, Queue


class DeploymentResponse(Model):
    """Answer of the calls that make, read or change a deployment."""

    deployment: Deployment


class DeploymentsResponse(Model):
    """Answer of the list of an account's deployments."""

    deployments: tuple[Deployment, ...]


class GpuSpecificationResponse(Model):
    """Answer of the change of one GPU specification."""

    gpu_specification: GpuSpecification


class FunctionResponse(Model):
    """Answer of the calls about one function version, and of the deletion of its deployment."""

    function: Function


class FunctionsResponse(Model):
    """Answer of the lists of function versions."""

    functions: tuple[Function, ...]


class FunctionIdsResponse(Model):
    """Answer of the list of function ids."""

    function_ids: tuple[str, ...]


class QueuesResponse(Model):
    """Answer of the calls about request queues."""

    function_id: str
    queues: tuple[Queue, ...]


class AuthorizedParty(Model):
    """An account, or one client of it, that may invoke a function."""

    nca_id: str
    client_id: str | None = None


class AuthorizedFunction(Model):
    """A function or one version of it, and who beside its owner may invoke it."""

    id: str
    nca_id: str
    version_id: str | None = None
    authorized_parties: tuple[AuthorizedParty, ...] | None = None


class AuthorizedPartiesResponse(Model):
    """Answer of the call about who may invoke a function."""

    function: AuthorizedFunction


class InstanceType(Model):
    """A kind of machine with a GPU; `name` is what a GPU specification takes as `instance_type`."""

    name: str
    description: str | None = None
    default: bool | None = None


class Gpu(Model):
    """A GPU and the machines that have it; `name` is what a GPU specification takes as `gpu`."""

    name: str
    instance_types: tuple[InstanceType, ...] | None = None


class ClusterGroup(Model):
    """A group of clusters; `name` is what a GPU specification takes as `backend`."""

    id: str | None = None
    name: str
    nca_id: str | None = None
    gpus: tuple[Gpu, ...] | None = None


class ClusterGroupsResponse(Model):
    """Answer of the list of cluster groups."""

    cluster_groups: tuple[ClusterGroup, ...]
