"""`nvcf-operator import --cloud-functions` on an account, in both generations of the API, and what can go wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.commands.command_process import Account, Done
from tests.contract.simulator_client import Api
from tests.support.simulator import KEY, Simulator

T10 = {"backend": "GFN", "gpu": "T10", "instanceType": "g4.tiny", "minInstances": 1, "maxInstances": 2}
"""Of the catalogue of both generations."""

DEFAULTS = {"inferenceUrl": "/v1/infer", "inferencePort": 8000}
"""Of the template of every function that the simulator makes."""

SECRETS = [{"name": "TOKEN", "value": "swordfish"}, {"name": "B.2", "value": {"a": "hunter2"}}]


def imported(simulator: Simulator, folder: Path, *arguments: str, key: str = KEY) -> Done:
    return Account(simulator.url, folder, key).run("import", "--cloud-functions", *arguments)


def documents(done: Done) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was printed: the specs of CloudFunctions by function id, and of FunctionDeployments by their names."""
    found = list(yaml.safe_load_all(done.stdout))
    kinds = [item["kind"] for item in found]
    assert kinds == sorted(kinds), "CloudFunctions come first"
    functions = [item for item in found if item["kind"] == "CloudFunction"]
    return (
        {item["spec"]["functionId"]: item["spec"] | {"resource": item["metadata"]["name"]} for item in functions},
        {item["metadata"]["name"]: item["spec"] for item in found if item["kind"] == "FunctionDeployment"},
    )


def registered(simulator: Simulator, **body: Any) -> tuple[str, str]:
    """A function as NVCF registers it, with secrets; its id and that of its version."""
    with Api(simulator) as api:
        answer = api.http.post(
            "/functions", json={"inferenceUrl": "/v1/infer", "containerImage": "nvcr.io/o/i:1", **body}
        )
    assert answer.status_code == 200, answer.text
    simulator.clear_log()
    return answer.json()["function"]["id"], answer.json()["function"]["versionId"]


def test_each_function_is_printed_and_deployments_refer_to_it(simulator: Simulator, tmp_path: Path) -> None:
    function, version = simulator.add_function("echo", details={"tags": ["prod", "a"]})
    simulator.deploy(version, T10)
    idle, _ = simulator.add_function("idle")
    done = imported(simulator, tmp_path)
    functions, deployments = documents(done)
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        "nvcf-operator: 2 CloudFunctions, 1 FunctionDeployment, 0 functions without a CloudFunction, "
        "0 deployed versions left out, 0 fields left out\n"
    )
    resource = f"echo-{function[:8]}"
    assert functions[function] == {
        "resource": resource,
        "name": "echo",
        "functionId": function,
        "template": {**DEFAULTS, "containerImage": "nvcr.io/simulated/echo:1.0"},
        "tags": ["a", "prod"],
        "deletionPolicy": "Retain",
    }
    assert functions.keys() == {function, idle}
    (deployment,) = deployments.values()
    assert deployment["functionRef"] == {"name": resource}
    assert deployments.keys() == {f"echo-{version[:8]}"}, "the name that it has without --cloud-functions"


def test_of_several_deployed_versions_the_newest_is_followed_and_the_others_keep_their_ids(
    current: Simulator, tmp_path: Path
) -> None:
    function, first = current.add_function("echo", details={"containerArgs": "1"})
    _, second = current.add_function("echo", functionId=function, details={"containerArgs": "2"})
    current.add_function("echo", functionId=function, details={"containerArgs": "3"})
    for day, version in enumerate((first, second), start=1):
        current.change(version, odd={"createdAt": f"2026-01-0{day}T00:00:00Z"})
        current.deploy(version, T10)
    functions, deployments = documents(imported(current, tmp_path))
    assert functions[function]["template"]["containerArgs"] == "2", "the newest that is deployed"
    assert functions[function]["revision"] == second[:8]
    reference = {"name": functions[function]["resource"], "revision": second[:8]}
    assert deployments[f"echo-{second[:8]}"]["functionRef"] == reference
    assert deployments[f"echo-{first[:8]}"]["functionVersionId"] == first


def test_two_runs_print_the_same(simulator: Simulator, tmp_path: Path) -> None:
    files = [
        {"name": name, "version": "1", "uri": "https://api.ngc.nvidia.com/v2/org/o/models/m/1/files"} for name in "cab"
    ]
    for number in range(4):
        details = {"tags": ["c", "a", "b"], "models": files, "resources": files}
        _, version = simulator.add_function(f"f{number}", details=details)
        simulator.deploy(version, T10)
    first = imported(simulator, tmp_path)
    assert first.stdout.count("---\n") == 8
    assert imported(simulator, tmp_path).stdout == first.stdout


def test_names_of_secrets_are_printed_and_values_are_not_even_shown(simulator: Simulator, tmp_path: Path) -> None:
    function, _ = registered(simulator, name="safe", secrets=SECRETS)
    done = imported(simulator, tmp_path)
    functions, _ = documents(done)
    resource = functions[function]["resource"]
    assert functions[function]["secrets"] == [
        {"name": name, "secretRef": {"name": f"{resource}-secrets", "key": name}} for name in ("B.2", "TOKEN")
    ]
    assert f"kubectl annotate secret {resource}-secrets nvcf-operator.io/allow-function={resource}" in done.stdout
    assert "swordfish" not in done.stdout + done.stderr
    assert done.returncode == 0


def test_without_the_scope_for_names_of_secrets_that_is_reported_and_asked_once(
    simulator: Simulator, tmp_path: Path
) -> None:
    for number in range(3):
        registered(simulator, name=f"safe{number}", secrets=SECRETS)
    simulator.add_key("limited", "nvapi-limited", scopes=["list_functions", "deploy_function", "authorize_clients"])
    done = imported(simulator, tmp_path, key="nvapi-limited")
    functions, _ = documents(done)
    assert [("secrets" in spec) for spec in functions.values()] == [False] * 3
    assert done.returncode == 3
    assert done.stderr.count("NVCF shows their names only to a key with the scope list_functions_details") == 3
    assert len(simulator.log(operation="getFunction")) == 1


def test_without_the_scope_for_sharing_that_is_reported_once(simulator: Simulator, tmp_path: Path) -> None:
    for number in range(3):
        simulator.add_function(f"f{number}")
    scopes = ["list_functions", "list_functions_details", "deploy_function"]
    simulator.add_key("limited", "nvapi-limited", scopes=scopes)
    done = imported(simulator, tmp_path, key="nvapi-limited")
    assert done.returncode == 0
    assert len(documents(done)[0]) == 3
    assert done.stderr.count("the key lacks the scope authorize_clients") == 1
    assert len(simulator.log(operation="getAuthorization")) == 1


@pytest.mark.parametrize(
    ("details", "changes", "words"),
    [
        ({"functionType": "LLM"}, {}, "large language model"),
        ({}, {"sharedWith": ["other"]}, "shared with other accounts"),
        ({"inferencePort": 8010}, {}, "inferencePort 8010 is reserved"),
        ({"containerEnvironment": [{"key": "K", "value": KEY}]}, {}, "the API key itself"),
        ({"tags": [f"t{number}" for number in range(64)]}, {}, "64 tags"),
        ({}, {"odd": {"models": 7}}, "NVCF shows models in a form that cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_cloudfunction_cannot_say_is_printed_by_ids(
    simulator: Simulator, tmp_path: Path, details: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    function, version = simulator.add_function("special", details=details)
    kept, _ = simulator.add_function("kept")
    simulator.deploy(version, T10)
    if changes:
        simulator.change(version, **changes)
    done = imported(simulator, tmp_path)
    functions, deployments = documents(done)
    assert done.returncode == 3
    assert functions.keys() == {kept}
    assert [spec["functionVersionId"] for spec in deployments.values()] == [version]
    (line,) = [line for line in done.stderr.splitlines() if "no CloudFunction: " in line]
    assert f"special, function {function}: " in line
    assert words in line


def test_a_public_function_has_no_cloudfunction_either(simulator: Simulator, tmp_path: Path) -> None:
    _, version = simulator.add_function("shown")
    simulator.deploy(version, T10)
    simulator.change(version, public=True)
    done = imported(simulator, tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no CloudFunction: shown, function" in done.stderr
    assert "it is public" in done.stderr


def test_odd_names_become_names_of_resources_and_environments_are_warned_of(
    simulator: Simulator, tmp_path: Path
) -> None:
    environment = [{"key": "TÖKEN", "value": "a: <&> #\n\t'\" ü \u2028"}, {"key": "EMPTY", "value": ""}]
    function, _ = simulator.add_function("My__Echo-", details={"containerEnvironment": environment})
    done = imported(simulator, tmp_path)
    functions, _ = documents(done)
    assert functions[function]["resource"] == f"my-echo-{function[:8]}"
    assert functions[function]["name"] == "My__Echo-"
    assert functions[function]["template"]["containerEnvironment"] == environment
    assert "2 variables printed as in NVCF" in done.stderr
    assert "<&>" not in done.stderr


def test_marks_and_what_the_server_adds_to_a_rate_limit_are_not_printed(simulator: Simulator, tmp_path: Path) -> None:
    mark = f"nvcf-operator:1:{'a' * 32}:{'1' * 16}:{'2' * 16}:1-4-2"
    details = {"tags": ["x", mark], "rateLimit": {"rateLimit": "5-S", "syncCheck": True}}
    function, _ = simulator.add_function("marked", details=details)
    done = imported(simulator, tmp_path)
    spec = documents(done)[0][function]
    assert (spec["tags"], spec["rateLimit"], spec["revision"]) == (
        ["x"],
        {"rateLimit": "5-S", "syncCheck": True},
        "1-4-2",
    )
    assert mark not in done.stdout
    assert "bears the tag of a CloudFunction" in done.stderr


def test_functions_are_chosen_and_options_are_written_into_both_kinds(simulator: Simulator, tmp_path: Path) -> None:
    function, version = simulator.add_function("team-a-echo")
    simulator.deploy(version, T10)
    simulator.add_function("team-b-echo")
    chosen = ("--function=team-a-*", "--namespace=team-a", "--secret-name=nvcf", "--deletion-policy=Delete")
    found = list(yaml.safe_load_all(imported(simulator, tmp_path, *chosen).stdout))
    assert [item["kind"] for item in found] == ["CloudFunction", "FunctionDeployment"]
    assert {item["metadata"]["namespace"] for item in found} == {"team-a"}
    assert [item["spec"]["credentials"] for item in found] == [{"secretRef": {"name": "nvcf"}}] * 2
    assert [item["spec"]["deletionPolicy"] for item in found] == ["Retain", "Delete"]
    assert found[0]["spec"]["functionId"] == function


def test_a_version_whose_secrets_cannot_be_read_is_reported(simulator: Simulator, tmp_path: Path) -> None:
    function, version = registered(simulator, name="safe", secrets=SECRETS)
    simulator.fault(operation="getFunction", functionVersionId=version, status=500)
    done = imported(simulator, tmp_path)
    assert done.returncode == 3
    assert "secrets" not in documents(done)[0][function]
    assert "secrets: their names could not be read: NVCF returned an error (500" in done.stderr


def test_many_functions_are_asked_for_no_faster_than_is_polite(current: Simulator, tmp_path: Path) -> None:
    current.add_account("acme", requestsPerSecond=40)
    current.add_functions("many", 110)
    done = imported(current, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "requesting names of secrets and sharing of 110 functions, 25 calls per second" in done.stderr
    assert {entry["status"] for entry in current.log(operation="getFunction")} == {200}
    assert len(documents(done)[0]) == 110
