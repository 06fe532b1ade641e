"""Registering, changing and deleting function versions in the simulator: what the conformance cases leave out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.contract.simulator_client import DEADLINE, Api, version_of
from tests.support.simulator import ACCOUNT, Simulator
from tests.support.waiting import eventually

NEVER = 3600.0
"""Seconds of a wait that a test ends itself."""

GOOD = {"name": "echo", "inferenceUrl": "/infer", "containerImage": "nvcr.io/acme/echo:1.0"}
FILES = "https://api.ngc.nvidia.com/v2/org/acme/models/m/{}files"
TELEMETRY = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="module")
def simulator_options() -> dict[str, Any]:
    account = {"ncaId": ACCOUNT, "telemetries": {TELEMETRY: ["LOGS"]}}
    return {
        "period": 3600,
        "deploySeconds": 0,
        "scenario": {"functions": [], "accounts": [account, {"ncaId": "globex"}]},
    }


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    before = httpx.get(f"{running.control}/behaviour", trust_env=False).json()
    yield running
    running.behave(**before)
    running.change_account(ACCOUNT, maxFunctionsAllowed=None)


def register(api: Api, **changes: Any) -> tuple[str, str]:
    answer = api.http.post("/functions", json=GOOD | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["function"]["id"], answer.json()["function"]["versionId"]


def versions(api: Api, function_id: str) -> list[str]:
    answer = api.http.get(f"/functions/{function_id}/versions")
    return [item["versionId"] for item in answer.json()["functions"]] if answer.status_code == 200 else []


def shown(api: Api, function: tuple[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = api.http.get(version_of(function)).json()["function"]
    return found


def put_secrets(api: Api, function: tuple[str, str], **values: Any) -> int:
    body = {"secrets": [{"name": name, "value": value} for name, value in values.items()]}
    return api.http.put(f"/secrets{version_of(function)}", json=body).status_code


# registering


def test_a_slow_registration_ends_although_its_client_is_gone(simulator: Simulator, api: Api) -> None:
    function = register(api)
    simulator.behave(races={"slowRegister": 0.8})
    with pytest.raises(httpx.ReadTimeout):
        api.http.post(f"/functions/{function[0]}/versions", json=GOOD, timeout=0.3)
    assert versions(api, function[0]) == [function[1]]
    eventually(lambda: versions(api, function[0]), lambda v: len(v) == 2, within=DEADLINE, what="the second version")


def test_a_registration_that_fails_at_its_end_leaves_secrets_and_no_version(simulator: Simulator, api: Api) -> None:
    function = register(api)
    simulator.behave(races={"failedRegistration": 1})
    cursor = simulator.cursor
    body = GOOD | {"secrets": [{"name": "TOKEN", "value": "x"}]}
    assert api.http.post(f"/functions/{function[0]}/versions", json=body).status_code == 500
    assert versions(api, function[0]) == [function[1]]
    (entry,) = simulator.log(cursor, operation="createVersion")
    assert entry["committed"] is None
    assert simulator.has_secrets(entry["functionVersionId"], TOKEN="x")


def test_the_time_of_creation_is_finer_in_the_first_response(simulator: Simulator, api: Api) -> None:
    simulator.behave(plain=True)
    first = api.http.post("/functions", json=GOOD).json()["function"]
    later = shown(api, (first["id"], first["versionId"]))
    assert len(first["createdAt"].partition(".")[2]) == len("123456789Z")
    assert first["createdAt"].startswith(later["createdAt"].rstrip("Z"))


def test_a_quota_is_the_accounts_and_can_be_changed(simulator: Simulator, api: Api) -> None:
    function = register(api)
    simulator.change_account(ACCOUNT, maxFunctionsAllowed=1)
    answer = api.http.post("/functions", json=GOOD)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (400, "bad-request")
    assert "max limit for the number of functions allowed: 1" in answer.json()["detail"]
    assert api.http.post(f"/functions/{function[0]}/versions", json=GOOD).status_code == 200
    simulator.change_account(ACCOUNT, maxFunctionsAllowed=None)
    assert api.http.post("/functions", json=GOOD).status_code == 200


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_what_the_registry_says_of_an_artifact_is_the_response(simulator: Simulator, api: Api, status: int) -> None:
    image = f"nvcr.io/acme/unavailable:{status}"
    simulator.artifacts({image: {"status": status}})
    answer = api.http.post("/functions", json=GOOD | {"containerImage": image})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert image in answer.json()["detail"]
    assert api.http.post("/functions", json=GOOD).status_code == 200, "others are there"
    simulator.artifacts({image: None})
    function = register(api, containerImage=image)
    simulator.artifacts({"nvcr.io/acme/unavailable:*": {"status": status}})
    assert api.deploy(function).status_code == status, "it is checked again at the deployment"
    simulator.artifacts({"nvcr.io/acme/unavailable:*": None})
    assert api.deploy(function).status_code == 200


def test_an_artifact_that_is_pushed_later_is_found_then(simulator: Simulator, api: Api) -> None:
    image = {"containerImage": "nvcr.io/acme/late"}
    simulator.artifacts({"nvcr.io/acme/late:latest": {"status": 404, "pushedAfter": 600}})
    assert api.http.post("/functions", json=GOOD | image).status_code == 404
    simulator.jump(601)
    assert api.http.post("/functions", json=GOOD | image).status_code == 200


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({"containerImage": "nvcr.io/acme/echo@sha256:abc"}, True),
        ({"containerImage": "nvcr.io/acme/echo:1@sha256:abc"}, False),
        ({"containerImage": "registry.example/acme/echo:1"}, False),
        ({"containerImage": None, "helmChart": "oci://helm.example/echo-1.tgz", "helmChartServiceName": "e"}, True),
        ({"containerImage": None, "helmChart": "ftp://helm.example/echo-1.tgz", "helmChartServiceName": "e"}, False),
        ({"models": [{"name": "m", "version": "1", "uri": FILES.format("1/")}]}, True),
        ({"models": [{"name": "m", "version": "1", "uri": FILES.format("versions/1/")}]}, False),
    ],
)
def test_the_rules_of_registries_are_checked_on_request(
    simulator: Simulator, api: Api, changes: dict[str, Any], accepted: bool
) -> None:
    assert api.http.post("/functions", json=GOOD | changes).status_code == 200
    simulator.behave(artifactRules=True)
    assert (api.http.post("/functions", json=GOOD | changes).status_code == 200) is accepted


@pytest.mark.parametrize(
    ("telemetries", "status"),
    [
        ({"logsTelemetryId": TELEMETRY}, 200),
        ({"tracesTelemetryId": TELEMETRY}, 400),
        ({"logsTelemetryId": "22222222-2222-4333-8444-555555555555"}, 404),
        ({}, 400),
        ({"logsTelemetryId": "x"}, 400),
    ],
)
def test_telemetries_must_exist_and_have_the_type(api: Api, telemetries: dict[str, str], status: int) -> None:
    assert api.http.post("/functions", json=GOOD | {"telemetries": telemetries}).status_code == status


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"functionType": "LLM"}, 400),
        ({"functionType": "LLM", "models": [{"name": "m"}]}, 400),
        ({"functionType": "LLM", "models": [{"name": "m", "llmConfig": {"uris": []}}]}, 400),
        ({"functionType": "LLM", "models": [{"name": "m", "llmConfig": {"uris": ["/v1/chat"]}}]}, 200),
        ({"llmInvocationConfig": {}}, 400),
        ({"apiBodyFormat": None}, 500),
        ({"secrets": [{"name": "NUMBER", "value": 5}]}, 200),
        ({"secrets": [{"name": "SAME", "value": "x"}, {"name": "SAME", "value": "x"}]}, 200),
    ],
)
def test_odd_definitions_have_the_servers_status(api: Api, changes: dict[str, Any], status: int) -> None:
    assert api.http.post("/functions", json=GOOD | changes).status_code == status


def test_a_function_of_models_only_gets_the_arguments_of_a_model_server(api: Api) -> None:
    models = [{"name": "m", "version": "1", "uri": FILES.format("1/")}]
    function = register(api, containerImage=None, models=models)
    assert shown(api, function)["containerArgs"].startswith("tritonserver ")


# secrets


def test_values_of_secrets_are_compared_and_never_shown(simulator: Simulator, api: Api) -> None:
    cursor = simulator.cursor
    function = register(api, secrets=[{"name": "TOKEN", "value": "hidden-value"}])
    assert put_secrets(api, function, TOKEN="hidden-other", CONFIG={"password": "hidden-word"}) == 204
    assert simulator.has_secrets(function[1], TOKEN="hidden-other", CONFIG={"password": "hidden-word"})
    assert not simulator.has_secrets(function[1], TOKEN="hidden-value")
    first, second = (entry["body"]["secrets"] for entry in simulator.log(cursor) if entry["mutating"])
    assert first[0]["name"] == second[0]["name"] == "TOKEN"
    assert first[0]["value"] != second[0]["value"], "values are distinguished"
    body = b'{"secrets": [{"name": "TOKEN", "value": "hidden-text"}'
    headers = {"Content-Type": "application/json"}
    assert api.http.put(f"/secrets{version_of(function)}", content=body, headers=headers).status_code == 400
    everything = str([simulator.log(cursor), simulator.state(), simulator.secrets(function[1])])
    assert "hidden-" not in everything


def test_secrets_are_changed_from_outside(simulator: Simulator, api: Api) -> None:
    function = register(api, secrets=[{"name": "A", "value": "x"}, {"name": "B", "value": "y"}])
    simulator.set_secrets(function[1], A="<&> Ünicode", B=None)
    assert simulator.has_secrets(function[1], A="<&> Ünicode")
    assert shown(api, function)["secrets"] == ["A"]
    simulator.set_secrets(function[1], A=None)
    assert "secrets" not in shown(api, function)


@pytest.mark.parametrize(("failures", "status"), [(2, 200), (3, 502)])
def test_a_write_of_secrets_is_tried_three_times(simulator: Simulator, api: Api, failures: int, status: int) -> None:
    function = register(api)
    simulator.depend_function(function[0], secrets={"status": 503, "count": failures})
    body = GOOD | {"secrets": [{"name": "A", "value": "x"}]}
    assert api.http.post(f"/functions/{function[0]}/versions", json=body).status_code == status
    assert len(versions(api, function[0])) == (2 if status == 200 else 1)


# the row of a version


def test_of_two_updates_at_once_the_last_decides_about_everything(
    simulator: Simulator, api: Api, pool: ThreadPoolExecutor
) -> None:
    function = register(api, tags=["old"])
    simulator.behave(races={"slowUpdate": NEVER})
    first = pool.submit(api.http.put, version_of(function), json={"tags": ["new"]})
    eventually(
        lambda: simulator.log(functionVersionId=function[1], operation="updateFunction"),
        within=DEADLINE,
        what="the first update",
    )
    limited = {"rateLimit": {"rateLimit": "1-S"}}
    second = pool.submit(api.http.put, f"/ratelimit{version_of(function)}", json=limited)
    eventually(simulator.in_flight, lambda number: number == 2, within=DEADLINE, what="both updates")
    simulator.behave(races={"slowUpdate": 0})
    assert (first.result().status_code, second.result().status_code) == (200, 204)
    entries = [entry for entry in simulator.log(functionVersionId=function[1]) if entry["committed"] is not None]
    last = max(entries, key=lambda entry: entry["committed"])["operation"]
    undone = {"updateRateLimit": (["old"], True), "updateFunction": (["new"], False)}
    assert (shown(api, function)["tags"], "rateLimit" in shown(api, function)) == undone[last], "the other is undone"
    assert simulator.operations(function[1])[-2:] == ["updateFunction", "updateRateLimit"]
    assert len(simulator.overlapping(function[1])) == 1
    assert simulator.overlapping(function[1], but=["updateRateLimit"]) == []


def test_a_change_that_has_read_inactive_ends_a_deployment_that_was_made_meanwhile(
    simulator: Simulator, api: Api, pool: ThreadPoolExecutor
) -> None:
    function = register(api, tags=["old"])
    simulator.behave(races={"slowUpdate": NEVER})
    change = pool.submit(api.http.put, version_of(function), json={"tags": ["new"]})
    eventually(lambda: simulator.in_flight(), within=DEADLINE, what="the change")
    assert api.deploy(function).status_code == 200
    simulator.behave(races={"slowUpdate": 0})
    assert change.result().status_code == 200
    assert (shown(api, function)["status"], api.get(function).status_code) == ("INACTIVE", 200)
    simulator.run_pass()
    assert (shown(api, function)["tags"], api.get(function).status_code) == (["new"], 404)
    assert [item for item in simulator.allocations() if item["functionVersionId"] == function[1]] == []


def test_one_writer_at_a_time_is_seen(simulator: Simulator, api: Api) -> None:
    function = register(api)
    api.deploy(function)
    api.http.put(version_of(function), json={"tags": ["a"]})
    api.undeploy(function)
    expected = ["createFunction", "createDeployment", "updateFunction", "deleteDeployment"]
    assert (simulator.operations(function[1]), simulator.overlapping(function[1])) == (expected, [])


def test_a_failed_deployment_undoes_a_change_too(simulator: Simulator, api: Api, pool: ThreadPoolExecutor) -> None:
    function = register(api, tags=["old"])
    simulator.instance_behaviour(function[1], allocationSeconds=1)
    simulator.depend(function[1], allocator={"status": 400})
    post = pool.submit(api.deploy, function)
    eventually(lambda: simulator.in_flight(), within=DEADLINE, what="the POST")
    assert api.http.put(version_of(function), json={"tags": ["new"]}).status_code == 200
    assert post.result().status_code == 400
    assert (shown(api, function)["tags"], shown(api, function)["status"]) == (["old"], "INACTIVE")


def test_an_update_is_undone_by_the_next_pass(simulator: Simulator, api: Api) -> None:
    function = register(api, tags=["old"])
    simulator.behave(races={"undoneUpdate": 1})
    assert api.http.put(version_of(function), json={"tags": ["new"]}).status_code == 200
    assert shown(api, function)["tags"] == ["new"]
    simulator.run_pass()
    assert shown(api, function)["tags"] == ["old"]


def test_a_deleted_version_comes_back_with_the_next_pass(simulator: Simulator, api: Api) -> None:
    function = register(api, tags=["old"])
    api.deployed(function, minInstances=0)
    simulator.behave(races={"returningVersion": 1})
    assert api.http.delete(version_of(function)).status_code == 204
    assert versions(api, function[0]) == []
    simulator.run_pass()
    assert (shown(api, function)["tags"], shown(api, function)["status"]) == (["old"], "ACTIVE")
    assert api.get(function).status_code == 404
    assert api.deploy(function).status_code == 500, "Missing deployment"
    assert api.http.delete(version_of(function)).status_code == 204
    simulator.run_pass()
    assert versions(api, function[0]) == []


@pytest.mark.parametrize("stale", [False, True])
def test_a_slow_pass_undoes_a_change_of_tags_with_stale_rows_only(simulator: Simulator, api: Api, stale: bool) -> None:
    simulator.behave(races={"staleRows": stale})
    function = register(api, tags=["old"])
    assert api.deploy(function).status_code == 200
    with simulator.long_pass():
        assert api.http.put(version_of(function), json={"tags": ["new"]}).status_code == 200
    assert shown(api, function)["status"] == "ACTIVE"
    assert shown(api, function)["tags"] == (["old"] if stale else ["new"])


def test_a_slow_pass_brings_a_deleted_version_back_with_stale_rows(simulator: Simulator, api: Api) -> None:
    simulator.behave(races={"staleRows": True})
    function = register(api, tags=["old"])
    assert api.deploy(function).status_code == 200
    simulator.run_pass()
    assert shown(api, function)["status"] == "ACTIVE"
    with simulator.long_pass():
        assert api.http.delete(version_of(function)).status_code == 204
    assert shown(api, function)["status"] == "DEGRADED"
    assert api.get(function).status_code == 404


# reads that lag behind


def test_a_list_lags_behind_while_a_version_can_be_read(simulator: Simulator, api: Api) -> None:
    simulator.behave(races={"listLag": 60})
    function = register(api, tags=["old"])
    listing = "/functions?visibility=private"

    def listed() -> list[Any]:
        found = api.http.get(listing).json()["functions"]
        return [item.get("tags") for item in found if item["versionId"] == function[1]]

    assert shown(api, function)["tags"] == ["old"]
    assert (listed(), versions(api, function[0])) == ([], [])
    simulator.jump(61)
    assert (listed(), versions(api, function[0])) == ([["old"]], [function[1]])
    api.http.put(version_of(function), json={"tags": ["new"]})
    assert (shown(api, function)["tags"], listed()) == (["new"], [["old"]])
    api.http.delete(version_of(function))
    assert (api.http.get(version_of(function)).status_code, listed()) == (404, [["old"]])
    simulator.jump(61)
    assert listed() == []


def test_a_version_cannot_be_read_yet_while_it_is_listed(simulator: Simulator, api: Api) -> None:
    simulator.behave(races={"readLag": 60})
    function = register(api)
    assert versions(api, function[0]) == [function[1]]
    assert api.http.get(version_of(function)).status_code == 404
    simulator.jump(61)
    assert api.http.get(version_of(function)).status_code == 200


# deleting


@pytest.mark.parametrize("order", ["row-first", "deployment-first"])
def test_a_deployment_that_cannot_be_deleted_fails_the_deletion_of_its_version(
    simulator: Simulator, api: Api, order: str
) -> None:
    simulator.behave(deletion=order, dependencies={"deployments": {"status": 500, "count": 1}})
    function = register(api)
    api.deploy(function)
    assert api.http.delete(version_of(function)).status_code == 500
    gone = order == "row-first"
    assert (versions(api, function[0]) == []) is gone
    assert not [item for item in simulator.allocations() if item["functionVersionId"] == function[1]]
    assert api.http.delete(version_of(function)).status_code == (404 if gone else 204)
    assert versions(api, function[0]) == []


@pytest.mark.parametrize("order", ["row-first", "deployment-first"])
def test_secrets_that_cannot_be_deleted_fail_the_deletion_of_a_version_that_is_gone(
    simulator: Simulator, api: Api, order: str
) -> None:
    simulator.behave(deletion=order)
    function = register(api, secrets=[{"name": "A", "value": "x"}])
    simulator.depend_function(function[0], secrets={"status": 500})
    assert [api.http.delete(version_of(function)).status_code for _ in range(2)] == [502, 404]
    assert simulator.has_secrets(function[1], A="x"), "they are left behind"


# outside changes


def test_tags_rate_limit_and_sharing_are_changed_from_outside(simulator: Simulator, api: Api) -> None:
    function = register(api, tags=["mark:1", "mark:2", "mine"], rateLimit={"rateLimit": "1-S"})
    simulator.remove_tags(function[1], "mark:")
    simulator.change(function[1], rateLimit={"perUserRate": "2-S"}, sharedWith=["globex"])
    assert shown(api, function)["tags"] == ["mine"]
    assert shown(api, function)["rateLimit"] == {"perUserRate": "2-S", "exemptedNcaIds": [], "perNcaIdRate": {}}
    parties = api.http.get(f"/authorizations{version_of(function)}").json()["function"]["authorizedParties"]
    assert parties == [{"ncaId": "globex"}]
    simulator.change(function[1], tags=[], rateLimit=None)
    assert not {"tags", "rateLimit"} & shown(api, function).keys()


def test_all_versions_of_a_function_are_deleted_from_outside(simulator: Simulator, api: Api) -> None:
    function = register(api)
    api.http.post(f"/functions/{function[0]}/versions", json=GOOD)
    assert simulator.remove_function(function[0]) == 2
    assert versions(api, function[0]) == []


def test_the_old_generation_has_only_the_deprecated_path_of_updates(simulator: Simulator, api: Api) -> None:
    function = register(api)
    simulator.behave(generation="old")
    assert api.http.put(version_of(function), json={"tags": ["a"]}).status_code == 405
    assert api.http.put(f"/metadata{version_of(function)}", json={"tags": ["a"]}).status_code == 200
