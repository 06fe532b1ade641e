"""What surrounds functions in an account: who may invoke them, where one can deploy, and how many requests wait."""

from nvcf_client.models.base import Model


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


class InstanceType(Model):
    """A kind of machine with a GPU; `name` is what a GPU specification takes as `instance_type`."""

    name: str
    description: str | None = None
    default: bool | None = None


class Gpu(Model):
    """A GPU and the machines that have it; `name` is what a GPU specification takes as `gpu`."""

    name: str
    instance_types: tuple[InstanceType, ...] | None = None


class Cluster(Model):
    """A cluster of a group; `name` is what a GPU specification takes in `clusters`."""

    id: str | None = None
    name: str | None = None
    k8s_version: str | None = None


class ClusterGroup(Model):
    """A group of clusters; `name` is what a GPU specification takes as `backend`."""

    id: str | None = None
    name: str
    nca_id: str | None = None
    authorized_nca_ids: tuple[str, ...] | None = None
    clusters: tuple[Cluster, ...] | None = None
    gpus: tuple[Gpu, ...] | None = None


class Queue(Model):
    """The request queue of one function version."""

    function_version_id: str
    function_name: str | None = None
    function_status: str | None = None
    queue_depth: int | None = None
