"""The main job as a story: a manifest goes to Active, a change, a graceful delete."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.cluster import Namespace, condition_of
from tests.support.environment import Environment, running_environment
from tests.support.installation import EXAMPLES
from tests.support.simulator import ECHO
from tests.support.waiting import eventually

MANIFEST = EXAMPLES / "functiondeployment.yaml"
NAMESPACE, NAME = "demo", "echo"
DEPLOY_SECONDS = 5.0
SETTINGS: dict[str, Any] = {"busy_poll_interval": 1.0, "poll_interval": 5.0}


def show() -> None:
    """Play the story; AssertionError when it does not go as it should."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nvcf-operator-demo-") as folder:
        say("Starting etcd, kube-apiserver and controller-manager, an NVCF simulator, and the operator under its own")
        say("ServiceAccount with the rights of deploy/base ...")
        with running_environment(Path(folder), behaviour={"deploySeconds": DEPLOY_SECONDS}, **SETTINGS) as environment:
            say(f"ready after {time.monotonic() - began:.0f} s")
            namespace = environment.namespace(NAMESPACE)
            applied(environment, namespace)
            changed(environment, namespace)
            deleted(environment, namespace)
    say(f"Done in {time.monotonic() - began:.0f} s; everything was ended and nothing is left behind.")


def applied(environment: Environment, namespace: Namespace) -> None:
    """Apply the manifest and watch it become Ready."""
    step(f"kubectl apply -f deploy/examples/{MANIFEST.name}")
    print(indented(MANIFEST.read_text()))
    cursor = environment.simulator.cursor
    environment.plane.kubectl("-n", NAMESPACE, "apply", "-f", str(MANIFEST))
    watched(namespace, lambda found: ready(found), within=60, what="Ready")
    say("What NVCF was asked:")
    requests(environment, cursor)


def changed(environment: Environment, namespace: Namespace) -> None:
    """Raise maxInstances and show the one call that this makes."""
    step("kubectl patch functiondeployment echo: maxInstances 2 -> 5")
    cursor = environment.simulator.cursor
    namespace.scale(NAME, maxInstances=5)

    def in_force(found: dict[str, Any] | None) -> bool:
        return ready(found) and (found or {})["status"].get("instances") == "1-5"

    watched(namespace, in_force, within=30, what="the new maximum")
    requests(environment, cursor)


def deleted(environment: Environment, namespace: Namespace) -> None:
    """Delete with requests in the queue and show the drain."""
    step("kubectl delete functiondeployment echo, while NVCF has 2 requests in the queue")
    environment.simulator.change(ECHO, queueDepth=2)
    cursor = environment.simulator.cursor
    namespace.delete(NAME)
    watched(
        namespace,
        lambda found: (
            bool(environment.simulator.log(cursor, operation="deleteDeployment"))
            and (found or {}).get("status", {}).get("phase") == "Draining"
        ),
        within=30,
        what="the drain",
    )
    say("The finalizer holds the resource while the last requests are answered. The queue empties ...")
    environment.simulator.change(ECHO, queueDepth=0)
    watched(namespace, lambda found: found is None, within=60, what="the end of the drain")
    requests(environment, cursor)
    alive = environment.simulator.allocations()
    assert not alive, f"instances are left in NVCF: {alive}"
    say("NVCF runs no instance any more, and the resource is gone.")


def watched(namespace: Namespace, done: Callable[[dict[str, Any] | None], bool], *, within: float, what: str) -> None:
    """Print the resource's line whenever it changes, until it is as wanted."""
    shown: list[str] = []

    def look() -> dict[str, Any] | None:
        found = namespace.find(NAME)
        line = row(found)
        if not shown or shown[-1] != line:
            if not shown:
                print(f"    {'READY':7}{'PHASE':11}{'INSTANCES':11}MESSAGE")
            shown.append(line)
            print(f"    {line}", flush=True)
        return found

    eventually(look, done, within=within, what=what)


def row(found: dict[str, Any] | None) -> str:
    """A resource as one line."""
    if found is None:
        return "(gone)"
    status, condition = found.get("status", {}), condition_of(found, "Ready")
    columns = (condition.get("status", "-"), status.get("phase", "-"), status.get("instances", "-"))
    return f"{columns[0]:7}{columns[1]:11}{columns[2]:11}{condition.get('message', '')[:90]}"


def ready(found: dict[str, Any] | None) -> bool:
    """Whether the manifest as it stands is in force."""
    if found is None:
        return False
    condition = condition_of(found, "Ready")
    return condition.get("status") == "True" and condition["observedGeneration"] == found["metadata"]["generation"]


def requests(environment: Environment, cursor: int) -> None:
    """Print what NVCF was asked since then; polls of the list only once."""
    polled = False
    for entry in environment.simulator.log(cursor):
        if entry["operation"] == "listFunctions":
            if polled:
                continue
            polled = True
        query = f"?{entry['query']}" if entry["query"] else ""
        body = f"  {entry['body']}" if entry["body"] and entry["mutating"] else ""
        print(f"    {entry['method']:6} {entry['path'].removeprefix('/v2/nvcf')}{query} -> {entry['status']}{body}")


def step(text: str) -> None:
    """Print a headline."""
    print(f"\n$ {text}", flush=True)


def say(text: str) -> None:
    """Print a line."""
    print(f"  {text}", flush=True)


def indented(text: str) -> str:
    """The lines of a manifest that are not comments, indented."""
    return "\n".join(f"    {line}" for line in text.splitlines() if not line.startswith("#"))
