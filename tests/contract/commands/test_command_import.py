"""`nvcf-operator import` on an account, in both generations of the API, and with what can go wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.commands.command_process import Account, Done, nvcf_operator
from tests.support.simulator import KEY, OTHER_KEY, Simulator

T10 = {"backend": "GFN", "gpu": "T10", "instanceType": "g4.tiny", "minInstances": 1, "maxInstances": 2}
"""Of the catalogue of both generations."""


def imported(simulator: Simulator, folder: Path, *arguments: str, key: str = KEY) -> Done:
    return Account(simulator.url, folder, key).run("import", *arguments)


def manifests(done: Done) -> dict[str, Any]:
    """The specs that were printed, by function version."""
    documents = list(yaml.safe_load_all(done.stdout))
    assert len({item["metadata"]["name"] for item in documents}) == len(documents)
    return {item["spec"]["functionVersionId"]: item["spec"] for item in documents}


def deployed(simulator: Simulator, name: str = "echo", **changes: Any) -> str:
    """A function with a deployment; the id of its version."""
    _, version = simulator.add_function(name)
    simulator.deploy(version, {**T10, **changes})
    return version


def test_what_is_deployed_is_printed_and_what_is_not_is_not(simulator: Simulator, tmp_path: Path) -> None:
    version, other = deployed(simulator), deployed(simulator, "other", maxInstances=5, maxRequestConcurrency=8)
    simulator.add_function("idle")
    done = imported(simulator, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "nvcf-operator: 2 manifests, 0 deployed versions left out, 0 fields left out\n"
    found = manifests(done)
    assert found.keys() == {version, other}
    (specification,) = found[other]["deploymentSpecifications"]
    assert specification == {**T10, "maxInstances": 5, "maxRequestConcurrency": 8, "preferredOrder": 1}
    assert {spec["deletionPolicy"] for spec in found.values()} == {"Retain"}


def test_two_runs_print_the_same(simulator: Simulator, tmp_path: Path) -> None:
    for number in range(5):
        _, version = simulator.add_function(f"f{number}")
        simulator.deploy(version, T10, {**T10, "maxInstances": 3}, {**T10, "maxInstances": 4})
    first = imported(simulator, tmp_path)
    assert first.stdout.count("---\n") == 5
    assert imported(simulator, tmp_path).stdout == first.stdout


def test_versions_of_one_function_have_a_manifest_each(simulator: Simulator, tmp_path: Path) -> None:
    function, version = simulator.add_function("echo")
    _, second = simulator.add_function("echo", functionId=function)
    for item in (version, second):
        simulator.deploy(item, T10)
    assert manifests(imported(simulator, tmp_path)).keys() == {version, second}


def test_an_account_without_deployments_gives_no_manifest_and_no_error(simulator: Simulator, tmp_path: Path) -> None:
    done = imported(simulator, tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "0 manifests" in done.stderr


def test_functions_are_chosen_and_a_choice_that_means_nothing_is_reported(simulator: Simulator, tmp_path: Path) -> None:
    version, _ = deployed(simulator, "team-a-echo"), deployed(simulator, "team-b-echo")
    assert manifests(imported(simulator, tmp_path, "--function", "team-a-*")).keys() == {version}
    done = imported(simulator, tmp_path, f"--function={version.upper()}", "--function=team-c")
    assert manifests(done).keys() == {version}
    assert (done.returncode, "no function has the name or id 'team-c'" in done.stderr) == (3, True)


def test_a_manifest_says_where_it_belongs_and_which_key_it_uses(simulator: Simulator, tmp_path: Path) -> None:
    deployed(simulator)
    chosen = ("--namespace=team-a", "--secret-name=nvcf", "--secret-key=KEY", "--deletion-policy=Delete")
    (document,) = yaml.safe_load_all(imported(simulator, tmp_path, *chosen).stdout)
    assert document["metadata"]["namespace"] == "team-a"
    assert document["spec"]["credentials"] == {"secretRef": {"name": "nvcf", "key": "KEY"}}
    assert document["spec"]["deletionPolicy"] == "Delete"


def test_a_version_that_drains_is_left_out_and_reported(simulator: Simulator, tmp_path: Path) -> None:
    version, gone = deployed(simulator), deployed(simulator, "leaving")
    simulator.change(gone, queueDepth=5)
    simulator.undeploy(gone, graceful=True)
    assert gone in simulator.deployments(), "it drains"
    done = imported(simulator, tmp_path)
    assert done.returncode == 3
    assert manifests(done).keys() == {version}
    assert f"left out: leaving, version {gone}: it is draining" in done.stderr
    assert "1 manifest, 1 deployed version left out" in done.stderr


def test_a_failed_deployment_is_left_out_since_managing_it_may_undeploy_it(
    simulator: Simulator, tmp_path: Path
) -> None:
    version = deployed(simulator)
    simulator.change(version, status="ERROR")
    done = imported(simulator, tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"echo, version {version}: its deployment has failed" in done.stderr


def test_a_public_function_is_left_out_and_reported(simulator: Simulator, tmp_path: Path) -> None:
    version, kept = deployed(simulator), deployed(simulator, "kept")
    simulator.change(version, public=True)
    done = imported(simulator, tmp_path)
    assert done.returncode == 3
    assert manifests(done).keys() == {kept}
    assert f"echo, version {version}: it is public" in done.stderr


@pytest.mark.parametrize("status", ["DEPLOYING", "DEGRADED", "DEGRADING"])
def test_what_nvcf_works_on_or_heals_is_printed(current: Simulator, tmp_path: Path, status: str) -> None:
    current.behave(loop=False)
    version = deployed(current)
    current.change(version, status=status)
    assert manifests(imported(current, tmp_path)).keys() == {version}


def test_another_accounts_functions_are_not_printed(simulator: Simulator, tmp_path: Path) -> None:
    deployed(simulator)
    assert imported(simulator, tmp_path, key=OTHER_KEY).stdout == ""


def test_nothing_that_may_be_a_secret_is_printed_unless_asked_for(current: Simulator, tmp_path: Path) -> None:
    environment = [{"key": "TOKEN", "value": "hunter2"}]
    _, container = current.add_function("container", details={"containerEnvironment": environment})
    _, chart = current.add_function("chart", kind="helm")
    gpu = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 1}
    current.deploy(container, gpu)
    current.deploy(chart, {**gpu, "configuration": {"password": "swordfish", "none": None}})
    done = imported(current, tmp_path)
    assert done.returncode == 3, "a manifest without its Helm values does not say all"
    assert manifests(done).keys() == {container, chart}
    assert not {"hunter2", "swordfish", "password"} & set(f"{done.stdout} {done.stderr}".replace('"', " ").split())
    assert "deploymentSpecifications[0].configuration: Helm values may contain secrets" in done.stderr
    asked = imported(current, tmp_path, "--include-configuration")
    (specification,) = manifests(asked)[chart]["deploymentSpecifications"]
    assert specification["configuration"] == {"password": "swordfish", "none": None}
    assert "hunter2" not in asked.stdout
    assert "Note: deploymentSpecifications[0].configuration: it contains null" in asked.stdout
    assert asked.returncode == 0


REFUSALS = [
    ({"status": 401, "envelope": "empty"}, "NVCF does not accept the key (401"),
    ({"status": 401, "envelope": "gateway"}, "NVCF does not accept the key (401"),
    ({"status": 403, "operation": "listFunctions"}, "lacks the scope list_functions"),
    ({"status": 403, "operation": "getDeployment"}, "the key lacks the scope deploy_function"),
    ({"status": 200, "body": "<html>log in</html>", "contentType": "text/html"}, "the response did not come from NVCF"),
    ({"status": 403, "body": "<html>no</html>", "contentType": "text/html"}, "the 403 response did not come from NVCF"),
    ({"status": 404, "envelope": "framework"}, "there is no such path (404"),
    ({"reset": True}, "the connection"),
    ({"status": 429}, "too many calls (429"),
    ({"status": 503}, "NVCF returned an error (503"),
]


@pytest.mark.parametrize(("fault", "words"), REFUSALS, ids=[words for _, words in REFUSALS])
def test_an_account_that_cannot_be_read_is_reported_in_words_and_nothing_is_printed(
    current: Simulator, tmp_path: Path, fault: dict[str, Any], words: str
) -> None:
    deployed(current)
    current.fault(**fault)
    done = imported(current, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert words in line


def test_a_server_that_is_not_there_is_reported(current: Simulator, tmp_path: Path) -> None:
    done = Account("http://127.0.0.1:1/v2/nvcf", tmp_path, KEY).run("import")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Connection refused: nothing is listening there" in done.stderr


def test_a_failure_with_one_version_leaves_out_that_one_alone(simulator: Simulator, tmp_path: Path) -> None:
    version, forbidden, broken = (deployed(simulator, name) for name in ("kept", "forbidden", "broken"))
    simulator.fault(operation="getDeployment", functionVersionId=forbidden, status=403, detail="not by policy")
    simulator.fault(operation="getDeployment", functionVersionId=broken, status=500)
    done = imported(simulator, tmp_path)
    assert done.returncode == 3
    assert manifests(done).keys() == {version}
    assert f"forbidden, version {forbidden}: the key may not do this (403: not by policy)" in done.stderr
    assert f"broken, version {broken}: NVCF returned an error (500" in done.stderr


@pytest.mark.parametrize("fault", [{"status": 429, "retryAfter": 1}, {"status": 502}, {"reset": True}])
def test_a_failure_that_passes_is_waited_for(current: Simulator, tmp_path: Path, fault: dict[str, Any]) -> None:
    version = deployed(current)
    current.fault(count=1, operation="listFunctions", **fault)
    current.fault(count=2, operation="getDeployment", functionVersionId=version, **fault)
    done = imported(current, tmp_path)
    assert done.returncode == 0, done.stderr
    assert manifests(done).keys() == {version}


def test_a_server_that_asks_for_too_long_a_pause_is_not_asked_again(current: Simulator, tmp_path: Path) -> None:
    versions = {deployed(current, f"f{number}") for number in range(20)}
    current.fault(operation="getDeployment", status=429, retryAfter=3600, skip=1)  # the first one is about scopes
    done = imported(current, tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert all(f"version {version}: too many calls (429" in done.stderr for version in versions)
    assert len(current.log(operation="getDeployment")) <= 1 + 8, "those that were under way together, and no more"


def test_many_versions_are_asked_for_no_faster_than_is_polite(current: Simulator, tmp_path: Path) -> None:
    current.add_account("acme", requestsPerSecond=40)
    current.add_functions("many", 150)
    done = imported(current, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "requesting the deployments of 150 versions, 25 per second" in done.stderr
    statuses = [entry["status"] for entry in current.log(operation="getDeployment")]
    assert statuses == [404] * 151, "one for each, one for the scope, and none that was throttled"


def test_all_mistakes_are_reported_at_once_and_nothing_is_asked(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("nvapi-test hunter2")
    done = nvcf_operator(
        "import", "--nvcf-base-url=ftp://h", f"--api-key-file={key}", "--namespace=A", "--timeout=0", "--secret-key=k"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.partition(": ")[2].split(":")[0] for line in done.stderr.splitlines()] == [
        "--nvcf-base-url (NVCF_OPERATOR_NVCF_BASE_URL)",
        "--api-key-file (NVCF_OPERATOR_API_KEY_FILE)",
        "--timeout",
        "--namespace",
        "--secret-key",
    ]
    assert "hunter2" not in done.stderr


def test_account_and_key_may_be_given_by_variables_and_misspelt_ones_are_reported(
    simulator: Simulator, tmp_path: Path
) -> None:
    version = deployed(simulator)
    account = Account(simulator.url, tmp_path, KEY)
    done = nvcf_operator(
        "import",
        NVCF_OPERATOR_NVCF_BASE_URL=account.url,
        NVCF_OPERATOR_API_KEY_FILE=str(account.file),
        NVCF_OPERATOR_API_KEY_FIEL="x",
    )
    assert manifests(done).keys() == {version}
    assert "did you mean NVCF_OPERATOR_API_KEY_FILE?" in done.stderr


def test_entries_and_specifications_that_cannot_be_read_are_named(current: Simulator, tmp_path: Path) -> None:
    readable, hidden, odd = deployed(current), deployed(current, "hidden"), deployed(current, "odd")
    current.change(hidden, odd={"status": 7})
    current.change(odd, oddSpecifications={"regions": 5})
    done = imported(current, tmp_path)
    assert done.returncode == 3
    assert manifests(done).keys() == {readable}
    assert "entries of NVCF's list that cannot be read: functions[].status: " in done.stderr
    assert f"{odd}: NVCF shows deploymentSpecifications.regions in a form that cannot be read" in done.stderr


def test_a_public_function_that_cannot_be_read_may_be_left_in_and_that_is_reported(
    current: Simulator, tmp_path: Path
) -> None:
    version = deployed(current)
    current.change(version, public=True, odd={"status": 7})
    current.change(deployed(current, "other"), odd={"tags": "x"})
    done = imported(current, tmp_path)
    assert "the list of public functions cannot be read in full" in done.stderr
