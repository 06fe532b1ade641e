"""The credential that a resource of whichever kind uses, and why there is none."""

from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.rules.credentials import Credential, in_ending_namespace, is_known_to_end, secret_of
from nvcf_operator.reconcile.ports import Cluster, Credentials
from nvcf_operator.state.managed_state import AnyLocalState


class Access:
    """Finds credentials.

    Args:
        cluster: knows which namespaces end.
        credentials: where credentials come from.

    """

    def __init__(self, cluster: Cluster, credentials: Credentials) -> None:
        self._cluster = cluster
        self._credentials = credentials

    async def credential(self, resource: AnyResource, local: AnyLocalState) -> Credential | Failure:
        """The credential of a resource whose manifest can be read, or why there is none."""
        failing = resource.condition("CredentialsValid")
        max_age = 2.0 if failing is not None and failing.status != "True" else float("inf")
        assert resource.spec is not None, "without a manifest nothing says where the key is"
        secret = secret_of(resource.key.namespace, resource.spec)
        found = await self._credentials.resolve(secret, max_age=max_age)
        known = local.credential
        if known is None or not resource.deleting:
            return found
        # A namespace that ends loses its Secret first; the operator's own key then speaks for another account.
        fell_through = isinstance(found, Credential) and found.source != known.source == str(secret)
        return known if isinstance(found, Failure) or fell_through else found

    def explained(self, resource: AnyResource, failure: Failure) -> Failure:
        """Why there is no credential; in a namespace that ends, with the ways out."""
        ends = resource.deleting and self._cluster.namespace_ends(resource.key.namespace)
        return in_ending_namespace(failure) if ends or is_known_to_end(resource) else failure
