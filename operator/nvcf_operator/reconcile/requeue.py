"""How a reconcile ends, and when the resource is reconciled again without anything new."""

import logging
import random
from collections.abc import Mapping
from typing import NamedTuple

from nvcf_operator import backoff
from nvcf_operator.api.names import Key
from nvcf_operator.backoff import Backoff
from nvcf_operator.clock import Clock
from nvcf_operator.core.rules.version_locks import WAIT
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.reconcile.ports import Accounts
from nvcf_operator.reconcile.stages import AnyDecision
from nvcf_operator.state.managed_state import AnyLocalState

log = logging.getLogger(__name__)

Requeue = tuple[Priority, float]
"""Priority and seconds."""


OUTDATED = Backoff(0.2, 30.0)
"""Between two tries to reconcile a resource that has changed meanwhile."""


class ReconcileResult(NamedTuple):
    """How a reconcile has ended."""

    result: str
    """One of `metrics.metrics.RESULTS`."""
    requeue: Requeue | None
    """When to reconcile again without anything new."""


class Requeues:
    """The pause after each way to end.

    Args:
        accounts: the accounts in use.
        clock: seconds.
        rate: calls to NVCF a second.

    """

    def __init__(self, accounts: Accounts, clock: Clock, *, rate: float) -> None:
        self._accounts = accounts
        self._clock = clock
        self._rate = rate

    def crowded(self, key: Key, priority: Priority) -> ReconcileResult:
        """Too many wait at the account's limiter: come back by how many resources share it."""
        pause = random.uniform(0.1, 0.5) + random.uniform(0.0, self._accounts.sharing(key) / self._rate)
        return ReconcileResult("crowded", (priority, pause))

    def outdated(self, local: AnyLocalState, priority: Priority) -> ReconcileResult:
        """The resource is not what was read: read it again, ever more slowly."""
        pause = 0.0 if local.outdated == 0 else OUTDATED.after(local.outdated - 1) * random.uniform(0.75, 1.25)
        local.outdated += 1
        return ReconcileResult("outdated", (priority, pause))

    def busy(self, seconds: float, priority: Priority) -> ReconcileResult:
        """Something else writes the function version: come back soon, and report a longer wait then."""
        return ReconcileResult("outdated", (priority, min(seconds, WAIT)))

    def vanished(self, priority: Priority) -> ReconcileResult:
        """The object is gone; another one may have its name."""
        return ReconcileResult("outdated", (priority, 1.0))

    def refused(self, local: AnyLocalState, priority: Priority) -> ReconcileResult:
        """The API server does not take the status."""
        wait = backoff.refused_by_cluster(local.attempts) * random.uniform(1.0, 1.3)
        local.ended(self._clock.monotonic(), wait=wait)
        return ReconcileResult("kube_error", (priority, wait))

    def failed(self, local: AnyLocalState, priority: Priority) -> ReconcileResult:
        """The API server does not answer as it should."""
        wait = backoff.short(local.attempts) * random.uniform(0.75, 1.25)
        local.ended(self._clock.monotonic(), wait=wait)
        return ReconcileResult("kube_error", (priority, wait))

    def decided(
        self, local: AnyLocalState, decision: AnyDecision, priority: Priority, due: Mapping[str, float]
    ) -> Requeue | None:
        """All was done and recorded: come back for what the decision waits for, or for what is due by then.

        Args:
            local: what is remembered of the resource.
            decision: the last one.
            priority: of this reconcile.
            due: seconds until it is reconciled without anything new, by the cause.

        """
        now, causes = self._clock.monotonic(), dict(due)
        if decision.requeue is not None:
            jitter = random.uniform(1.0, 1.3) if decision.backoff else 1.0
            causes["a retry" if decision.backoff else "the decision"] = decision.requeue * jitter
        if not causes:
            local.ended(now, wait=None)
            return None
        cause, delay = min(causes.items(), key=lambda item: item[1])
        log.debug("next reconcile in %.1f s, for %s", max(0.0, delay), cause)
        local.ended(now, wait=delay if decision.backoff else None)
        if delay > 1.0 and not decision.backoff:  # what waits for a failure to pass is still what a user asked for
            under_way = decision.busy or (decision.condition_set is not None and decision.condition_set.reconciling)
            priority = Priority.IN_PROGRESS if under_way else Priority.LOW
        return priority, max(0.0, delay)
