"""How a reconcile ends, and when the resource is reconciled again without anything new."""

import logging
import random
from typing import NamedTuple

from nvcf_operator import backoff
from nvcf_operator.api.names import Key
from nvcf_operator.backoff import Backoff
from nvcf_operator.clock import Clock
from nvcf_operator.core.model.decision import Decision
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.reconcile.ports import Accounts
from nvcf_operator.state.local_state import LocalState

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
        deep_interval: seconds between two reads of a deployment, though the list says nothing new.
        rate: calls to NVCF a second.
        redeploy_settle: seconds after which an in-place change is read back.

    """

    def __init__(
        self, accounts: Accounts, clock: Clock, *, deep_interval: float, rate: float, redeploy_settle: float
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._deep_interval = deep_interval
        self._rate = rate
        self._redeploy_settle = redeploy_settle

    def crowded(self, key: Key, priority: Priority) -> ReconcileResult:
        """Too many wait at the account's limiter: come back by how many resources share it."""
        pause = random.uniform(0.1, 0.5) + random.uniform(0.0, self._accounts.sharing(key) / self._rate)
        return ReconcileResult("crowded", (priority, pause))

    def outdated(self, local: LocalState, priority: Priority) -> ReconcileResult:
        """The resource is not what was read: read it again, ever more slowly."""
        pause = 0.0 if local.outdated == 0 else OUTDATED.after(local.outdated - 1) * random.uniform(0.75, 1.25)
        local.outdated += 1
        return ReconcileResult("outdated", (priority, pause))

    def vanished(self, priority: Priority) -> ReconcileResult:
        """The object is gone; another one may have its name."""
        return ReconcileResult("outdated", (priority, 1.0))

    def refused(self, local: LocalState, priority: Priority) -> ReconcileResult:
        """The API server does not take the status."""
        wait = backoff.refused_by_cluster(local.attempts) * random.uniform(1.0, 1.3)
        local.ended(self._clock.monotonic(), wait=wait)
        return ReconcileResult("kube_error", (priority, wait))

    def failed(self, local: LocalState, priority: Priority) -> ReconcileResult:
        """The API server does not answer as it should."""
        wait = backoff.short(local.attempts) * random.uniform(0.75, 1.25)
        local.ended(self._clock.monotonic(), wait=wait)
        return ReconcileResult("kube_error", (priority, wait))

    def decided(self, local: LocalState, decision: Decision, priority: Priority) -> Requeue:
        """All was done and recorded: come back for what the decision waits for, or for the next read."""
        now = self._clock.monotonic()
        if local.deep_at <= 0.0:
            local.deep_at = now + self._until_deep_read(first=local.last_get_at < 0.0)
        elif now >= local.deep_at:
            local.deep_at = now + self._until_deep_read(first=False)
        causes = {"the next full read": local.deep_at - now}
        if local.verify_at is not None:  # if that is over, something kept this reconcile from reading it
            left = local.verify_at - now
            causes["reading a change back"] = left + 0.01 if left > 0.0 else self._redeploy_settle
        if decision.requeue is not None:
            jitter = random.uniform(1.0, 1.3) if decision.backoff else 1.0
            causes["a retry" if decision.backoff else "the decision"] = decision.requeue * jitter
        cause, delay = min(causes.items(), key=lambda item: item[1])
        log.debug("next reconcile in %.1f s, for %s", max(0.0, delay), cause)
        local.ended(now, wait=delay if decision.backoff else None)
        if delay > 1.0 and not decision.backoff:  # what waits for a failure to pass is still what a user asked for
            under_way = decision.busy or (decision.condition_set is not None and decision.condition_set.reconciling)
            priority = Priority.IN_PROGRESS if under_way else Priority.LOW
        return priority, max(0.0, delay)

    def _until_deep_read(self, *, first: bool) -> float:
        """Seconds until the next deep read: for the first one after a start anywhere in the interval."""
        interval = self._deep_interval
        return random.uniform(0.0, interval) if first else interval * random.uniform(0.9, 1.1)
