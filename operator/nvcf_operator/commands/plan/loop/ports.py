"""The ports of a plan beside NVCF and the cluster: keys, Secrets and Events."""

from dataclasses import replace
from typing import Any

from nvcf_operator.api.names import ALLOW_FUNCTION_ANNOTATION, Key
from nvcf_operator.core.functions.model.observed import SecretsSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.kube.secrets import Denied, SecretRead, Unavailable
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.reconcile.functions.secrets import SecretReader, SecretsDue
from nvcf_operator.reconcile.ports import SecretStore
from nvcf_operator.state.function_state import FunctionLocalState


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


class PlannedSecretReader(SecretReader):
    """Reads values of secrets. Those that may not be read count as sent, so that nothing else waits for them.

    Args:
        store: where Secrets are read.
        due: when they are read again.

    """

    def __init__(self, store: SecretStore, due: SecretsDue) -> None:
        super().__init__(store, due)
        self._planned = store

    async def seen(self, resource: CloudFunction, local: FunctionLocalState, *, max_age: float) -> SecretsSeen:
        """Give what a decision needs to know of the values."""
        found = await super().seen(resource, local, max_age=max_age)
        if not isinstance(self._planned, PlannedSecrets) or not self._planned.lacks(resource):
            return found
        sent = {item.secrets: frozenset[str]() for item in resource.status.versions if item.secrets is not None}
        return replace(found, changed_since={**found.changed_since, **sent})


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
