"""Reads the Secrets behind a function's secrets, by name.

Secrets are neither listed nor watched. Values are in memory for the length of a call only, beside the cache of Secrets
that exists for API keys; what is remembered of them is a hash under a key that only this process has.
"""

import asyncio
import hashlib
import json
import logging
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from nvcf_client.models import Secret
from nvcf_client.models.functions import to_request
from nvcf_operator.api.function_spec import FunctionSecret, SecretFormat
from nvcf_operator.api.names import ALLOW_FUNCTION_ANNOTATION
from nvcf_operator.core.functions.model import secrets as model
from nvcf_operator.core.functions.model.observed import SecretsSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.report import secret_messages as messages
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.kube import errors as kube_errors
from nvcf_operator.kube.secrets import Absent, Denied, SecretRead
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.reconcile.ports import Outdated, SecretStore
from nvcf_operator.state.function_state import FunctionLocalState

log = logging.getLogger(__name__)

NOW, SOON, ANY = 0.0, 2.0, float("inf")
"""How old a Secret may be, in seconds: read anew; where one could not be used; as it is known."""


@dataclass(frozen=True, slots=True)
class Values:
    """What is sent, and where it is from."""

    sources: str
    """Digest of where the values are from."""
    secrets: Mapping[str, Secret] = field(repr=False)
    """By name."""

    @property
    def large(self) -> bool:
        """Whether they are larger than hosted NVCF is documented to accept."""
        return sum(len(_bytes_of(secret)) for secret in self.secrets.values()) > model.MOST_BYTES


_FAILING = frozenset(
    (Reason.SECRET_MISSING, Reason.SECRET_NOT_CONSENTING, Reason.SECRET_NOT_PERMITTED, Reason.SECRET_INVALID)
)


class SecretsDue:
    """When the Secrets of a CloudFunction are read again.

    Args:
        interval: seconds.

    """

    def __init__(self, interval: float) -> None:
        self._interval = interval

    def max_age(self, resource: CloudFunction, local: FunctionLocalState, now: float) -> float:
        """How old the Secrets may be for a reconcile; it plans the next read where this is one."""
        requested = resource.reconcile_requested or resource.secrets_requested
        if local.secrets_due is None or now >= local.secrets_due or requested:
            local.secrets_due = now + self._interval * random.uniform(0.7, 1.0)
            return NOW
        synced = resource.condition("SecretsSynced")
        return SOON if synced is None or synced.reason in _FAILING else ANY

    def left(self, local: FunctionLocalState, now: float) -> float | None:
        """Seconds until they are read again; None where none are read."""
        if local.secrets_due is None:
            return None
        left = local.secrets_due - now
        return left if left > 0 else self._interval / 2  # something has kept this reconcile from reading them


class SecretReader:
    """Reads the values of a CloudFunction's secrets.

    Args:
        store: where Secrets are read.
        due: when they are read again.

    """

    def __init__(self, store: SecretStore, due: SecretsDue) -> None:
        self.due = due
        self._store = store
        self._hash_key = os.urandom(32)

    async def read(self, resource: CloudFunction, *, max_age: float) -> Values | Failure:
        """Give all values, or why one of them cannot be sent. The first failure in the manifest's order counts."""
        assert resource.spec is not None, "only a manifest that can be read names secrets"
        wanted = resource.spec.secrets or ()
        namespace = resource.key.namespace
        of_secret: dict[str, list[FunctionSecret]] = {}
        for item in wanted:
            of_secret.setdefault(item.secret_ref.name, []).append(item)
        reads = await asyncio.gather(*(self._store.read(namespace, name, max_age=max_age) for name in of_secret))
        found = dict(zip(of_secret, reads, strict=True))
        sources, values = list[model.Source](), dict[str, Secret]()
        for item in wanted:
            stored = _allowed(resource, item, found[item.secret_ref.name], of_secret[item.secret_ref.name])
            if isinstance(stored, Failure):
                return stored
            secret = _value(namespace, item, stored)
            if isinstance(secret, Failure):
                return secret
            form = item.format or SecretFormat.STRING
            sources.append(model.Source(item.name, stored.uid, stored.resource_version, item.secret_ref.key, form))
            values[item.name] = secret
        return Values(model.digest_of_sources(sources), values)

    async def seen(self, resource: CloudFunction, local: FunctionLocalState, *, max_age: float) -> SecretsSeen:
        """Give what a decision needs to know of the values, and remember them by their hashes."""
        values = await self.read(resource, max_age=max_age)
        if isinstance(values, Failure):
            return SecretsSeen(failure=values)
        hashes = {name: self._hash(secret) for name, secret in values.secrets.items()}
        on_record = {item.secrets for item in resource.status.versions} | {values.sources}
        if resource.intent is not None:
            on_record.add(resource.intent.secrets)
        known = {digest: of_then for digest, of_then in local.secret_hashes.items() if digest in on_record}
        local.secret_hashes = known | {values.sources: hashes}
        changed = {
            digest: frozenset(name for name, now in hashes.items() if of_then.get(name) != now)
            for digest, of_then in known.items()
        }
        return SecretsSeen(sources=values.sources, changed_since=changed, large=values.large)

    async def current(self, resource: CloudFunction) -> Values:
        """Give all values as they are now, right before they are sent.

        Raises:
            Outdated: one of them cannot be sent any more.
            KubeError: a Secret could not be read.

        """
        values = await self.read(resource, max_age=NOW)
        if isinstance(values, Values):
            return values
        if values.scope == Scope.SERVER:
            raise kube_errors.Unavailable(values.message)
        raise Outdated(values.message)

    def _hash(self, secret: Secret) -> bytes:
        return hashlib.blake2b(_bytes_of(secret), key=self._hash_key, digest_size=16).digest()


def _bytes_of(secret: Secret) -> bytes:
    return json.dumps(to_request(secret)["value"], sort_keys=True, ensure_ascii=False).encode()


def _allowed(
    resource: CloudFunction, item: FunctionSecret, read: SecretRead, taken: list[FunctionSecret]
) -> StoredSecret | Failure:
    """The Secret, if it is there and allows this CloudFunction to use it."""
    name, namespace = item.secret_ref.name, resource.key.namespace
    full = f"{namespace}/{name}"
    match read:
        case StoredSecret():
            words = (word.strip() for word in read.annotations.get(ALLOW_FUNCTION_ANNOTATION, "").split(","))
            allowed = {word for word in words if word}
            if allowed & {resource.key.name, "*"}:
                return read
            text = messages.not_consenting(namespace, name, resource.key.name, allowed)
            return Failure(Reason.SECRET_NOT_CONSENTING, text, Scope.RESOURCE)
        case Absent():
            text = messages.missing(full, (other.name for other in taken))
            return Failure(Reason.SECRET_MISSING, text, Scope.RESOURCE)
        case Denied():
            return Failure(Reason.SECRET_NOT_PERMITTED, messages.not_permitted(namespace, name), Scope.RESOURCE)
        case _:
            text = messages.unreadable(full, read.message)
            return Failure(Reason.SECRET_UNREADABLE, text, Scope.SERVER, retry_after=5.0)


def _value(namespace: str, item: FunctionSecret, stored: StoredSecret) -> Secret | Failure:
    """The value of one secret, if it can be sent."""
    key, full = item.secret_ref.key, f"{namespace}/{item.secret_ref.name}"
    raw = stored.data.get(key)
    if raw is None:
        return Failure(Reason.SECRET_MISSING, messages.without_key(full, key, item.name), Scope.RESOURCE)
    found = model.secret_of(item.name, raw, item.format or SecretFormat.STRING)
    if isinstance(found, str):
        return Failure(Reason.SECRET_INVALID, messages.invalid(full, key, found), Scope.RESOURCE)
    return found
