"""The work queue, read when the metrics are."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Gauge

from nvcf_operator.metrics.names import PREFIX


class Queue(Protocol):
    """What is asked of the work queue."""

    @property
    def in_work(self) -> int:
        """Keys being worked on."""

    def depth(self) -> Mapping[Any, int]:
        """Keys due, by lane."""

    def overdue(self) -> Mapping[Any, float]:
        """Seconds that the longest waiting key is overdue, by lane."""


def watch(queue: Queue, registry: CollectorRegistry) -> None:
    """Show how many resources wait in which lane, for how long, and how many workers have one."""
    busy = Gauge(PREFIX + "workers_busy", "Workers that are reconciling a resource.", registry=registry)
    depth = Gauge(PREFIX + "queue_depth", "Resources that are waiting for a worker.", ["priority"], registry=registry)
    overdue = Gauge(
        PREFIX + "queue_oldest_overdue_seconds",
        "How long the longest-waiting resource has been due for a worker.",
        ["priority"],
        registry=registry,
    )
    busy.set_function(lambda: queue.in_work)
    for priority in queue.depth():
        depth.labels(priority.name.lower()).set_function(partial(_of, priority, queue.depth))
        overdue.labels(priority.name.lower()).set_function(partial(_of, priority, queue.overdue))


def _of(priority: Any, read: Callable[[], Mapping[Any, float]]) -> float:
    return read()[priority]
