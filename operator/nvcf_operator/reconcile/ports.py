"""What the reconcile loop asks of the outside world: of NVCF, of the cluster, and of who holds credentials.

Production and the random stories implement these ports; the loop between them is the same. Its clock is
`nvcf_operator.clock.Clock`. `ApiServer` and `Events` are what `reconcile.cluster` makes a `Cluster` of.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from nvcf_client import errors as nvcf_errors
from nvcf_client.requests import Request
from nvcf_operator.accounts.listings import DisprovedListings, Listing, MassDeletionGuard
from nvcf_operator.accounts.registered import Interest
from nvcf_operator.api.names import Key, Kind
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import AccountView, Failure
from nvcf_operator.core.model.references import FollowedFunction
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.report import messages
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.core.rules import pruning
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.core.rules.pruning import named
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Caller
from nvcf_operator.kube.errors import Conflict, Denied, KubeError
from nvcf_operator.kube.secrets import SecretRead
from nvcf_operator.state.managed_state import AnyLocalState

TAKE_FINALIZER = "add its finalizer to the resource"
DROP_FINALIZER = "remove its finalizer from the resource"
INTENT = "record in the status that it is about to request a deployment"
STATUS = "update the status of the resource"

TAKEN_OFF = "the write was accepted but the finalizer is missing: a mutating webhook or policy may be removing it"


class Outdated(Exception):  # noqa: N818  the name says what happened
    """The resource is not what the decision was made on: read it again. Nothing was written to NVCF."""


class Vanished(Exception):  # noqa: N818  the name says what happened
    """The API server does not have the object any more, or another one of its name. Nothing was written to NVCF."""


class Saturated(Exception):  # noqa: N818  the name says what happened
    """Too many wait at an account's limiter: come back later, and leave the worker to other accounts' resources."""


class WriteRefused(Exception):  # noqa: N818  the name says what happened
    """The API server does not take a write of ours, though the object is the one that was read."""

    def __init__(self, what: str, error: KubeError) -> None:
        super().__init__(messages.write_refused(what, error.message))


class NotKept(WriteRefused):
    """The API server takes a status and drops what the operator must remember: its CRD is older than the operator."""

    def __init__(self, fields: Iterable[str]) -> None:
        Exception.__init__(self, pruning.crd_is_older(named(fields)))


def may_be_refusal(error: KubeError) -> bool:
    """Whether the answer may refuse what was to be written, or its writer. The object has to be read to be sure."""
    return error.refuses or isinstance(error, Conflict)


def is_reported(error: KubeError, attempts: int) -> bool:
    """Whether a refusal is reported, after so many failures in a row.

    An API server that starts forbids everything for a moment, so a 403 is reported from the second time on.
    """
    return attempts > 0 or not isinstance(error, Denied)


T = TypeVar("T")

BELIEF = 10.0
"""Seconds: how old a list may be that makes a 404 believable, or that something is decided on."""


class Nvcf(Protocol):
    """NVCF, as one credential's account sees it."""

    credential: Credential
    listing: Listing | None
    patch_supported: bool
    put_supported: bool
    disproved_listings: DisprovedListings
    mass_deletion: MassDeletionGuard
    followed: int
    """How many POSTs of objects that are gone are followed by it; it stays open for them."""

    def saturated(self, most: int, caller: Caller) -> bool:
        """Whether so much waits for the account already that one more would hold up others' workers."""

    def hurries(self, resource: AnyResource) -> bool:
        """Whether calls for a resource are urgent now, whatever the priority of its reconcile."""

    def held(self, caller: Caller) -> Failure | None:
        """Why nothing may be sent now; None when it may."""

    def note_busy(self, key: Key, *, busy: bool) -> None:
        """Note whether NVCF is at work on a resource, so that it is polled often."""

    async def call(self, request: Request[T], caller: Caller) -> T:
        """Make one call, admitted by the account's limiter."""

    def admitted(self, caller: Caller) -> AbstractAsyncContextManager[Admission]:
        """Pass the account's limiter, for the length of the block."""

    async def send(self, request: Request[T], admission: Admission) -> T:
        """Make one call that was admitted before."""

    async def fresh_listing(
        self, max_age: float, caller: Caller, interest: Interest | None = None
    ) -> Listing | Failure:
        """Give a list asked for within the last `max_age` seconds, which shows what that CloudFunction asks for."""

    async def forbidden(self, error: nvcf_errors.Forbidden, caller: Caller) -> Failure:
        """Say whether a 403 is about the credential or the resource."""

    async def registering(self, error: nvcf_errors.NvcfError, caller: Caller) -> Failure:
        """Say whether a failed registration is about the credential, a registry or the manifest."""

    async def lacking(self, error: nvcf_errors.Forbidden, scope: str, caller: Caller) -> Failure:
        """Say whether a 403 to a call about a version is about the credential, or about a scope or policy of it."""

    def reading(self, error: nvcf_errors.NvcfError) -> Failure:
        """Say what a failed read means."""

    def writing(self, error: nvcf_errors.NvcfError) -> Failure:
        """Say what a failed write means."""

    def view(self, uid: str, pinned: str | None, recorded_credential: str | None) -> AccountView:
        """Say whether the key is shown to belong to the account on record."""


class Accounts(Protocol):
    """The accounts in use."""

    def of(self, key: Key, credential: Credential) -> Nvcf:
        """The account of a credential, used by that resource from here on."""

    def known(self, key: Key) -> Nvcf | None:
        """The account that a resource used last."""

    def sharing(self, key: Key) -> int:
        """How many resources' calls pass the limiter of the account that a resource used last."""

    def leave(self, key: Key) -> None:
        """End a resource's use of its account."""


class Credentials(Protocol):
    """Where credentials come from."""

    async def resolve(self, secret: SecretName, *, max_age: float = float("inf")) -> Credential | Failure:
        """Give the credential, or why there is none."""


class SecretStore(Protocol):
    """Where Secrets are read, by name."""

    async def read(self, namespace: str, name: str, *, max_age: float) -> SecretRead:
        """Give a Secret as it was at most `max_age` seconds ago; with 0 as it is now."""


class Cluster(Protocol):
    """The resources of the cluster: as known here, as the API server has them, and what is written about them."""

    def get(self, key: Key) -> AnyResource | None:
        """The newest known form of a resource."""

    def version(self, key: Key) -> tuple[str, int] | None:
        """The uid and the version of that form."""

    def drop(self, key: Key, uid: str) -> None:
        """Forget an object that is gone, if it is that very one."""

    def with_version(self, function_id: str, version: str, *, but: Key | None) -> tuple[Resource, ...]:
        """The resources that have to do with a function version, all but one."""

    def followers_of(self, function: Key) -> tuple[Key, ...]:
        """The FunctionDeployments that refer to a CloudFunction."""

    def with_function(self, function_id: str) -> tuple[Key, ...]:
        """The CloudFunctions that have a function on record."""

    def named(self, name: str) -> tuple[Key, ...]:
        """The CloudFunctions whose manifests give their function a name."""

    async def is_listed(self, kind: Kind, *, within: float) -> bool:
        """Whether all resources of a kind are known as of so many seconds ago, or later."""

    async def refresh(self, key: Key) -> None:
        """Take in another object as the API server has it."""

    async def prove_current(self, resource: AnyResource, local: AnyLocalState) -> None:
        """Read the resource before NVCF is changed, so that a stale list never undoes an edit.

        Raises:
            Outdated: it has changed.
            Vanished: it is gone.

        """

    async def write_finalizers(
        self, resource: AnyResource, local: AnyLocalState, finalizers: Sequence[str]
    ) -> Mapping[str, Any]:
        """Write the finalizers of that very version, and give the object after it."""

    async def write_intent(
        self, resource: AnyResource, local: AnyLocalState, patch: Mapping[str, Any], *, trial: bool = False
    ) -> Mapping[str, Any]:
        """Write the status that comes before a POST, or only try to, and give the object after it."""

    async def write_status(self, resource: AnyResource, local: AnyLocalState, patch: Mapping[str, Any]) -> bool:
        """Change the very status that the patch was made for; say whether a user did something meanwhile."""

    def emit(self, resource: AnyResource, note: EventNote) -> None:
        """Have an Event written."""

    def namespace_ends(self, namespace: str) -> bool:
        """Whether a namespace is known to be ending."""


class CloudFunctions(Protocol):
    """The CloudFunctions of the cluster, as FunctionDeployments that refer to them see them."""

    def function(self, key: Key) -> FollowedFunction | None:
        """The CloudFunction of that name; None if there is none."""

    def followers(self, function_id: str) -> Iterable[Key]:
        """The FunctionDeployments that refer to a CloudFunction which has that function on record."""


class ApiServer(Protocol):
    """The API server's calls about one resource."""

    async def get_resource(self, key: Key) -> dict[str, Any] | None:
        """The object; None if there is none."""

    async def patch_metadata(
        self, key: Key, *, uid: str, resource_version: str, finalizers: Sequence[str]
    ) -> dict[str, Any]:
        """Write the finalizers of that very version."""

    async def patch_status(
        self,
        key: Key,
        *,
        uid: str,
        resource_version: str,
        status: Mapping[str, Any],
        kind: str = "status",
        trial: bool = False,
    ) -> dict[str, Any]:
        """Write members of the status of that very version."""


class Events(Protocol):
    """Where Events go."""

    def note(self, resource: AnyResource, note: EventNote) -> None:
        """Have an Event written."""

    def ends(self, namespace: str) -> bool:
        """Whether a namespace is known to be ending."""
