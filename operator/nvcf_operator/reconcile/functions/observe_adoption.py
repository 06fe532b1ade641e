"""Observes who else wants a function, and what may be adopted of one that this resource did not create."""

from dataclasses import replace

from nvcf_operator.accounts.listings import Listing
from nvcf_operator.core.functions.model.adoption import adoptable, named_function
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.versions import function_of
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.reconcile.functions.context import FunctionClaims, FunctionContext
from nvcf_operator.reconcile.functions.reads import VersionReads


class AdoptionObserver:
    """Adds to what a list shows."""

    def __init__(self, claims: FunctionClaims, reads: VersionReads) -> None:
        self._claims = claims
        self._reads = reads

    async def observed(self, context: FunctionContext, listing: Listing) -> FunctionContext:
        """Add which CloudFunction comes first, and the names of the secrets of what may be adopted."""
        resource = context.resource
        if resource.deleting:
            return context
        by_name = named_function(context.situation)
        context = context.after(
            holder=self._claims.holder(resource, context.nvcf, adopted=by_name),
            of_another_account=_is_of_another_account(resource, listing),
        )
        return await self._with_names(context)

    async def _with_names(self, context: FunctionContext) -> FunctionContext:
        """Read the version that would be adopted, which lists show without the names of its secrets."""
        situation = context.situation
        while (seen := adoptable(situation, function_of(situation))) is not None and seen.secret_names is None:
            found = await self._reads.version(context, seen.function_id, seen.version_id, with_names=True)
            if isinstance(found, Failure):
                return context.after(unlisted=found)
            others = tuple(item for item in situation.versions if item.version_id != seen.version_id)
            if not isinstance(found, VersionSeen):
                situation = replace(situation, versions=others)
                continue
            situation = replace(situation, versions=(*others, found))
            if found.secret_names is None:  # the key does not see them
                break
        return context.after(versions=situation.versions)


def _is_of_another_account(resource: CloudFunction, listing: Listing) -> bool:
    """Whether the function that is to be adopted is listed as another account's."""
    given = resource.given_function
    if given is None or resource.function_id is not None:
        return False
    return any(item.function_id == given and not item.ours for item in listing.entries.values())
