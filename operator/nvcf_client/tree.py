"""The tree of calls, `client.deployments.functions.versions.create(...)`, the same for both clients.

Each call is written down once, as `Call(endpoint)`. What it gives back depends on the kind of client that the branch
hangs on: the result itself on a synchronous one, an awaitable of it on an asynchronous one; arguments and result keep
the endpoint's types either way, so that a type checker sees `create` as one writes it.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from nvcf_client import endpoints
from nvcf_client.requests import Request
from nvcf_client.whole import whole

P = ParamSpec("P")
T = TypeVar("T")


class Sync(Protocol):
    """Sends requests and waits."""

    def send(self, request: Request[T], /) -> T:
        """Send the request and give its result."""


class Async(Protocol):
    """Sends requests and lets others run meanwhile."""

    async def send(self, request: Request[T], /) -> T:
        """Send the request and give its result."""


S = TypeVar("S")


class Branch(Generic[S]):
    """A place in the tree: calls, and more branches."""

    def __init__(self, sender: S) -> None:
        self._sender = sender

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._sender!r}>"


class Call(Generic[P, T]):
    """An endpoint as a method of a branch."""

    def __init__(self, endpoint: Callable[P, Request[T]]) -> None:
        self._endpoint = endpoint
        self.__doc__ = endpoint.__doc__

    @overload
    def __get__(self, branch: None, owner: type) -> Self: ...
    @overload
    def __get__(self, branch: Branch[Sync], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, branch: Branch[Async], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, branch: Any, owner: type) -> Any:
        if branch is None:
            return self
        endpoint, send = self._endpoint, branch._sender.send

        @wraps(endpoint)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return send(whole(endpoint(*args, **kwargs)))

        return call


class DeploymentVersions(Branch[S]):
    """`client.deployments.functions.versions`: the deployment of one version of a function."""

    create = Call(endpoints.create_deployment)
    get = Call(endpoints.get_deployment)
    update = Call(endpoints.update_deployment)
    delete = Call(endpoints.delete_deployment)


class DeploymentFunctions(Branch[S]):
    """`client.deployments.functions`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.versions = DeploymentVersions(sender)


class GpuSpecifications(Branch[S]):
    """`client.deployments.gpu_specifications`: single specifications of a deployment."""

    update = Call(endpoints.update_gpu_specification)


class Deployments(Branch[S]):
    """`client.deployments`."""

    get = Call(endpoints.get_deployment_by_id)
    list = Call(endpoints.list_deployments)

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.functions = DeploymentFunctions(sender)
        self.gpu_specifications = GpuSpecifications(sender)


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

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.versions = FunctionVersions(sender)
        self.ids = FunctionIds(sender)


class QueueVersions(Branch[S]):
    """`client.queues.functions.versions`."""

    get = Call(endpoints.get_queue)


class QueueFunctions(Branch[S]):
    """`client.queues.functions`."""

    get = Call(endpoints.list_queues)

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.versions = QueueVersions(sender)


class QueuePosition(Branch[S]):
    """`client.queues.position`."""

    list = Call(endpoints.get_queue_position)


class Queues(Branch[S]):
    """`client.queues`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.functions = QueueFunctions(sender)
        self.position = QueuePosition(sender)


class MetadataVersions(Branch[S]):
    """`client.metadata.functions.versions`."""

    update = Call(endpoints.update_function_metadata)


class MetadataFunctions(Branch[S]):
    """`client.metadata.functions`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.versions = MetadataVersions(sender)


class Metadata(Branch[S]):
    """`client.metadata`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.functions = MetadataFunctions(sender)


class SecretVersions(Branch[S]):
    """`client.secrets.functions.versions`."""

    update = Call(endpoints.update_function_secrets)


class SecretFunctions(Branch[S]):
    """`client.secrets.functions`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.versions = SecretVersions(sender)


class Secrets(Branch[S]):
    """`client.secrets`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.functions = SecretFunctions(sender)


class RateLimitVersions(Branch[S]):
    """`client.ratelimit.functions.versions`."""

    update = Call(endpoints.update_rate_limit)
    delete = Call(endpoints.delete_rate_limit)


class RateLimitFunctions(Branch[S]):
    """`client.ratelimit.functions`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.versions = RateLimitVersions(sender)


class RateLimits(Branch[S]):
    """`client.ratelimit`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.functions = RateLimitFunctions(sender)


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

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.add = VersionAuthorizationsAdd(sender)
        self.remove = VersionAuthorizationsRemove(sender)


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

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.versions = AuthorizationVersions(sender)
        self.add = AuthorizationsAdd(sender)
        self.remove = AuthorizationsRemove(sender)


class Authorizations(Branch[S]):
    """`client.authorizations`."""

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.functions = AuthorizationFunctions(sender)


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

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.available_instance_types = AvailableInstanceTypes(sender)
        self.instance_types = InstanceTypes(sender)
        self.quota_rules = QuotaRules(sender)


NOT_OFFERED = {
    "assets": "upload files for an invocation with any HTTP client: POST /v2/nvcf/assets",
    "exec": "send invocations with any HTTP client: POST /v2/nvcf/pexec/functions/{functionId}",
    "pexec": "send invocations with any HTTP client: POST /v2/nvcf/pexec/functions/{functionId}",
    "health": "ask functions.list() whether the service answers and the key is accepted",
    "nvcf": "leave the word out: its calls are the client's own, such as functions.list()",
}
"""Branches that other SDKs for NVCF have, and what takes their place."""


class Tree(Generic[S]):
    """All branches, for a client to inherit. They follow the paths of the API."""

    def _grow(self, sender: S) -> None:
        self.deployments = Deployments(sender)
        self.functions = Functions(sender)
        self.queues = Queues(sender)
        self.metadata = Metadata(sender)
        self.secrets = Secrets(sender)
        self.ratelimit = RateLimits(sender)
        self.authorizations = Authorizations(sender)
        self.cluster_groups = ClusterGroups(sender)
        self.catalogue = Catalogue(sender)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            instead = NOT_OFFERED.get(name)
            if instead is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise AttributeError(f"this client manages functions and has no {name!r}: {instead}")
