"""The scenarios that the call logs and the crashes are about: each a few lines of what users do and NVCF does.

`prepare` brings about what the scenario begins with; the calls from then on are counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.environment import Run

GPU = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}


@dataclass(frozen=True)
class Scenario:
    """One thing that happens to a resource."""

    title: str
    play: Callable[[Run], object]
    prepare: Callable[[Run], object] = lambda run: None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What `Environment.run` takes."""


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
    run.scale(maxInstances=5)
    run.until_ready()


def put(run: Run) -> None:
    run.scale(maxRequestConcurrency=8, maxInstances=3)
    run.until_ready()


def delete(run: Run) -> None:
    run.happens("two requests are queued").change(run.versions[0], queueDepth=2)
    run.delete()
    run.until_phase("Draining")
    run.until_asked(operation="getDeployment")
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


def redeploy(run: Run) -> None:
    run.scale(gpu="H100", instanceType="NCP.GPU.H100_1x")
    run.until_ready()


def redeploy_on_request(run: Run) -> None:
    before = run.get()["status"]["deploymentId"]
    run.annotate(redeploy_requested_at="monday")
    run.until(lambda found: found["status"].get("deploymentId") not in (None, before), "another deployment")
    run.until_ready()


def two_versions(run: Run, **manifest: Any) -> None:
    """Begin with a resource that is Ready, and another version of its function."""
    deployed(run, **manifest)
    run.add_version()
    run.until_asked(2, operation="listFunctions")  # the list that shows it has come by then


def roll_out(run: Run) -> None:
    run.edit(functionVersionId=run.versions[1])
    run.until_ready()
    run.until(lambda found: not found["status"].get("retiring"), "the former version is gone")


def given_up(run: Run) -> None:
    """Begin with a deployment that NVCF gave up."""
    run.simulator.instance_behaviour(run.versions[0], outcome="fail", error="bad image")
    run.apply()
    run.until_phase("Failed")


def retry(run: Run) -> None:
    run.happens("instances start again").instance_behaviour(run.versions[0], outcome="run")
    run.until_ready()


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
    "redeploy": Scenario(
        "The GPU changes, which needs another deployment, and the manifest allows that.",
        redeploy,
        lambda run: deployed(run, rollout={"immutableChange": "Redeploy"}),
    ),
    "redeploy-on-request": Scenario("A person asks for another deployment.", redeploy_on_request, deployed),
    "blue-green": Scenario("Another version is wanted: it comes up, then the former one goes.", roll_out, two_versions),
    "recreate": Scenario(
        "Another version is wanted: the former one goes, then it comes up.",
        roll_out,
        lambda run: two_versions(run, rollout={"versionChange": "Recreate"}),
    ),
    "retry": Scenario(
        "NVCF gave the deployment up: it is undeployed and made again.",
        retry,
        given_up,
        {"retry_seconds": 10.0},  # the scenario has to begin before that, also where 40 operators share a machine
    ),
}
