"""The ports of a plan: NVCF is read by the ordinary client and never written, and keys come from the command line."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol, TypeVar

from nvcf_client import errors
from nvcf_client.errors import NvcfError
from nvcf_client.requests import Request
from nvcf_operator.accounts.account import POLL, Account
from nvcf_operator.accounts.calls import NOT_ABOUT_THE_KEY
from nvcf_operator.accounts.listings import Listing
from nvcf_operator.accounts.registered import Interest
from nvcf_operator.api.names import ALLOW_FUNCTION_ANNOTATION, Key
from nvcf_operator.commands.plan.model import Write
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.situation import Failure
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.flowcontrol.limiters import Admission, Limiters
from nvcf_operator.flowcontrol.priority import Caller
from nvcf_operator.kube.secrets import Denied, SecretRead, Unavailable
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.ports import SecretStore

T = TypeVar("T")

HIDDEN = "<hidden>"
"""What a plan shows in place of a secret's value."""


class RefusedWrite(Exception):  # noqa: N818  the name says what happened
    """A call that would change NVCF, and was not sent. It is no failure of NVCF, so that nothing goes on after it."""

    def __init__(self, request: Request[Any]) -> None:
        super().__init__(f"{request.method} {request.path}")
        self.request = request

    @property
    def write(self) -> Write:
        """The call as a plan shows it."""
        request = self.request
        query = "&".join(f"{name}={value}" for name, value in request.query)
        body = _without_secrets(json.loads(request.body)) if request.body else None
        return Write(request.method, f"{request.path}?{query}" if query else request.path, body)


def _without_secrets(body: Any) -> Any:
    """A body without values of secrets."""
    if isinstance(body, Mapping):
        return {
            name: [_hidden(item) for item in value]
            if name == "secrets" and isinstance(value, list)
            else _without_secrets(value)
            for name, value in body.items()
        }
    return [_without_secrets(item) for item in body] if isinstance(body, list) else body


def _hidden(secret: Any) -> Any:
    return {**secret, "value": HIDDEN} if isinstance(secret, Mapping) and "value" in secret else secret


class Reader(Protocol):
    """What reads NVCF: a `ReadOnlyClient`."""

    async def call(self, request: Request[T]) -> T:
        """Make a reading call."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give up the connections."""


class ReadOnlyChannel:
    """The port `Channel` of an account: each read is made once, and each write is refused.

    Args:
        account: whose calls they are.
        client: makes the reads.
        absent: ids of versions that NVCF would have by then, and that it knows nothing of yet.

    """

    def __init__(self, account: Account, client: Reader, absent: set[str]) -> None:
        self._account = account
        self._client = client
        self._absent = absent
        self._answers: dict[tuple[str, tuple[tuple[str, str], ...]], asyncio.Task[Any]] = {}

    @property
    def reads(self) -> int:
        """How many reads were made."""
        return len(self._answers)

    @asynccontextmanager
    async def admitted(self, caller: Caller) -> AsyncIterator[Admission]:
        """Let everybody in: the client paces its calls itself."""
        yield Admission(caller.priority, 0, self._account.limiter)

    async def send(self, request: Request[T], admission: Admission) -> T:
        """Make a read, or give what it gave before.

        Raises:
            RefusedWrite: it would change something.
            NvcfError: the read failed.

        """
        if request.mutating:
            raise RefusedWrite(request)
        if not self._absent.isdisjoint(request.path.split("/")):
            raise errors.NotFound(
                operation=request.operation,
                method=request.method,
                path=request.path,
                detail="it is not registered yet",
                status=404,
            )
        try:
            return await self.read(request)
        except errors.Unauthorized as error:
            if request.operation not in NOT_ABOUT_THE_KEY:
                self._account.unauthorized(error)
            raise

    async def read(self, request: Request[T]) -> T:
        """Make a read once; all who ask for it share the answer, or the failure."""
        key = (request.path, request.query)
        if key not in self._answers:
            self._answers[key] = asyncio.ensure_future(self._client.call(request))
        found: T = await asyncio.shield(self._answers[key])
        return found

    async def warm(self, request: Request[Any]) -> None:
        """Make a read ahead of the decision that needs it."""
        with suppress(NvcfError):  # the decision will meet it again
            await self.read(request)

    async def close(self) -> None:
        """Give up the connections."""
        for task in self._answers.values():
            task.cancel()
        await asyncio.gather(*self._answers.values(), return_exceptions=True)
        await self._client.__aexit__(None, None, None)


class PlannedAccount(Account):
    """The port `Nvcf`: an account of whose answers none grows old, since only the plan's own clock goes on."""

    channel: ReadOnlyChannel

    async def fresh_listing(
        self, max_age: float, caller: Caller = POLL, interest: Interest | None = None
    ) -> Listing | Failure:
        """Give the list that was read before as one that was asked for just now."""
        known = self.listing
        if known is not None and (interest is None or known.registered.covers(interest)):
            self.listing = replace(known, asked_at=self._clock())
            return self.listing
        return await super().fresh_listing(max_age, caller, interest)


class PlannedAccounts:
    """The port `Accounts`: one for each credential.

    Args:
        connect: makes the client of a credential.
        limiters: of all accounts; nothing is ever held by one.
        metrics: that nobody reads.
        interests: what CloudFunctions ask of a list.
        clock: seconds of the plan.
        absent: as of `ReadOnlyChannel`.

    """

    def __init__(
        self,
        connect: Callable[[Credential], Reader],
        metrics: Metrics,
        interests: Callable[[], Iterator[Interest]],
        clock: Callable[[], float],
        absent: set[str],
    ) -> None:
        self._connect = connect
        self._limiters = Limiters(50.0, 16)
        self._metrics = metrics
        self._interests = interests
        self._clock = clock
        self._absent = absent
        self._accounts: dict[Credential, PlannedAccount] = {}
        self._of_key: dict[Key, PlannedAccount] = {}

    def __iter__(self) -> Iterator[PlannedAccount]:
        return iter(tuple(self._accounts.values()))

    def of(self, key: Key, credential: Credential) -> PlannedAccount:
        """The account of a credential, used by that resource from here on."""
        if credential not in self._accounts:
            self._accounts[credential] = self._opened(credential)
        account = self._accounts[credential]
        self.leave(key)
        self._of_key[key] = account
        account.keys.add(key)
        return account

    def known(self, key: Key) -> PlannedAccount | None:
        """The account that a resource used last."""
        return self._of_key.get(key)

    def sharing(self, key: Key) -> int:
        """Nobody waits at a limiter."""
        return 0

    def leave(self, key: Key) -> None:
        """End a resource's use of its account."""
        if (account := self._of_key.pop(key, None)) is not None:
            account.keys.discard(key)
            account.busy.discard(key)
            account.disproved_listings.leave(key)

    async def close(self) -> None:
        """Give up all connections."""
        for account in self:
            await account.close()

    def _opened(self, credential: Credential) -> PlannedAccount:
        client, opened = self._connect(credential), list[ReadOnlyChannel]()

        def channel(account: Account) -> ReadOnlyChannel:
            opened.append(ReadOnlyChannel(account, client, self._absent))
            return opened[0]

        account = PlannedAccount(
            credential, channel, self._limiters, self._metrics, interests=self._interests, clock=self._clock
        )
        account.channel = opened[0]
        return account


class GivenKey:
    """The port `Credentials` where one key is given for all resources.

    Args:
        base_url: of NVCF.
        api_key: the key.
        source: where it is from, in words.

    """

    def __init__(self, base_url: str, api_key: str, source: str = "--api-key-file") -> None:
        self._credential = Credential(base_url, api_key, source)

    async def resolve(self, secret: SecretName, *, max_age: float = float("inf")) -> Credential | Failure:
        """Give the key, whatever Secret is named."""
        return self._credential


class _AnyKey(dict[str, bytes]):
    """Data of a Secret that nobody has read: each key has a value."""

    def get(self, key: str, default: Any = None) -> Any:
        """A value that stands for the one that is not known; it can be read as text and as JSON."""
        return b'{"hidden":"hidden"}'


class PlannedSecrets:
    """The port `SecretStore`: a Secret that cannot be read is taken to be there, and to allow its use.

    Args:
        store: where Secrets are read; None where they are not.

    """

    def __init__(self, store: SecretStore | None = None) -> None:
        self._store = store
        self._unread: set[tuple[str, str]] = set()

    async def read(self, namespace: str, name: str, *, max_age: float) -> SecretRead:
        """Give a Secret, or one that stands for it."""
        found = await self._store.read(namespace, name, max_age=float("inf")) if self._store is not None else None
        if found is not None and not isinstance(found, Denied | Unavailable):
            return found
        self._unread.add((namespace, name))
        return StoredSecret(_AnyKey(), uid=f"{namespace}/{name}", annotations={ALLOW_FUNCTION_ANNOTATION: "*"})

    def lacks(self, resource: AnyResource | None) -> bool:
        """Whether not all Secrets of a CloudFunction were read."""
        if not isinstance(resource, CloudFunction) or resource.spec is None:
            return False
        names = {item.secret_ref.name for item in resource.spec.secrets or ()}
        return any((resource.key.namespace, name) in self._unread for name in names)


class Notes:
    """The port `Events`: what the operator would report, by resource."""

    def __init__(self) -> None:
        self.taken: dict[Key, list[EventNote]] = {}

    def note(self, resource: AnyResource, note: EventNote) -> None:
        """Keep an Event."""
        self.taken.setdefault(resource.key, []).append(note)

    def shows(self, key: Key, reason: str) -> bool:
        """Whether an Event of a reason was reported of a resource."""
        return any(note.reason == reason for note in self.taken.get(key, ()))

    def ends(self, namespace: str) -> bool:
        """No namespace is known to be ending."""
        return False
