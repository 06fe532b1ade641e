"""Reads the instances of a deployed version, which NVCF shows with the function and never with the deployment.

That takes one more call, made with `--running-instances` only: beside a full read of the deployment, and when its
status has changed. Nothing depends on the answer: a failure is passed over, and a key that may not see instances is not
asked again for a while.
"""

from dataclasses import replace

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.models import Function
from nvcf_operator.accounts.calls import INSTANCES
from nvcf_operator.clock import Clock
from nvcf_operator.core.model.observed import FunctionStatus, InstancesSeen, Listed, Observation, Present, Unknown
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.report.instances import count
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.reconcile.context import Context
from nvcf_operator.settings import Settings
from nvcf_operator.state.local_state import InstancesRead

TIMEOUT = 10.0
"""Seconds for the call: what is reported of the deployment waits for it."""

AGAIN = 300.0
"""Seconds between two reads of a version that is ACTIVE and runs no instance."""


class Unread(Exception):  # noqa: N818  the name says what happened
    """The instances could not be read, which says nothing about them."""


class InstanceReads:
    """Reads instances where that is worthwhile.

    Args:
        settings: whether they are read, and how often.
        clock: seconds.

    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.enabled = settings.running_instances
        self._poll = settings.poll_interval
        self._deep = settings.deep_resync_interval
        self._clock = clock
        self._hidden_until: dict[Credential, float] = {}
        """The keys that may not see instances, and until when they are not tried again."""

    async def observe(self, context: Context, version: str, seen: Observation, *, verify: bool) -> Context:
        """Add the instances of a version to what was seen, if they are to be read now.

        Args:
            context: what is known.
            version: the version.
            seen: what was seen of its deployment.
            verify: whether a change of ours had yet to be read back.

        """
        reads = context.local.instances
        if isinstance(seen, Unknown):
            return context
        if not isinstance(seen, Present | Listed) or not _is_of_interest(context.resource, version, seen):
            reads.pop(version, None)
            return context
        last, now = reads.get(version), self._clock.monotonic()
        if not self._is_due(context, version, seen, last, verify=verify, now=now):
            return context
        reads[version] = InstancesRead(seen.status, now)
        try:
            function = await self._read(context, version, now)
        except Unread:
            if last is not None and last.again_at is not None:
                reads[version] = last._replace(at=now, again_at=now + max(self._poll, AGAIN))
            return context
        found = _instances(function, last, now) if function is not None else None
        if found is not None and found.status == FunctionStatus.ACTIVE and not found.running:
            pause = self._poll if not found.listed and found.none_for < self._poll else max(self._poll, AGAIN)
            again_at = now + pause if _orders_any(context, seen) else None
            reads[version] = InstancesRead(seen.status, now, None if found.listed else now - found.none_for, again_at)
        return context.after(instances={**(context.situation.instances or {}), version: found})

    def _is_due(
        self,
        context: Context,
        version: str,
        seen: Present | Listed,
        last: InstancesRead | None,
        *,
        verify: bool,
        now: float,
    ) -> bool:
        """Whether the instances are to be read. At rest that is with a full read of the deployment only."""
        resource = context.resource
        if last is None:
            return isinstance(seen, Present) or resource.status.function_status != seen.status
        if last.status != seen.status or resource.reconcile_requested or (last.again_at or now + 1.0) <= now:
            return True
        rests = seen.known_status == FunctionStatus.ACTIVE and not verify
        return isinstance(seen, Present) and now - last.at >= (self._deep / 2 if rests else self._poll)

    async def _read(self, context: Context, version: str, now: float) -> Function | None:
        """Read the function; None if the key may not see instances.

        Raises:
            Unread: it could not be read, or not all of its instances.

        """
        key = context.nvcf.credential
        if now < self._hidden_until.get(key, now):
            return None
        self._hidden_until.pop(key, None)
        request = endpoints.get_function(function_id=context.resource.function_id, function_version_id=version)
        try:
            answer = await context.nvcf.call(replace(request, operation=INSTANCES, timeout=TIMEOUT), context.caller)
        except nvcf_errors.Forbidden:
            return None
        except (LimiterClosed, nvcf_errors.NvcfError) as error:
            raise Unread from error
        if any("activeInstances" in text for text in answer.passed_over):
            raise Unread
        if answer.function.active_instances is None:
            self._hidden_until[key] = now + self._deep
            return None
        return answer.function


def _is_of_interest(resource: Resource, version: str, seen: Present | Listed) -> bool:
    """Whether status shows the instances of that version, or is about to."""
    if resource.deleting or seen.is_inactive:
        return False
    main = resource.status.function_version_id or resource.wanted_version
    return version == main or (version == resource.wanted_version and seen.serves)


def _instances(function: Function, last: InstancesRead | None, now: float) -> InstancesSeen:
    """What the function shows, with how long reads have shown no instance."""
    instances = function.active_instances or ()
    since = now
    if last is not None and last.none_since is not None:
        since = last.none_since
    active = FunctionStatus.of(function.status) == FunctionStatus.ACTIVE
    none_for = now - since if active and not instances else 0.0
    return InstancesSeen(
        FunctionStatus.ACTIVE if active else function.status, count(instances), len(instances), none_for
    )


def _orders_any(context: Context, seen: Present | Listed) -> bool:
    """Whether the deployment orders at least one instance."""
    known = context.resource.status.gpu_specifications
    specifications = seen.deployment.deployment_specifications if isinstance(seen, Present) else known
    return any(item.min_instances for item in specifications)
