"""The main job as a story: a function from its image to Active, a change, another image, a graceful delete."""

import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT
from tests.support.cluster import Namespace, condition_of
from tests.support.environment import Environment, running_environment
from tests.support.installation import EXAMPLES
from tests.support.waiting import eventually

MANIFEST = EXAMPLES / "cloudfunction.yaml"
NAMESPACE, NAME = "demo", "chat"
OTHER_IMAGE = "nvcr.io/acme/chat:1.4.3"
DEPLOY_SECONDS = 5.0
SETTINGS: dict[str, Any] = {"busy_poll_interval": 1.0, "poll_interval": 5.0}

UUID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")

Resource = dict[str, Any] | None
"""One of the two resources; None when it is gone."""


def show() -> None:
    """Play the story; AssertionError when it does not go as it should."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nvcf-operator-demo-") as folder:
        say("Starting etcd, kube-apiserver and controller-manager, an NVCF simulator, and the operator under its own")
        say("ServiceAccount with the rights of deploy/base ...")
        with running_environment(Path(folder), behaviour={"deploySeconds": DEPLOY_SECONDS}, **SETTINGS) as environment:
            say(f"ready after {time.monotonic() - began:.0f} s")
            demo = Demo(environment, environment.namespace(NAMESPACE))
            demo.apply()
            demo.scale()
            demo.roll_out()
            demo.delete()
    say(f"Done in {time.monotonic() - began:.0f} s; everything was ended and nothing is left behind.")


class Demo:
    """The steps, each with what it does to the resources and what it makes the operator ask of NVCF."""

    def __init__(self, environment: Environment, namespace: Namespace) -> None:
        self._environment = environment
        self._simulator = environment.simulator
        self._deployments = namespace
        self._functions = replace(namespace, kind=CLOUD_FUNCTION)

    def apply(self) -> None:
        """Apply the manifest and watch both resources become Ready."""
        step(f"kubectl apply -f deploy/examples/{MANIFEST.name}")
        print(indented(MANIFEST.read_text()))
        cursor = self._simulator.cursor
        self._environment.plane.kubectl("-n", NAMESPACE, "apply", "-f", str(MANIFEST))
        self._watch(lambda function, deployment: ready(function) and ready(deployment), within=60, what="Ready")
        say("What NVCF was asked:")
        self._requests(cursor)

    def scale(self) -> None:
        """Raise maxInstances and show the one call that this makes."""
        step(f"kubectl patch functiondeployment {NAME}: maxInstances 2 -> 5")
        cursor = self._simulator.cursor
        self._deployments.scale(NAME, maxInstances=5)

        def in_force(_: Resource, deployment: Resource) -> bool:
            return ready(deployment) and status_of(deployment).get("instances") == "1-5"

        self._watch(in_force, within=30, what="the new maximum")
        self._requests(cursor)

    def roll_out(self) -> None:
        """Change the image and watch another version take the place of the one that serves."""
        step(f"kubectl patch cloudfunction {NAME}: containerImage {OTHER_IMAGE}")
        cursor, former = self._simulator.cursor, self._version()
        self._simulator.change(former, queueDepth=2)
        self._functions.edit(NAME, template={"containerImage": OTHER_IMAGE})
        self._watch(lambda _, deployment: bool(status_of(deployment).get("retiring")), within=90, what="the drain")
        say("The new version serves, while the former one answers its last 2 requests. Its queue empties ...")
        self._simulator.change(former, queueDepth=0)
        self._watch(lambda function, deployment: ready(function) and ready(deployment), within=60, what="Ready")
        self._requests(cursor)
        say("The former version is undeployed. It stays registered for a quick rollback.")

    def delete(self) -> None:
        """Delete both with requests in the queue and show the drain."""
        step(f"kubectl patch cloudfunction {NAME}: deletionPolicy Retain -> Delete")
        self._functions.edit(NAME, deletionPolicy="Delete")

        def to_be_deleted(function: Resource, deployment: Resource) -> bool:
            return has_finalizer(function) and ready(function) and ready(deployment)

        self._watch(to_be_deleted, within=30, what="the finalizer")
        step(f"kubectl delete -f deploy/examples/{MANIFEST.name}, while NVCF has 2 requests in the queue")
        version = self._version()
        self._simulator.change(version, queueDepth=2)
        cursor = self._simulator.cursor
        self._functions.delete(NAME)
        self._deployments.delete(NAME)

        def drains(_: Resource, deployment: Resource) -> bool:
            asked = bool(self._simulator.log(cursor, operation="deleteDeployment"))
            return asked and status_of(deployment).get("phase") == "Draining"

        self._watch(drains, within=30, what="the drain")
        say("The finalizers hold both resources while the last requests are answered. The queue empties ...")
        self._simulator.change(version, queueDepth=0)
        self._watch(lambda function, deployment: function is deployment is None, within=90, what="the end of both")
        self._requests(cursor)
        alive = self._simulator.allocations()
        assert not alive, f"instances are left in NVCF: {alive}"
        say("NVCF runs no instance any more; the versions, the function and the resources are gone.")

    def _version(self) -> str:
        """Id of the version that serves."""
        return str(self._deployments.get(NAME)["status"]["functionVersionId"])

    def _watch(self, done: Callable[[Resource, Resource], bool], *, within: float, what: str) -> None:
        """Print each resource's line whenever it changes, until they are as wanted."""
        print(f"    {'':4}{'READY':7}{'PHASE':13}{'VERSION':10}{'INSTANCES':11}MESSAGE")
        shown: dict[str, str] = {}

        def read() -> tuple[Resource, Resource]:
            found = (self._functions.find(NAME), self._deployments.find(NAME))
            for kind, each in zip((CLOUD_FUNCTION, FUNCTION_DEPLOYMENT), found, strict=True):
                line = row(each)
                if shown.get(kind.short_name) != line:
                    shown[kind.short_name] = line
                    print(f"    {kind.short_name:4}{line}", flush=True)
            return found

        eventually(read, lambda found: done(*found), within=within, what=what)

    def _requests(self, cursor: int) -> None:
        """Print what NVCF was asked since then; reads only where the answer is another one than the last."""
        answers: dict[str, int] = {}
        for entry in self._simulator.log(cursor):
            if not entry["mutating"] and answers.get(entry["path"]) == entry["status"]:
                continue
            answers[entry["path"]] = entry["status"]
            query = f"?{entry['query']}" if entry["query"] else ""
            body = f"  {entry['body']}" if entry["body"] and entry["mutating"] else ""
            path = UUID.sub(r"\1...", entry["path"].removeprefix("/v2/nvcf"))
            print(f"    {entry['method']:6} {path}{query} -> {entry['status']}{body}")


def row(found: Resource) -> str:
    """A resource as one line."""
    if found is None:
        return "(gone)"
    status, condition = status_of(found), condition_of(found, "Ready")
    version = status.get("functionVersionId") or (status.get("latest") or {}).get("versionId") or "-"
    columns = (condition.get("status", "-"), status.get("phase", "-"), version[:8], status.get("instances", ""))
    message = condition.get("message", "")[:80]
    return f"{columns[0]:7}{columns[1]:13}{columns[2]:10}{columns[3]:11}{message}"


def status_of(found: Resource) -> Mapping[str, Any]:
    """The status of a resource; an empty one where there is none."""
    status: Mapping[str, Any] = (found or {}).get("status", {})
    return status


def ready(found: Resource) -> bool:
    """Whether the manifest as it stands is in force."""
    if found is None:
        return False
    condition = condition_of(found, "Ready")
    return condition.get("status") == "True" and condition["observedGeneration"] == found["metadata"]["generation"]


def has_finalizer(found: Resource) -> bool:
    """Whether the resource waits, when it is deleted, for what it holds in NVCF."""
    return CLOUD_FUNCTION.finalizer in (found or {}).get("metadata", {}).get("finalizers", ())


def step(text: str) -> None:
    """Print a headline."""
    print(f"\n$ {text}", flush=True)


def say(text: str) -> None:
    """Print a line."""
    print(f"  {text}", flush=True)


def indented(text: str) -> str:
    """The lines of a manifest that are not comments, indented."""
    return "\n".join(f"    {line}" for line in text.splitlines() if not line.startswith("#"))
