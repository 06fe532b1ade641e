"""The scenarios that the call logs and the crashes are about: each a few lines of what people do and NVCF does.

`prepare` brings about what the scenario begins with; the calls from then on are counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.world import Run

GPU = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}


@dataclass(frozen=True)
class Scenario:
    """One thing that happens to a resource."""

    title: str
    play: Callable[[Run], object]
    prepare: Callable[[Run], object] = lambda run: None
    settings: Mapping[str, Any] = field(default_factory=dict)


def deployed(run: Run, **manifest: Any) -> None:
    """Begin with a resource that is Ready."""
    run.apply(**manifest)
    run.until_ready()


def deployed_by_somebody(run: Run) -> None:
    """Begin with a deployment that the operator does not know."""
    run.simulator.deploy(run.versions[0], GPU)
    run.until_in_nvcf("ACTIVE")


def create(run: Run) -> None:
    run.apply()
    run.until_ready()


def patch(run: Run) -> None:
    cursor = run.simulator.cursor
    run.scale(maxInstances=5)
    run.until_ready()
    run.until_asked(2, since=cursor, operation="getDeployment")  # before the change, and after the server's own loop


def put(run: Run) -> None:
    cursor = run.simulator.cursor
    run.scale(maxRequestConcurrency=8, maxInstances=3)
    run.until_ready()
    run.until_asked(2, since=cursor, operation="getDeployment")


def delete(run: Run) -> None:
    run.happens("two requests are queued").change(run.versions[0], queueDepth=2)
    run.delete()
    run.until_phase("Draining")
    run.happens("the queue is empty").change(run.versions[0], queueDepth=0)
    run.until_gone()


def delete_by_force(run: Run) -> None:
    run.happens("two requests are queued, and stay so").change(run.versions[0], queueDepth=2)
    run.delete()
    run.until_gone()


def adopt(run: Run) -> None:
    run.apply()
    run.until_ready()


def rotate_key(run: Run) -> None:
    run.until_asked(key=run.use_key())


SCENARIOS: Mapping[str, Scenario] = {
    "create": Scenario("A manifest is applied, and nothing is deployed yet.", create),
    "patch": Scenario("The maximum changes in place.", patch, deployed),
    "put": Scenario(
        "The concurrency, which only PUT can change, and the maximum change in place.",
        put,
        lambda run: deployed(run, gpu={"maxRequestConcurrency": 2}),
    ),
    "delete": Scenario("The resource is deleted while requests are queued; the queue drains.", delete, deployed),
    "delete-by-force": Scenario(
        "The resource is deleted while requests are queued; the drain takes too long and is cut short.",
        delete_by_force,
        lambda run: deployed(run, undeploy={"drainTimeoutSeconds": 1}),
    ),
    "adopt": Scenario("A manifest is applied for what somebody has deployed.", adopt, deployed_by_somebody),
    "rotate-key": Scenario("The Secret gets another key of the same account.", rotate_key, deployed),
}
