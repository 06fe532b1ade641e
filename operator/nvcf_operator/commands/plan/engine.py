"""Makes a plan: has the operator's own loop reconcile each manifest until it would write to NVCF, or has nothing to do.

The first write that NVCF is asked for is the plan of a resource. What the operator only waits out, such as the settle
after a crash or the pause before a retry, is skipped by a clock of the plan's own.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nvcf_client import endpoints
from nvcf_operator.api.conditions import READY
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.commands.plan import changes, outcomes
from nvcf_operator.commands.plan.changes import GpuCount
from nvcf_operator.commands.plan.expected import Expected
from nvcf_operator.commands.plan.model import Action, Basis, Manifest, Orders, Plan, Planned
from nvcf_operator.commands.plan.objects import as_applied
from nvcf_operator.commands.plan.operation import Operation
from nvcf_operator.commands.plan.ports import PlannedSecrets, Reader, RefusedWrite
from nvcf_operator.commands.plan.ways_out import WAYS_OUT
from nvcf_operator.core.functions.model.decision import SendSecrets
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.decision import DropFinalizer
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Failure, Situation
from nvcf_operator.core.model.versions import versions_of_interest
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

UNREAD = (
    "Not all Secrets behind spec.secrets were read, so it is not known whether their values have changed, nor whether "
    "they can be used."
)
SENT_PERHAPS = (
    "The Secrets have changed since their values were sent. An operator that has run since then knows which values are "
    "others, and sends those only."
)
SPEC_MERGED = "The cluster's object was merged with the manifest locally; a server-side apply may give another result."


def gpus_unknown(gpu: str, instance_type: str | None) -> int | None:
    """No catalogue was read."""
    return None


@dataclass(slots=True)
class _Work:
    """One manifest on its way to its entry of the plan."""

    manifest: Manifest
    key: Key
    adopts: bool = False
    after: str | None = None
    planned: Planned | None = None
    skipped: float = 0.0
    """Seconds that the plan's clock has skipped for it."""
    notes: list[str] = field(default_factory=list)


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
        self._secrets = PlannedSecrets(secrets)
        began = time.time() if began is None else began
        self.operation = Operation(settings, credentials, self._secrets, connect, began=began)
        self._gpus = gpus
        self._expected = Expected(self.operation)

    async def close(self) -> None:
        """Give up all connections."""
        await self.operation.accounts.close()

    async def plan(self, manifests: Sequence[Manifest], others: Sequence[Mapping[str, Any]] = ()) -> Plan:
        """Plan for all manifests."""
        now = self.operation.clock.now()
        work = [_Work(manifest, key_of(manifest.document)) for manifest in manifests]
        given = {item.key for item in work}
        for obj in others:
            if key_of(obj) not in given:
                self.operation.apply(obj)
        for number, item in enumerate(work):  # the first one given is the oldest
            self.operation.apply(as_applied(item.manifest, now + timedelta(seconds=number)))
        deployments = [item for item in work if item.key.kind == FUNCTION_DEPLOYMENT]
        await self._read_ahead(deployments)
        for item in work:
            if item.key.kind == CLOUD_FUNCTION:
                await self._one(item)
        for item in deployments:
            await self._one(item)
        for item in deployments:
            await self._after_registration(item)
        return Plan(tuple(item.planned for item in work if item.planned is not None))

    async def _read_ahead(self, work: Sequence[_Work]) -> None:
        """Read at the same time what the decisions will read one after the other: deployments that no list shows."""
        reads = []
        for item in work:
            resource = self.operation.get(item.key)
            if not isinstance(resource, Resource) or resource.spec is None or resource.holds:
                continue
            local = self.operation.stages_of(item.key).recall(resource)
            credential = await self.operation.access.credential(resource, local)
            if isinstance(credential, Failure):
                continue
            channel = self.operation.accounts.of(item.key, credential).channel
            reads += [
                channel.warm(endpoints.get_deployment(function_id=resource.function_id, function_version_id=version))
                for version in versions_of_interest(resource)
            ]
        await asyncio.gather(*reads)

    async def _one(self, item: _Work) -> None:
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
        item.planned = self._planned(item, refused)
        decided = self.operation.decided
        if refused is not None and decided.context is not None and decided.decision is not None:
            self._expected.writes(item.key, decided.context, decided.decision.action)

    def _goes_on(self, item: _Work, requeue: tuple[Any, float] | None) -> bool:
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

    async def _after_registration(self, item: _Work) -> None:
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

    def _planned(self, item: _Work, refused: RefusedWrite | None) -> Planned:
        decided, resource = self.operation.decided, self.operation.get(item.key)
        ready = resource.condition(READY) if resource is not None else None
        reason, message = (ready.reason, ready.message) if ready is not None else ("", "")
        action, situation = outcomes.of_reason(reason), None
        if decided.context is not None:
            situation = decided.context.situation
        did = decided.decision.action if decided.decision is not None else None
        if refused is not None:
            if isinstance(situation, FunctionSituation):
                action = outcomes.of_function(situation, did)
            elif isinstance(situation, Situation):
                action = outcomes.of_deployment(situation, did)
            meanwhile = decided.meanwhile
            reason, message = (meanwhile.reason, meanwhile.message) if meanwhile is not None else ("", "")
        elif resource is None or isinstance(did, DropFinalizer):
            action = Action.UNCHANGED
        if self._secrets.lacks(resource):
            item.notes.append(UNREAD)
            if refused is not None and isinstance(did, SendSecrets):
                action, refused = Action.UNCHANGED, None
        elif isinstance(did, SendSecrets):
            item.notes.append(SENT_PERHAPS)
        adopts = item.adopts or action == Action.ADOPT
        if action == Action.UNCHANGED and adopts:
            action = Action.ADOPT
        return Planned(
            kind=item.key.kind.name,
            namespace=item.key.namespace,
            name=item.key.name,
            source=item.manifest.source,
            action=action,
            reason=str(reason),
            message=self._expected.text(message),
            ways_out=WAYS_OUT.get(reason, ()) if action.fails else (),
            changes=tuple(map(self._expected.change, self._changes(item, situation, did, action))),
            first_write=self._expected.named(item.key, refused.write) if refused is not None else None,
            after=item.after if action.changes else None,
            waits=item.skipped if refused is not None else 0.0,
            adopts=adopts,
            downtime=action == Action.REDEPLOY,
            orders=changes.orders(situation, resource, action, self._gpus)
            if isinstance(situation, Situation)
            else Orders(),
            basis=item.manifest.basis if item.manifest.recorded is not None else Basis.NEW,
            notes=(*item.notes, *([SPEC_MERGED] if item.manifest.basis == Basis.MERGED else ())),
        )

    def _orders(self, situation: Any, resource: Any, action: Action) -> Orders:
        if not isinstance(situation, Situation):
            return Orders()
        return changes.orders(situation, resource, action, self._gpus)

    def _changes(self, item: _Work, situation: Any, did: Any, action: Action) -> tuple[Any, ...]:
        if isinstance(situation, FunctionSituation):
            recorded = item.manifest.recorded or {}
            return changes.of_function(situation, did, recorded.get("spec")) if action.changes else ()
        if not isinstance(situation, Situation):
            return ()
        if action == Action.REFUSE:
            return changes.of_refusal(situation)
        return changes.of_deployment(situation, did, action) if action.changes and did is not None else ()
