"""Flux's own library applies, waits for and prunes what the running operator manages, as its kustomize-controller does.

What Flux itself adds around it (sources, kustomize, the Kustomization's status) is not run.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.controlplane import ControlPlane
from hack.flux import Kustomization, Outcome
from nvcf_operator.api.names import CLOUD_FUNCTION, KIND
from tests.support.cluster import Namespace, condition_of
from tests.support.process import Operator
from tests.support.simulator import ECHO, KEY, Simulator

FUNCTIONS = Path(__file__).parents[2] / "deploy" / "examples" / "functions"
NAMESPACE = "nvcf-functions"
CHAT, ECHOED = f"{KIND}/{NAMESPACE}/chat", f"{KIND}/{NAMESPACE}/echo"
FUNCTION = f"{CLOUD_FUNCTION.name}/{NAMESPACE}/chat"
SPACE = f"Namespace/{NAMESPACE}"
LONG = 120
"""Seconds that Flux waits for what is to come."""
SHORT = 3
"""Seconds that it waits for what is not to come."""

Json = dict[str, Any]

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("flux", "operator")]


@pytest.fixture
def manifests(control_plane: ControlPlane) -> dict[str, Json]:
    """The example that deploy/flux names, as kustomize builds it, by the names that Flux gives its objects."""
    built = yaml.safe_load_all(control_plane.kubectl("kustomize", str(FUNCTIONS)))
    return {
        "/".join(filter(None, (o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]))): o for o in built
    }


@pytest.fixture
def place(control_plane: ControlPlane) -> Iterator[Namespace]:
    """The namespace, with the Secret that is there before the first sync."""
    control_plane.kubectl("create", "namespace", NAMESPACE)
    place = Namespace(control_plane, NAMESPACE)
    place.secret(KEY)
    yield place
    control_plane.change("DELETE", f"/api/v1/namespaces/{NAMESPACE}")


@pytest.fixture
def git(control_plane: ControlPlane, tmp_path: Path) -> Kustomization:
    return Kustomization(control_plane.kubeconfig, tmp_path / "inventory.yaml")


def changed(manifests: dict[str, Json], name: str, **fields: Any) -> list[Json]:
    """All manifests, of which one has other fields in its only GPU specification."""
    made = deepcopy(manifests)
    made[name]["spec"]["deploymentSpecifications"][0].update(fields)
    return list(made.values())


def is_ready(outcome: Outcome) -> bool:
    return outcome.waited == "" and set(outcome.status.values()) == {"Current"}


def test_flux_applies_waits_and_prunes(
    git: Kustomization, manifests: dict[str, Json], place: Namespace, simulator: Simulator, operator: Operator
) -> None:
    # Both kinds and a follower in one Kustomization: ready when NVCF runs them.
    first = git.reconcile(manifests.values(), timeout=LONG)
    assert is_ready(first), first
    assert first.applied == {SPACE: "configured", FUNCTION: "created", CHAT: "created", ECHOED: "created"}
    assert len(simulator.deployments()) == 2

    # What the operator writes is no drift.
    again = git.reconcile(manifests.values(), timeout=LONG)
    assert is_ready(again), again
    assert set(again.applied.values()) == {"unchanged"}
    of_flux = {"annotations", "labels", "spec"}
    assert owners(place.get("echo")) == {"kustomize-controller": of_flux, "nvcf-operator": {"finalizers"}}

    # An edit by kubectl is reverted; the annotation of another field manager stays.
    place.scale("echo", maxInstances=5)
    reverted = git.reconcile(manifests.values(), timeout=LONG)
    assert is_ready(reverted), reverted
    assert reverted.applied[ECHOED] == "configured"
    assert place.get("echo")["spec"]["deploymentSpecifications"][0]["maxInstances"] == 2
    pause(place, "true")

    # A pause: unchanged is ready, a commit is not.
    paused = git.reconcile(manifests.values(), timeout=LONG)
    assert is_ready(paused), paused
    assert set(paused.applied.values()) == {"unchanged"}
    held = git.reconcile(changed(manifests, ECHOED, maxInstances=3), timeout=SHORT)
    assert held.waited  # the error of its timeout, which has more than one text
    assert held.status[ECHOED] == "InProgress"
    pause(place, "false")
    assert is_ready(git.reconcile(changed(manifests, ECHOED, maxInstances=3), timeout=LONG))

    # A commit that cannot be applied in place fails at once, and names the resource; the message is the operator's.
    refused = git.reconcile(changed(manifests, ECHOED, gpu="A100", instanceType="NCP.GPU.A100_1x"), timeout=LONG)
    assert refused.waited == f"failed early due to stalled resources: [{ECHOED} status: 'Failed']"
    assert refused.status[ECHOED] == "Failed"
    assert refused.messages[ECHOED] == condition_of(place.get("echo"), "Stalled")["message"]
    assert is_ready(git.reconcile(manifests.values(), timeout=LONG))

    # A file removed from git: Flux asks for the deletion and waits for the other files only.
    simulator.change(ECHO, queueDepth=7)
    rest = [each for name, each in manifests.items() if name != ECHOED]
    pruned = git.reconcile(rest, timeout=LONG)
    assert pruned.waited == ""
    assert pruned.pruned == {ECHOED: "deleted"}
    assert pruned.status[ECHOED] == "Terminating"
    simulator.change(ECHO, queueDepth=0)
    place.wait_gone("echo", within=LONG)
    assert ECHO not in simulator.deployments()

    # The Kustomization is deleted: it waits as long as its timeout, and the namespace stays.
    (chat,) = simulator.deployments()
    simulator.change(chat, queueDepth=7)
    late = git.delete(timeout=SHORT)
    assert "termination timeout: " in late.waited
    assert late.pruned == {SPACE: "skipped", FUNCTION: "deleted", CHAT: "deleted"}
    simulator.change(chat, queueDepth=0)
    gone = git.delete(timeout=LONG)
    assert gone.waited == ""
    assert gone.status == {SPACE: "Current", FUNCTION: "NotFound", CHAT: "NotFound"}
    assert simulator.deployments() == {}
    assert operator.running


def pause(place: Namespace, value: str) -> None:
    """As docs/gitops.md has it."""
    mark = f"nvcf-operator.io/paused={value}"
    place.plane.kubectl("-n", place.name, "annotate", "fd", "echo", mark, "--overwrite", "--field-manager=me")


def owners(resource: Json) -> dict[str, set[str]]:
    """What each field manager owns beside the status."""
    found: dict[str, set[str]] = {}
    for entry in resource["metadata"]["managedFields"]:
        if entry.get("subresource") != "status":
            fields = entry["fieldsV1"]
            owned = {name.removeprefix("f:") for name in {**fields, **fields.get("f:metadata", {})}}
            found.setdefault(entry["manager"], set()).update(owned - {"metadata", "."})
    return found
