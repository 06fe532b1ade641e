"""Which NVCF installation a resource has to do with: the same ids at another base URL are another function version."""

from collections.abc import Iterable, Mapping

from nvcf_operator.api.key import Key
from nvcf_operator.core.credentials import Credential, secret_of
from nvcf_operator.core.resource import Resource
from nvcf_operator.runtime.accounts import Accounts
from nvcf_operator.runtime.credentials import Resolver


class BaseUrls:
    """Tells resources' base URLs: the one that was used last, else the one that the resource's Secret leads to."""

    def __init__(self, accounts: Accounts, resolver: Resolver) -> None:
        self._accounts = accounts
        self._resolver = resolver

    async def of(self, resources: Iterable[Resource]) -> Mapping[Key, str]:
        """The base URL of each, as far as it can be told; costs the first read of a Secret at most."""
        found: dict[Key, str] = {}
        for resource in resources:
            account = self._accounts.known(resource.key)
            if account is not None:
                found[resource.key] = account.credential.base_url
            elif resource.spec is not None:
                credential = await self._resolver.resolve(secret_of(resource.key.namespace, resource.spec))
                if isinstance(credential, Credential):
                    found[resource.key] = credential.base_url
        return found
