"""Which key speaks for a resource: the three levels, and what each of them may hold.

`spec.credentials.secretRef`, else the Secret `nvcf-credentials` of the resource's namespace, else the operator's own
key where it was opened to that namespace. A level that is configured but fails is the answer: nothing falls through it
to another account. Key and base URL come from the same level.
"""

import base64
import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from nvcf_client import keys, urls
from nvcf_operator.api import names
from nvcf_operator.api import status as kinds
from nvcf_operator.api.common import Credentials
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import messages

BASE_URL_KEY = "NVCF_BASE_URL"


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and the one place that it may be sent to. Two are equal when both are."""

    base_url: str
    api_key: str = field(repr=False)
    source: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class SecretName:
    """The Secret that is asked for a resource, and whether the manifest names it."""

    namespace: str
    name: str
    key: str
    named: bool

    def __str__(self) -> str:
        return f"Secret {self.namespace}/{self.name}"


class NamesCredentials(Protocol):
    """A manifest, as far as it says where the API key is."""

    @property
    def credentials(self) -> Credentials | None:
        """Where the API key is, if the manifest says so."""


def secret_of(namespace: str, spec: NamesCredentials) -> SecretName:
    """The Secret of the first two levels, by a manifest."""
    ref = spec.credentials.secret_ref if spec.credentials is not None else None
    return secret_named(namespace, (ref.name, ref.key) if ref is not None else None)


def secret_named(namespace: str, named: tuple[str, str] | None) -> SecretName:
    """The Secret of the first two levels, by name and key as the manifest names them, if it does."""
    if named is not None:
        return SecretName(namespace, *named, named=True)
    return SecretName(namespace, names.DEFAULT_SECRET_NAME, names.DEFAULT_SECRET_KEY, named=False)


def of_secret(
    secret: SecretName, data: Mapping[str, bytes], *, base_url: str, allowed_base_urls: frozenset[str]
) -> Credential | Failure:
    """Read key and base URL out of a Secret that exists.

    `base_url` is the operator's, for Secrets that name none; `allowed_base_urls` are normalised.
    """
    raw = data.get(secret.key)
    if raw is None:
        return _invalid(f"{secret} has no key {secret.key}. Put the NVCF API key there, or name the key that holds it.")
    try:
        api_key = keys.checked(raw.decode("ascii").strip(" \t\r\n"))
    except UnicodeDecodeError:
        return _invalid(f"{secret}, key {secret.key}: {not_ascii(raw)}, so it is not sent.")
    except ValueError as error:
        return _invalid(f"{secret}, key {secret.key}: {error}. It was not sent.")
    wanted = data.get(BASE_URL_KEY)
    if wanted is None:
        return Credential(base_url, api_key, str(secret))
    try:
        asked = urls.normalised(wanted.decode("utf-8").strip())
    except ValueError as error:
        return _base_url(f"{secret}, key {BASE_URL_KEY}: {error}.")
    if asked != base_url and asked not in allowed_base_urls:
        return _base_url(
            f"{secret} asks for the base URL {asked}, which is not in --allowed-base-urls. The key was not sent. Add "
            f"the URL to the operator's settings, or remove {BASE_URL_KEY} from the Secret."
        )
    return Credential(asked, api_key, str(secret))


def of_operator(
    api_key: str | None, namespace: str, *, base_url: str, opened_to: frozenset[str], secret: SecretName
) -> Credential | Failure:
    """The third level: the operator's own key, for namespaces that it was opened to."""
    if api_key is None or not ({"*", namespace} & opened_to):
        opened = "" if api_key is None else f", and namespace {namespace} may not use the operator's own key"
        return Failure(
            Reason.NO_CREDENTIALS,
            f"There is no {secret}{opened}. Create that Secret with the NVCF API key under {secret.key}, or name "
            "another one in spec.credentials.secretRef.",
            Scope.CREDENTIAL,
        )
    return Credential(base_url, api_key, "the operator's own key")


def not_found(secret: SecretName) -> Failure:
    """The manifest names a Secret that is not there."""
    return Failure(
        Reason.SECRET_NOT_FOUND,
        f"{secret}, named by spec.credentials.secretRef, does not exist. Create it with the NVCF API key under "
        f"{secret.key}, or name another one.",
        Scope.CREDENTIAL,
    )


def not_permitted(secret: SecretName) -> Failure:
    """RBAC does not let the operator read a Secret of that name."""
    return Failure(
        Reason.SECRET_NOT_PERMITTED,
        f"The operator may not read {secret}. Use the name {names.DEFAULT_SECRET_NAME}, or have {secret.name} "
        "added to credentials.secretNames of the operator's chart, or to resourceNames of its rule for Secrets.",
        Scope.CREDENTIAL,
    )


def unreadable(secret: SecretName, why: str) -> Failure:
    """The Kubernetes API did not return the Secret."""
    return Failure(
        Reason.SECRET_UNREADABLE,
        f"{secret} could not be read: {why}. The operator retries.",
        Scope.SERVER,
        retry_after=5.0,
    )


def in_ending_namespace(failure: Failure) -> Failure:
    """The same, where the advice to create a Secret cannot be followed, since its namespace is being deleted."""
    if failure.reason not in (Reason.NO_CREDENTIALS, Reason.SECRET_NOT_FOUND):
        return failure  # a Secret that is there can still be changed
    return replace(failure, message=f"{failure.message.split('. ')[0]}. {messages.NAMESPACE_ENDS}")


def is_known_to_end(resource: AnyResource) -> bool:
    """Whether the record says that the namespace is being deleted, which nothing can undo."""
    known = resource.condition(kinds.CREDENTIALS_VALID)
    return resource.deleting and known is not None and messages.NAMESPACE_ENDS in known.message


def _invalid(message: str) -> Failure:
    return Failure(Reason.SECRET_INVALID, message, Scope.CREDENTIAL)


def _base_url(message: str) -> Failure:
    return Failure(Reason.BASE_URL_NOT_ALLOWED, message, Scope.CREDENTIAL)


_QUOTES = ('"', "'", "`")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^=]")
_LOOKS_LIKE_KEY = re.compile(r"\s*[\"']?(nvapi-|eyJ)")


def key_oddity(key: str) -> str | None:
    """What looks like a mistake in a key that NVCF refuses, and what to do; None if nothing does.

    It is for whoever wrote the key, and shows no part of it. No key is refused because of it.
    """
    if key.startswith(_QUOTES) or key.endswith(_QUOTES):
        return "the key is enclosed in quotation marks, which are sent with it; remove them"
    if key.startswith("$"):
        return "the key begins with $, like a variable that was not replaced; put the key itself there"
    if _ASSIGNMENT.match(key):
        return "the key begins with a name and =, like a line of an env file; put only what follows there"
    if _LOOKS_LIKE_KEY.match(_decoded(key)):
        return "the key is base64 of a key, encoded once too often; use stringData of the Secret, or encode it once"
    return None


def not_ascii(raw: bytes) -> str:
    """What bytes are that are no ASCII text, as far as that can be seen without showing them."""
    if raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it begins with a byte order mark, as some editors write it, and is not ASCII text"
    return "not ASCII text"


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_" if set("-_") & set(text) else None, validate=True).decode("ascii")
    except ValueError:
        return ""
