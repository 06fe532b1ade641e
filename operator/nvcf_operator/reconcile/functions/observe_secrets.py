"""Observes what the Secrets behind a manifest's secrets are, and which secrets versions have."""

from dataclasses import replace

from nvcf_operator.clock import Clock
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.secrets import digest_of_names
from nvcf_operator.core.functions.model.unsent import nameless
from nvcf_operator.reconcile.functions.context import FunctionContext
from nvcf_operator.reconcile.functions.reads import VersionReads
from nvcf_operator.reconcile.functions.secrets import SecretReader


class SecretObserver:
    """Adds secrets to what was observed."""

    def __init__(self, reader: SecretReader, reads: VersionReads, clock: Clock) -> None:
        self._reader = reader
        self._reads = reads
        self._clock = clock

    async def observed(self, context: FunctionContext) -> FunctionContext:
        """Add what the Secrets behind the manifest's secrets are, and the names of secrets that no list shows."""
        resource, local = context.resource, context.local
        if not resource.needs_secrets:
            local.secrets_due = None
            return context
        max_age = self._reader.due.max_age(resource, local, self._clock.monotonic())
        context = context.after(secrets=await self._reader.seen(resource, local, max_age=max_age))
        for item in resource.status.versions:  # while the manifest says what they are: they are not on record as such
            if item.secret_names == digest_of_names(resource.secret_names):
                local.secret_names[item.version_id] = resource.secret_names
        for seen in nameless(context.situation):
            if seen.version_id not in local.secret_names:
                found = await self._reads.version(context, seen.function_id, seen.version_id, with_names=True)
                if not isinstance(found, VersionSeen) or found.secret_names is None:
                    continue  # it is tried again, and nothing is sent to it meanwhile
                local.secret_names[seen.version_id] = found.secret_names
        versions = context.situation.versions
        shown = {seen.version_id for seen in versions}
        names = local.secret_names = {item: names for item, names in local.secret_names.items() if item in shown}
        return context.after(
            versions=tuple(
                replace(seen, secret_names=names.get(seen.version_id, seen.secret_names)) for seen in versions
            )
        )
