"""What is read before the first decision, so that a plan for many resources takes seconds."""

import asyncio
from collections.abc import Sequence

from nvcf_client import endpoints
from nvcf_operator.accounts.listings import Listing
from nvcf_operator.api.names import Key
from nvcf_operator.commands.plan.loop.operation import Operation
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.versions import versions_of_interest


async def read_ahead(operation: Operation, keys: Sequence[Key]) -> None:
    """Read at the same time what the decisions would read one after the other: the deployments.

    What lists lack of the deployments and versions on record counts as gone at the same time, as with a poll of the
    running operator, whose brake holds where that is too much.
    """
    reads = []
    for key in keys:
        resource = operation.get(key)
        if resource is None or resource.spec is None:
            continue
        credential = await operation.access.credential(resource, operation.stages_of(key).recall(resource))
        if isinstance(credential, Failure):
            continue
        channel = operation.accounts.of(key, credential).channel
        if isinstance(resource, Resource):
            reads += [
                channel.warm(endpoints.get_deployment(function_id=resource.function_id, function_version_id=version))
                for version in versions_of_interest(resource)
            ]
    await asyncio.gather(*reads)
    for account in operation.accounts:
        on_record = {key: item for key in account.keys if (item := operation.cache.poll_key(key)) and item.holds}
        listing = await account.fresh_listing(0.0) if on_record else None
        if isinstance(listing, Listing):
            account.mass_deletion.counts({key: item.is_missing(listing) for key, item in on_record.items()})
