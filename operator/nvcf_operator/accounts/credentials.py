"""Reads the Secrets behind the three levels of credentials; the rules themselves are in `core.rules.credentials`."""

import logging
from collections.abc import Callable
from pathlib import Path

from nvcf_client import keys
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.rules import credentials as rules
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.kube.secrets import Absent, Denied, Secrets
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.settings import Settings

log = logging.getLogger(__name__)

NOW = 0.0
"""Age in seconds: read the Secret again."""


class OperatorKey:
    """The operator's own key, from `--api-key-file`, read again whenever the file changes."""

    def __init__(self, path: Path | None, *, redact: Callable[[str], None]) -> None:
        self._path = path
        self._redact = redact
        self._stamp: tuple[int, int, int] | None = None
        self._key: str | None = None

    def read(self) -> str | None:
        """The key; None when there is none or the file cannot be used (the log says why, the key is not shown)."""
        if self._path is None:
            return None
        try:
            stat = self._path.stat()
            stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                self._stamp, self._key = stamp, None
                self._key = keys.checked(self._path.read_text(encoding="ascii").strip())
                self._redact(self._key)
        except (OSError, ValueError) as error:
            self._key = None
            log.error("--api-key-file %s cannot be used: %s", self._path, error)
        return self._key


class Resolver:
    """Finds the credential of a resource."""

    def __init__(self, secrets: Secrets, settings: Settings, *, redact: Callable[[str], None]) -> None:
        self._secrets = secrets
        self._base_url = settings.base_url
        self._allowed = frozenset(settings.allowed_base_urls)
        self._opened_to = frozenset(settings.api_key_namespaces)
        self._operator_key = OperatorKey(settings.api_key_file, redact=redact)
        self._redact = redact

    async def resolve(self, secret: SecretName, *, max_age: float = float("inf")) -> Credential | Failure:
        """Give the credential, or why there is none. The Secret is read again when it was read longer ago."""
        read = await self._secrets.read(secret.namespace, secret.name, max_age=max_age)
        if isinstance(read, StoredSecret):
            found = rules.of_secret(secret, read.data, base_url=self._base_url, allowed_base_urls=self._allowed)
            if isinstance(found, Credential):
                self._redact(found.api_key)
            return found
        if isinstance(read, Denied):
            return rules.not_permitted(secret)
        if not isinstance(read, Absent):
            return rules.unreadable(secret, read.message)
        if secret.named:
            return rules.not_found(secret)
        return rules.of_operator(
            self._operator_key.read(),
            secret.namespace,
            base_url=self._base_url,
            opened_to=self._opened_to,
            secret=secret,
        )
