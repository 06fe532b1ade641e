"""What `import --cloud-functions` prints, applied to a real API server: all of it is adopted, and only marked."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.controlplane import ControlPlane
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT
from nvcf_operator.core.functions.model.mark import PREFIX
from tests.support.cluster import Namespace, condition_of
from tests.support.function_secrets import allow_reading, put_secret
from tests.support.process import Operator
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

KINDS = {kind.name: kind for kind in (CLOUD_FUNCTION, FUNCTION_DEPLOYMENT)}
COMMAND = Path(sys.executable).with_name("nvcf-operator")
L40S = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
T10 = {"backend": "GFN", "gpu": "T10", "instanceType": "g4.tiny", "minInstances": 1, "maxInstances": 2}
"""Of the catalogue of both generations of the API."""

FILES = [
    {"name": name, "version": "1", "uri": f"https://api.ngc.nvidia.com/v2/org/o/models/{name}/1/files"} for name in "ba"
]
ODD_TEXT = "ü <&> \" ' \\ : # - \n\t{{x}} 1e5 \u2028"
FUNCTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "Odd_-texts": {
        "description": ODD_TEXT,
        "containerArgs": f" --x '{ODD_TEXT}' ",
        "containerEnvironment": [
            {"key": "Z ü", "value": ODD_TEXT},
            {"key": "A", "value": ""},
            {"key": "B", "value": "no"},
        ],
        "tags": ["b:=_-", "a"],
    },
    "limited": {"rateLimit": {"rateLimit": "100-M, 5-S", "perNcaIdRate": {"ü/1": "1-D"}, "exemptedNcaIds": ["b", "a"]}},
    "files": {"models": FILES, "resources": FILES, "functionType": "STREAMING", "apiBodyFormat": "PREDICT_V2"},
    "checked": {
        "health": {"protocol": "gRPC", "uri": "/up", "port": 9000, "timeout": "PT1M0.5S", "expectedStatusCode": 0}
    },
    "many-tags": {"tags": [f"t{number}" for number in range(63)]},
}
"""By the function's name, what a version has beside the rest. All of them are deployed."""


@dataclass(frozen=True)
class Account:
    """An account in which somebody has registered and deployed functions, without the operator."""

    simulator: Simulator
    deployed: frozenset[str]
    """Versions."""
    by_ids: frozenset[str]
    """Those of them that a FunctionDeployment names by id, for their function has no CloudFunction, or another one."""


@pytest.fixture(params=["current", "old"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    with Simulator.start({"functions": []}, generation=request.param) as running:
        versions = [running.add_function(name, details=details)[1] for name, details in FUNCTIONS.items()]
        versions.append(running.add_function("chart", kind="helm")[1])
        function, older = running.add_function("two", details={"containerArgs": "1"})
        _, newer = running.add_function("two", functionId=function, details={"containerArgs": "2"})
        running.change(older, odd={"createdAt": "2026-01-31T12:00:00Z"})
        function, served = running.add_function("again")
        running.add_function("again", functionId=function)  # newer, of the same content, and not deployed
        running.change(served, odd={"createdAt": "2026-01-31T12:00:00Z"})
        running.add_function("idle")
        _, llm = running.add_function("llm", details={"functionType": "LLM"})
        deployed = {*versions, older, newer, served, llm}
        for version in deployed:
            running.deploy(version, T10)
        eventually(
            lambda: {item["status"] for item in running.state()["functions"] if item["versionId"] in deployed},
            lambda statuses: statuses == {"ACTIVE"},
            within=20,
            what="all are ACTIVE",
        )
        yield Account(running, frozenset(deployed), frozenset({older, llm}))


def imported(simulator: Simulator, folder: Path, *arguments: str) -> str:
    """What the command prints."""
    key = folder / "key"
    key.write_text(KEY)
    account = [f"--nvcf-base-url={simulator.url}", f"--api-key-file={key}", "--cloud-functions"]
    done = subprocess.run([COMMAND, "import", *account, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def specs(printed: str) -> dict[tuple[str, str], Any]:
    """The specs by kind and name."""
    return {(item["kind"], item["metadata"]["name"]): item["spec"] for item in yaml.safe_load_all(printed)}


def test_what_is_printed_is_adopted_and_only_marked(
    account: Account, control_plane: ControlPlane, namespace: str, operator_identity: Path, tmp_path: Path
) -> None:
    simulator, team = account.simulator, Namespace(control_plane, namespace)
    team.secret(KEY)
    deployments, before = simulator.deployments(), versions(simulator)
    printed = imported(simulator, tmp_path, f"--namespace={namespace}")
    wanted = specs(printed)
    functions = [spec for (kind, _), spec in wanted.items() if kind == CLOUD_FUNCTION.name]
    assert {spec["name"] for spec in functions} == {*FUNCTIONS, "chart", "two", "again", "idle"}
    by_ids = {spec["functionVersionId"] for spec in wanted.values() if "functionVersionId" in spec}
    assert by_ids == account.by_ids
    control_plane.kubectl("apply", "--validate=strict", "-f", "-", input=printed)
    log = tmp_path / "operator.log"
    with Operator.start(operator_identity, simulator.url, log, namespaces=namespace, deep_resync_interval=1):
        assert len(all_ready(team)) == len(wanted)
        written = writes(simulator)
        assert len(written) == len(set(written)) == len(functions), "one for each CloudFunction"
        control_plane.kubectl("apply", "-f", "-", input=imported(simulator, tmp_path, f"--namespace={namespace}"))
        passes(simulator)
        assert all_ready(team).keys() == wanted.keys()
    assert writes(simulator) == written
    assert specs(imported(simulator, tmp_path, f"--namespace={namespace}")) == wanted
    assert simulator.deployments() == deployments
    after = versions(simulator)
    marked = {version for version, seen in after.items() if marks(seen)}
    assert len(marked) == len(functions)
    assert not marked & account.by_ids
    assert {version: unmarked(seen) for version, seen in after.items()} == {
        version: unmarked(seen) for version, seen in before.items()
    }


def test_observed_functions_are_not_even_marked(
    account: Account, control_plane: ControlPlane, namespace: str, operator_identity: Path, tmp_path: Path
) -> None:
    simulator, team = account.simulator, Namespace(control_plane, namespace)
    team.secret(KEY)
    printed = imported(simulator, tmp_path, f"--namespace={namespace}", "--function=plain")
    observed = printed.replace("  deletionPolicy: Retain\n", "  deletionPolicy: Retain\n  managementPolicy: Observe\n")
    control_plane.kubectl("apply", "-f", "-", input=observed)
    with Operator.start(operator_identity, simulator.url, tmp_path / "operator.log", namespaces=namespace):
        functions = Namespace(control_plane, namespace, CLOUD_FUNCTION)
        [name] = [name for kind, name in specs(printed) if kind == CLOUD_FUNCTION.name]
        functions.wait_until(name, lambda it: condition_of(it, "Ready").get("reason") == "Observing", what="it is seen")
        passes(simulator)
    assert writes(simulator) == []


def test_deployments_by_ids_come_to_refer_to_their_functions_and_back(
    account: Account, control_plane: ControlPlane, namespace: str, operator_identity: Path, tmp_path: Path
) -> None:
    simulator, team = account.simulator, Namespace(control_plane, namespace)
    team.secret(KEY)
    printed = imported(simulator, tmp_path, f"--namespace={namespace}", "--function=plain", "--function=two")
    with_functions = specs(printed)
    without_functions = by_ids(simulator, tmp_path, namespace)
    control_plane.kubectl("apply", "-f", "-", input=without_functions)
    with Operator.start(operator_identity, simulator.url, tmp_path / "operator.log", namespaces=namespace):
        assert len(all_ready(team)) == 3
        assert writes(simulator) == []
        control_plane.kubectl("apply", "-f", "-", input=printed)
        assert all_ready(team).keys() == with_functions.keys()
        for kind, name in with_functions:
            shown = Namespace(control_plane, namespace, KINDS[kind]).get(name)
            assert "functionRef" not in shown["spec"] or "functionId" not in shown["spec"]
        control_plane.kubectl("apply", "-f", "-", input=without_functions)
        functions = Namespace(control_plane, namespace, CLOUD_FUNCTION)
        for kind, name in with_functions:
            if kind == CLOUD_FUNCTION.name:
                functions.delete(name)
                functions.wait_gone(name)
        passes(simulator)
        assert len(all_ready(team)) == 3, "the way back"
    assert len(writes(simulator)) == 2


def test_values_of_secrets_are_sent_once_their_secret_is_there(
    control_plane: ControlPlane, namespace: str, operator_identity: Path, tmp_path: Path
) -> None:
    team = Namespace(control_plane, namespace)
    functions = Namespace(control_plane, namespace, CLOUD_FUNCTION)
    team.secret(KEY)
    with Simulator.start({"functions": [{"name": "safe", "deploymentSpecifications": [L40S]}]}) as simulator:
        [version] = versions(simulator)
        simulator.set_secrets(version, TOKEN="old", **{"B.2": "old"})
        printed = imported(simulator, tmp_path, f"--namespace={namespace}")
        [(name, spec)] = [(name, spec) for (kind, name), spec in specs(printed).items() if kind == CLOUD_FUNCTION.name]
        secret = f"{name}-secrets"
        assert [item["secretRef"] for item in spec["secrets"]] == [
            {"name": secret, "key": "B.2"},
            {"name": secret, "key": "TOKEN"},
        ]
        allow_reading(team, secret)
        control_plane.kubectl("apply", "-f", "-", input=printed)
        with Operator.start(operator_identity, simulator.url, tmp_path / "operator.log", namespaces=namespace):
            functions.wait_for(name, "SecretsSynced", "False", reason="SecretMissing")
            functions.wait_until(name, lambda it: "latest" in it["status"], what="it is adopted all the same")
            put_secret(team, {"TOKEN": "ü <&>", "B.2": "2"}, name=secret, allow=name)
            assert len(all_ready(team)) == 2
            assert simulator.has_secrets(version, TOKEN="ü <&>", **{"B.2": "2"})
            assert operations(simulator) == ["updateFunction", "updateSecrets"]
            put_secret(team, {"TOKEN": "rotated", "B.2": "2"}, name=secret, allow=name)
            eventually(
                lambda: simulator.has_secrets(version, TOKEN="rotated", **{"B.2": "2"}),
                lambda there: there,
                within=30,
                what="a changed value reaches the adopted version",
            )
        assert operations(simulator) == ["updateFunction", "updateSecrets", "updateSecrets"]


def by_ids(simulator: Simulator, folder: Path, namespace: str) -> str:
    """What the command prints without CloudFunctions."""
    account = [f"--nvcf-base-url={simulator.url}", f"--api-key-file={folder / 'key'}", f"--namespace={namespace}"]
    chosen = ["--function=plain", "--function=two"]
    return subprocess.run(
        [COMMAND, "import", *account, *chosen], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def all_ready(team: Namespace) -> dict[tuple[str, str], Any]:
    """Wait until all resources are Ready; their conditions."""

    def read() -> dict[tuple[str, str], Any]:
        both = f"{CLOUD_FUNCTION.crd_name},{FUNCTION_DEPLOYMENT.crd_name}"
        shown = json.loads(team.plane.kubectl("-n", team.name, "get", both, "-o", "json"))
        return {(item["kind"], item["metadata"]["name"]): condition_of(item, "Ready") for item in shown["items"]}

    def ready(conditions: dict[tuple[str, str], Any]) -> bool:
        return {item.get("status") for item in conditions.values()} == {"True"}

    return eventually(read, ready, within=40, what="all are Ready")


def passes(simulator: Simulator) -> None:
    """Wait until the operator has read the account three times more."""
    begun = len(simulator.log(operation="listFunctions"))
    eventually(
        lambda: len(simulator.log(operation="listFunctions")),
        lambda lists: lists >= begun + 3,
        within=40,
        what="the account was listed three times more",
    )


def writes(simulator: Simulator) -> list[str]:
    """The versions that were changed, each by a PUT; one at a path that the old API lacks has changed nothing."""
    entries = [entry for entry in simulator.log() if entry["mutating"]]
    assert {entry["method"] for entry in entries} <= {"PUT"}
    return [entry["functionVersionId"] for entry in entries if entry["committed"] is not None]


def operations(simulator: Simulator) -> list[str]:
    """The changes that were made, the oldest first."""
    return [entry["operation"] for entry in simulator.log() if entry["committed"] is not None]


def versions(simulator: Simulator) -> dict[str, Any]:
    """All versions, by their ids."""
    return {item["versionId"]: item for item in simulator.state()["functions"]}


def marks(version: dict[str, Any]) -> list[str]:
    return [tag for tag in version.get("tags", version.get("details", {}).get("tags", ())) if tag.startswith(PREFIX)]


def unmarked(version: dict[str, Any]) -> dict[str, Any]:
    """A version without its mark."""
    found: dict[str, Any] = json.loads(json.dumps(version))
    for holder in (found, found.get("details", {})):
        if "tags" in holder:
            holder["tags"] = sorted(tag for tag in holder["tags"] if not tag.startswith(PREFIX))
            if not holder["tags"]:
                del holder["tags"]
    return found
