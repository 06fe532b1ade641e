"""The bodies of successful answers, each with the one object or list that it wraps."""

from pydantic import PrivateAttr

from nvcf_client.models import Deployment, Function, GpuSpecification, Model, Queue


class Answered(Model):
    """The body of a successful answer."""

    _passed_over: tuple[str, ...] = PrivateAttr(default=())
    _skipped_versions: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def passed_over(self) -> tuple[str, ...]:
        """What had another form than is known and was left out, as nothing depends on it: place and why, no values."""
        return self._passed_over

    @property
    def skipped_versions(self) -> frozenset[str]:
        """Version ids of the functions that were left out of the list; an empty one where the id itself is odd."""
        return self._skipped_versions


class DeploymentResponse(Answered):
    """Answer of the calls that make, read or change a deployment."""

    deployment: Deployment


class DeploymentsResponse(Answered):
    """Answer of the list of an account's deployments."""

    deployments: tuple[Deployment, ...]


class GpuSpecificationResponse(Answered):
    """Answer of the change of one GPU specification."""

    gpu_specification: GpuSpecification


class FunctionResponse(Answered):
    """Answer of the calls about one function version, and of the deletion of its deployment."""

    function: Function


class FunctionsResponse(Answered):
    """Answer of the lists of function versions."""

    functions: tuple[Function, ...]


class FunctionIdsResponse(Answered):
    """Answer of the list of function ids."""

    function_ids: tuple[str, ...]


class QueuesResponse(Answered):
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


class AuthorizedPartiesResponse(Answered):
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


class ClusterGroupsResponse(Answered):
    """Answer of the list of cluster groups."""

    cluster_groups: tuple[ClusterGroup, ...]
