"""What `nvcf-operator import` prints, applied to a real API server: the operator adopts it all and writes nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from nvcf_client.models import Deployment, Function
from nvcf_operator.commands.manifests import manifest
from nvcf_operator.settings.options import ImportOptions
from tests.support.cluster import RESOURCE, Namespace, condition_of
from tests.support.process import Operator
from tests.support.simulator import ACCOUNT, KEY, Simulator
from tests.support.waiting import eventually

COMMAND = Path(sys.executable).with_name("nvcf-operator")
SCALING = {
    "scaleUpDetails": {"factor": 1.1, "threshold": 80, "metric": "cpu", "stickiness": {"size": 600, "threshold": 90.5}},
    "scaleDownDetails": {"factor": 0.25, "threshold": 20},
}
VERSION = "7c1e0b4a-9a39-4c7e-8d1f-3f5f0f7b9a10"
L40S = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
H100 = {"gpu": "h100", "instanceType": "ncp.gpu.h100_1X", "minInstances": 0, "maxInstances": 3}
T10 = {"backend": "gfn", "gpu": "T10", "instanceType": "g4.tiny", "minInstances": 1, "maxInstances": 2}
CHART = {
    **L40S,
    "configuration": {"replicas": 2, "zero": 1.0, "list": [None, {"a": "1e5"}], "none": None},
    "helmValidationPolicy": {
        "name": "Default",
        "extraKubernetesTypes": [{"group": "batch", "version": "v1", "kind": "Job"}],
    },
}
DEPLOYED: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "plain": ("container", [L40S]),
    "several of a kind": ("container", [L40S, H100, L40S, {**L40S, "maxInstances": 9, "maxRequestConcurrency": 64}]),
    "legacy_backend": ("container", [T10]),
    "scaled": ("container", [{**L40S, "autoscalingConfiguration": SCALING, "preferredOrder": 7}]),
    "placed": ("container", [{**L40S, "clusters": ["ncp-cluster-1"], "regions": ["us-east-1"], "attributes": []}]),
    "chart": ("helm", [CHART]),
    "Ünïcode 1e5": ("container", [L40S]),
}
"""By the function's name: its kind, and what is deployed of it."""

DEPLOYED_IN_THE_OLD: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "plain": ("container", [T10]),
    "two": ("container", [T10, {**T10, "maxInstances": 9, "maxRequestConcurrency": 64}]),
    "no type": ("container", [{name: value for name, value in T10.items() if name != "instanceType"}]),
    "chart": ("helm", [{**T10, **{name: value for name, value in CHART.items() if name not in L40S}}]),
}
"""The same for the old generation, where a backend is required, and an instance type is not."""


@dataclass(frozen=True)
class Nvcf:
    """An account in which somebody has deployed all this, without the operator."""

    simulator: Simulator
    names: frozenset[str]


@pytest.fixture(params=["current", "old"])
def nvcf(request: pytest.FixtureRequest) -> Iterator[Nvcf]:
    deployed = DEPLOYED if request.param == "current" else DEPLOYED_IN_THE_OLD
    with Simulator.start({"functions": []}, generation=request.param) as running:
        for name, (kind, specifications) in deployed.items():
            _, version = running.add_function(name, kind=kind)
            running.deploy(version, *specifications)
        eventually(
            lambda: {item["name"]: item["status"] for item in running.state()["functions"]},
            lambda statuses: set(statuses.values()) == {"ACTIVE"},
            within=20,
            what="all are ACTIVE",
        )
        yield Nvcf(running, frozenset(deployed))
        assert [entry for entry in running.log() if entry["mutating"]] == []


def imported(nvcf: Nvcf, folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of the command, and what it prints."""
    key = folder / "key"
    key.write_text(KEY)
    account = [f"--nvcf-base-url={nvcf.simulator.url}", f"--api-key-file={key}"]
    done = subprocess.run([COMMAND, "import", *account, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def test_what_is_printed_is_adopted_without_a_write(
    nvcf: Nvcf, control_plane: ControlPlane, namespace: str, operator_identity: Path, tmp_path: Path
) -> None:
    simulator, team = nvcf.simulator, Namespace(control_plane, namespace)
    team.secret(KEY)
    before = simulator.deployments()
    code, printed = imported(nvcf, tmp_path, "--include-configuration", f"--namespace={namespace}")
    assert code == 0
    control_plane.kubectl("apply", "--server-side", "-f", "-", input=printed)
    with Operator.start(
        operator_identity, simulator.url, tmp_path / "operator.log", namespaces=namespace, deep_resync_interval=1
    ):
        found = all_ready(team)
        assert len(found) == len(nvcf.names)
        begun = len(simulator.log(operation="getDeployment"))
        eventually(
            lambda: len(simulator.log(operation="getDeployment")),
            lambda reads: reads >= begun + 2 * len(nvcf.names),
            within=40,
            what="the operator has read each deployment twice more",
        )
        assert all_ready(team) == found
        for name in found:
            team.delete(name)
            team.wait_gone(name)
    assert simulator.deployments() == before, "Retain leaves all as it is"


def test_helm_values_that_are_left_out_are_no_difference(
    nvcf: Nvcf, control_plane: ControlPlane, namespace: str, operator_identity: Path, tmp_path: Path
) -> None:
    team = Namespace(control_plane, namespace)
    team.secret(KEY)
    code, printed = imported(nvcf, tmp_path, "--function=chart")
    assert code == 3
    control_plane.kubectl("-n", namespace, "apply", "-f", "-", input=printed)
    with Operator.start(operator_identity, nvcf.simulator.url, tmp_path / "operator.log", namespaces=namespace):
        (name,) = all_ready(team)
        assert "configuration" not in team.get(name)["spec"]["deploymentSpecifications"][0]


STRANGE: list[tuple[str, dict[str, Any]]] = [
    ("texts that look like numbers", {"gpu": "1e5", "regions": ["yes", "0x1", "1_0", "null", "~", "12:30"]}),
    ("control characters", {"attributes": ["a\x00b", "\x85", "\u2028", "\x1b[31m"]}),
    ("a backend beside clusters", {"backend": "b", "clusters": ["a"]}),
    ("too many names", {"regions": [str(number) for number in range(100)]}),
    ("numbers out of range", {"maxRequestConcurrency": 10**6, "preferredOrder": 0}),
    ("a policy of tomorrow", {"helmValidationPolicy": {"name": "Tomorrow"}}),
    (
        "autoscaling beyond every rule",
        {
            "autoscalingConfiguration": {
                "scaleUpDetails": {"factor": 2, "threshold": 1, "stickiness": {"size": "PT2H", "threshold": "PT3H"}},
                "scaleDownDetails": {"factor": 2, "threshold": 400},
            }
        },
    ),
    (
        "autoscaling at the edge of the rules",
        {
            "autoscalingConfiguration": {
                "scaleUpDetails": {
                    "factor": 1.0000001,
                    "threshold": 100,
                    "stickiness": {"size": "PT3600S", "threshold": "PT59M59.999S"},
                },
                "scaleDownDetails": {
                    "factor": 1e-30,
                    "threshold": 0,
                    "stickiness": {"size": "PT0.001S", "threshold": 0},
                },
            }
        },
    ),
    ("values of every kind", {"configuration": {"": None, "y": [1e21, 1.5, -1, True, "é", {"a.b/c": {}}], "\n": ""}}),
]


@pytest.mark.usefixtures("operator_identity")
@pytest.mark.parametrize(("what", "shown"), STRANGE, ids=[what for what, _ in STRANGE])
def test_whatever_a_server_shows_the_api_server_takes_what_is_printed(
    control_plane: ControlPlane, namespace: str, what: str, shown: dict[str, Any]
) -> None:
    ids = {"functionId": "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a", "functionVersionId": VERSION}
    specification = {"gpu": "G", "minInstances": 0, "maxInstances": 2**31 - 1, **shown}
    deployment = Deployment.model_validate(
        {**ids, "ncaId": ACCOUNT, "functionStatus": "ACTIVE", "deploymentSpecifications": [specification]}
    )
    function = Function(id=ids["functionId"], version_id=VERSION, nca_id=ACCOUNT, name=what, status="ACTIVE")
    made = manifest("strange", function, deployment, ImportOptions(include_configuration=True), key=KEY)
    control_plane.kubectl(
        "-n", namespace, "apply", "--server-side", "-f", "-", "--validate=strict", input=made.to_yaml()
    )
    kept = Namespace(control_plane, namespace).get("strange")["spec"]
    assert {name: kept[name] for name in made.body["spec"]} == made.body["spec"]


def all_ready(team: Namespace) -> frozenset[str]:
    """Wait until all resources are Ready; their names."""

    def read() -> dict[str, Any]:
        shown = json.loads(team.plane.kubectl("-n", team.name, "get", RESOURCE, "-o", "json"))
        return {item["metadata"]["name"]: condition_of(item, "Ready") for item in shown["items"]}

    def ready(conditions: Mapping[str, Any]) -> bool:
        return {item.get("status") for item in conditions.values()} == {"True"}

    seen = eventually(read, ready, within=40, what="all are Ready")
    return frozenset(seen)
