"""The keys of a plan in a cluster: those of its Secrets where they may be read, else the one that was given."""

from collections.abc import Callable

from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.rules import credentials as rules
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.kube.secrets import Absent, Denied, Secrets, Unavailable
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.settings import Settings


class ClusterCredentials:
    """Finds keys as the operator does; it takes the given one where RBAC hides a Secret, or where there is none.

    Attributes:
        notes: of which Secrets it was taken, a sentence each.

    Args:
        secrets: where Secrets are read.
        settings: where a key may be sent.
        api_key: the given key, in place of the operator's own.
        redact: called with each key that is read.

    """

    def __init__(self, secrets: Secrets, settings: Settings, api_key: str, *, redact: Callable[[str], None]) -> None:
        self.notes: dict[str, None] = {}
        self._secrets = secrets
        self._settings = settings
        self._api_key = api_key
        self._redact = redact

    async def resolve(self, secret: SecretName, *, max_age: float = float("inf")) -> Credential | Failure:
        """Give the credential, or why there is none."""
        read = await self._secrets.read(secret.namespace, secret.name, max_age=float("inf"))
        base_url = self._settings.base_url
        match read:
            case StoredSecret():
                allowed = frozenset(self._settings.allowed_base_urls)
                found = rules.of_secret(secret, read.data, base_url=base_url, allowed_base_urls=allowed)
                if isinstance(found, Credential):
                    self._redact(found.api_key)
                return found
            case Absent() if secret.named:
                return rules.not_found(secret)
            case Absent():
                self.notes.setdefault(
                    f"There is no {secret}, so the key of --api-key-file was used. The operator does so with its own "
                    "key in namespaces of --api-key-namespaces; elsewhere it waits for that Secret."
                )
            case Denied() | Unavailable():
                self.notes.setdefault(
                    f"{secret} could not be read ({read.message.rstrip('. ')}), so the key of --api-key-file was used. "
                    "If it is of another account, the plan is of that account."
                )
        return Credential(base_url, self._api_key, "the key of --api-key-file")
