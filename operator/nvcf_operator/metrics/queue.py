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
    depth = Gauge(PREFIX + "queue_depth", "Resources that are waiting for a worker.", ["lane"], registry=registry)
    overdue = Gauge(
        PREFIX + "queue_oldest_overdue_seconds",
        "How long the longest-waiting resource has been due for a worker.",
        ["lane"],
        registry=registry,
    )
    busy.set_function(lambda: queue.in_work)
    for lane in queue.depth():
        depth.labels(lane.name.lower()).set_function(partial(_of, lane, queue.depth))
        overdue.labels(lane.name.lower()).set_function(partial(_of, lane, queue.overdue))


def _of(lane: Any, read: Callable[[], Mapping[Any, float]]) -> float:
    return read()[lane]
