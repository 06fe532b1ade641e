"""Makes a plan: has the operator's own loop reconcile each manifest until it would write to NVCF, or has nothing to do.

The first write that NVCF is asked for is the plan of a resource. What the operator only waits out, such as the settle
after a crash or the pause before a retry, is skipped by a clock of the plan's own.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from nvcf_operator.api.conditions import READY
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.commands.plan import outcomes
from nvcf_operator.commands.plan.changes import GpuCount
from nvcf_operator.commands.plan.entries import Entries, Work
from nvcf_operator.commands.plan.loop.ahead import read_ahead
from nvcf_operator.commands.plan.loop.channel import Reader, RefusedWrite
from nvcf_operator.commands.plan.loop.expected import Expected
from nvcf_operator.commands.plan.loop.objects import as_applied
from nvcf_operator.commands.plan.loop.operation import Operation
from nvcf_operator.commands.plan.loop.ports import PlannedSecrets
from nvcf_operator.commands.plan.model import Action, Manifest, Plan
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.informer.digests import key_of
from nvcf_operator.reconcile.ports import Credentials, SecretStore
from nvcf_operator.settings import Settings

logging.getLogger("nvcf_operator").addHandler(logging.NullHandler())  # a plan says itself what the loop would log

MOST_STEPS = 400
"""Reconciles of one resource, after which what it waits for is taken not to come."""

LONGEST_WAIT = 6 * 3600.0
"""Seconds that the plan's clock skips for one resource."""

LONGEST_REST = 900.0
"""The same for one that is in force."""

AT_ONCE = 0.5
"""Seconds below which a decision asks to be followed by the next one, and waits for nothing."""


def gpus_unknown(gpu: str, instance_type: str | None) -> int | None:
    """No catalogue was read."""
    return None


async def make_plan(
    manifests: Sequence[Manifest],
    settings: Settings,
    credentials: Credentials,
    connect: Callable[[Credential], Reader],
    *,
    others: Sequence[Mapping[str, Any]] = (),
    secrets: SecretStore | None = None,
    gpus: GpuCount = gpus_unknown,
) -> Plan:
    """Say what the operator would do first for each manifest, if all were applied at once.

    Args:
        manifests: those to plan for, each a resource of its own.
        settings: of the operator that is planned for.
        credentials: where keys come from.
        connect: makes the client that reads NVCF with a credential.
        others: further objects of the cluster, which may be referred to or hold the same versions.
        secrets: where the Secrets of CloudFunctions are read; None where they are not.
        gpus: GPUs of one instance.

    """
    planner = Planner(settings, credentials, connect, secrets=secrets, gpus=gpus)
    try:
        return await planner.plan(manifests, others)
    finally:
        await planner.close()


class Planner:
    """Makes plans.

    Args:
        settings, credentials, connect, secrets, gpus: as of `make_plan`.
        began: the time of day, in seconds since the epoch; by default the machine's.

    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        connect: Callable[[Credential], Reader],
        *,
        secrets: SecretStore | None = None,
        gpus: GpuCount = gpus_unknown,
        began: float | None = None,
    ) -> None:
        stored = PlannedSecrets(secrets)
        began = time.time() if began is None else began
        self.operation = Operation(settings, credentials, stored, connect, began=began)
        self._expected = Expected(self.operation)
        self._entries = Entries(self.operation, self._expected, stored, gpus)

    async def close(self) -> None:
        """Give up all connections."""
        await self.operation.accounts.close()

    async def plan(self, manifests: Sequence[Manifest], others: Sequence[Mapping[str, Any]] = ()) -> Plan:
        """Plan for all manifests."""
        now = self.operation.clock.now()
        work = [Work(manifest, key_of(manifest.document)) for manifest in manifests]
        given = {item.key for item in work}
        for obj in others:
            if key_of(obj) not in given:
                self.operation.apply(obj)
        for number, item in enumerate(work):  # the first one given is the oldest
            self.operation.apply(as_applied(item.manifest, now + timedelta(seconds=number)))
        deployments = [item for item in work if item.key.kind == FUNCTION_DEPLOYMENT]
        await read_ahead(self.operation, [item.key for item in work])
        for item in work:
            if item.key.kind == CLOUD_FUNCTION:
                await self._one(item)
        for item in deployments:
            await self._one(item)
        for item in deployments:
            await self._after_registration(item)
        return Plan(tuple(item.planned for item in work if item.planned is not None))

    async def _one(self, item: Work) -> None:
        """Reconcile one resource until it is known what comes first."""
        refused: RefusedWrite | None = None
        for _ in range(MOST_STEPS):
            try:
                result = await self.operation.reconcile(item.key)
            except RefusedWrite as write:
                refused = write
            item.adopts |= self.operation.notes.shows(item.key, Reason.ADOPTED)
            if refused is not None or not self._goes_on(item, result.requeue):
                break
        item.planned = self._entries.entry(item, refused)
        decided = self.operation.decided
        if refused is not None and decided.context is not None and decided.decision is not None:
            self._expected.writes(item.key, decided.context, decided.decision.action)

    def _goes_on(self, item: Work, requeue: tuple[Any, float] | None) -> bool:
        """Let time pass to the next reconcile, if that is all that the operator waits for."""
        decision = self.operation.decided.decision
        if self.operation.get(item.key) is None or requeue is None:
            return False
        if decision is None:  # it was outdated, or a lock was in the way
            wait = requeue[1]
        elif decision.requeue is None:
            return False
        else:
            wait = decision.requeue
            if wait > AT_ONCE and not self._settles(item.key):
                return False
        resource = self.operation.get(item.key)
        ready = resource.condition(READY) if resource is not None else None
        at_rest = ready is not None and ready.reason in outcomes.AT_REST
        if item.skipped + wait > (LONGEST_REST if at_rest else LONGEST_WAIT):
            return False
        item.skipped += wait
        self.operation.time.seconds += wait
        return True

    def _settles(self, key: Key) -> bool:
        """Whether what is reported passes with time alone."""
        resource = self.operation.get(key)
        ready = resource.condition(READY) if resource is not None else None
        if ready is None or ready.reason not in outcomes.SETTLES:
            return False
        if ready.reason != Reason.FUNCTION_NOT_READY:
            return True
        reference = resource.reference if isinstance(resource, Resource) else None
        return reference is not None and reference.missing is None

    async def _after_registration(self, item: Work) -> None:
        """Plan for a follower of a function that would be registered, or brought up to date, as if it were."""
        resource = self.operation.get(item.key)
        waits = item.planned is not None and item.planned.reason == Reason.FUNCTION_NOT_READY
        if not waits or item.planned is None or item.planned.action != Action.WAIT:
            return
        if not isinstance(resource, Resource) or resource.spec is None or resource.spec.function_ref is None:
            return
        function = Key(item.key.namespace, resource.spec.function_ref.name, CLOUD_FUNCTION)
        if self._expected.take_in(function):
            item.after = function.name
            await self._one(item)
