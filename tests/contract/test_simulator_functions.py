"""Functions, their visibility, authorizations, queues and cluster groups in the simulator."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.simulator_client import Api, version_of
from tests.support.control import ODD_NAME
from tests.support.simulator import ACCOUNT, KEY, OTHER_KEY, Simulator

GOOD = {"name": "echo", "inferenceUrl": "/infer", "containerImage": "nvcr.io/acme/echo:1.0"}
CHART = {
    "name": "echo",
    "inferenceUrl": "/infer",
    "helmChart": "https://h.example/e.tgz",
    "helmChartServiceName": "e",
}
PRIVATE = "/functions?visibility=private"


@pytest.fixture(scope="module")
def simulator_options() -> dict[str, Any]:
    return {"scenario": {"functions": []}}


@pytest.fixture
def other(simulator: Simulator) -> Iterator[Api]:
    with Api(simulator, OTHER_KEY) as client:
        yield client


def test_a_new_function_is_inactive_and_gets_defaults(api: Api) -> None:
    shown = api.http.post("/functions", json={**GOOD, "inferencePort": 9000}).json()["function"]
    assert shown["status"] == "INACTIVE"
    assert shown["ncaId"] == ACCOUNT
    assert shown["description"] == "echo"
    assert shown["health"]["port"] == 9000
    assert shown["health"]["uri"] == shown["healthUri"] == "/v2/health/ready"
    assert shown["functionType"] == "DEFAULT"
    assert api.http.get(version_of((shown["id"], shown["versionId"]))).json()["function"]["name"] == "echo"


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"name": "-x"}, "name", "it begins with a letter or digit"),
        ({"name": "x" * 129}, "name", "128 characters at most"),
        ({"tags": ["a b"]}, "tags", "no blanks in tags"),
        ({"tags": [f"t{n}" for n in range(65)]}, "tags", "64 tags at most"),
        ({"description": "x" * 257}, "description", "256 characters at most"),
    ],
)
def test_an_invalid_definition_is_rejected_with_its_field(
    api: Api, changes: dict[str, Any], field: str, reason: str
) -> None:
    answer = api.http.post("/functions", json=GOOD | changes)
    assert answer.status_code == 400, reason
    assert answer.json()["detail"].startswith("Validation failed: [object=createFunctionRequest, field="), reason
    assert field in answer.json()["detail"], reason
    assert "type" not in answer.json()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": None}, "a name is not null"),
        ({"inferenceUrl": None}, "an entry point is needed"),
        ({"functionType": "NOPE"}, "a type that exists"),
        ({"health": {"protocol": "HTTP", "uri": "/"}}, "a health check is whole"),
        ({"inferencePort": "x"}, "a port is a number"),
    ],
)
def test_an_unreadable_definition_is_rejected_without_a_reason(api: Api, changes: dict[str, Any], reason: str) -> None:
    answer = api.http.post("/functions", json=GOOD | changes)
    assert answer.status_code == 400, reason
    assert answer.json()["detail"] == "Failed to read request", reason
    assert "type" not in answer.json(), reason


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"name": ""}, "name", "a name is needed"),
        ({"containerImage": None}, "containerImage", "something to run is needed"),
        ({"helmChart": "https://x/y.tgz", "helmChartServiceName": "x"}, "helmChart", "image or chart, not both"),
        ({"helmChartServiceName": "x"}, "helmChartServiceName", "a service name goes with a chart"),
    ],
)
def test_a_definition_that_contradicts_itself_is_an_error_of_the_service(
    api: Api, changes: dict[str, Any], field: str, reason: str
) -> None:
    answer = api.http.post("/functions", json=GOOD | changes)
    assert answer.status_code == 400, reason
    assert field in answer.json()["detail"], reason
    assert answer.json()["type"].endswith(":bad-request"), reason


def test_a_chart_function_shows_its_chart_and_secrets_are_shown_by_name_only(api: Api) -> None:
    answer = api.http.post("/functions", json=CHART | {"secrets": [{"name": "token", "value": "hidden-value"}]})
    assert answer.json()["function"]["helmChart"] == CHART["helmChart"]
    assert answer.json()["function"]["secrets"] == ["token"]
    assert "hidden-value" not in answer.text
    path = version_of((answer.json()["function"]["id"], answer.json()["function"]["versionId"]))
    assert api.http.get(path).json()["function"]["secrets"] == ["token"]
    assert "secrets" not in api.http.get(path, params={"includeSecrets": "false"}).json()["function"]
    assert api.http.get(path, params={"includeSecrets": "perhaps"}).status_code == 400
    listed = next(
        f for f in api.http.get(PRIVATE).json()["functions"] if f["name"] == CHART["name"] and "helmChart" in f
    )
    assert "secrets" not in listed, "lists and keys without the details scope show no names either"


def test_another_version_needs_a_function_of_the_account(api: Api, other: Api, echo: tuple[str, str]) -> None:
    path = f"/functions/{echo[0]}/versions"
    assert api.http.post(path, json=GOOD).json()["function"]["id"] == echo[0]
    assert len(api.http.get(path).json()["functions"]) == 2
    assert other.http.post(path, json=GOOD).status_code == 404


@pytest.mark.parametrize("prefix", ["", "/metadata"])
def test_tags_can_be_replaced_under_both_paths(api: Api, echo: tuple[str, str], prefix: str) -> None:
    path = prefix + version_of(echo)
    assert api.http.put(path, json={"tags": ["a:1", "b"]}).json()["function"]["tags"] == ["a:1", "b"]
    assert api.http.put(path, json={"bogus": 1}).status_code == 400
    assert "tags" not in api.http.put(path, json={"tags": []}).json()["function"]


def test_with_the_details_scope_an_undeployed_function_has_no_instances(api: Api, echo: tuple[str, str]) -> None:
    assert api.http.get(version_of(echo)).json()["function"]["activeInstances"] == []


@pytest.mark.parametrize("scope", ["register_function", "update_function", "delete_function", "list_functions"])
def test_each_call_needs_its_scope(simulator: Simulator, echo: tuple[str, str], scope: str) -> None:
    simulator.add_key("bare", "nvapi-bare", scopes=["queue_details"])
    with Api(simulator, "nvapi-bare") as bare:
        answers = {
            "register_function": lambda: bare.http.post("/functions", json=GOOD),
            "update_function": lambda: bare.http.put(version_of(echo), json={"tags": ["a"]}),
            "delete_function": lambda: bare.http.delete(version_of(echo)),
            "list_functions": lambda: bare.http.get("/functions"),
        }
        answer = answers[scope]()
    assert answer.status_code == 403
    assert scope in answer.json()["detail"]


def test_a_key_for_one_function_may_create_its_versions_and_nothing_else(
    simulator: Simulator, echo: tuple[str, str]
) -> None:
    simulator.add_key("narrow", "nvapi-narrow", resources=[f"function:{echo[0]}/*"])
    with Api(simulator, "nvapi-narrow") as narrow:
        assert narrow.http.post("/functions", json=GOOD).status_code == 403
        assert narrow.http.post(f"/functions/{echo[0]}/versions", json=GOOD).status_code == 200


def test_outside_the_policy_versions_and_details_are_forbidden(simulator: Simulator, echo: tuple[str, str]) -> None:
    simulator.add_key("narrow", "nvapi-narrow", resources=["function:00000000-0000-4000-8000-000000000001/*"])
    with Api(simulator, "nvapi-narrow") as narrow:
        assert narrow.http.get(f"/functions/{echo[0]}/versions").status_code == 403
        assert narrow.http.get(version_of(echo)).status_code == 403
        assert narrow.http.get(PRIVATE).json() == {"functions": []}


def test_public_functions_are_listed_whatever_the_policy_but_not_as_private_ones(
    simulator: Simulator, other: Api, echo: tuple[str, str]
) -> None:
    simulator.change(echo[1], public=True)
    simulator.add_key("none", "nvapi-none", resources=[])

    def versions(client: Api, query: str) -> list[str]:
        return [item["versionId"] for item in client.http.get(f"/functions{query}").json()["functions"]]

    with Api(simulator, "nvapi-none") as none:
        assert versions(none, "") == versions(none, "?visibility=public") == versions(other, "?visibility=public")
        assert versions(none, "?visibility=private") == []
    shown = other.http.get("/functions?visibility=public,authorized").json()["functions"]
    mine = next(item for item in shown if item["versionId"] == echo[1])
    assert mine["ownedByDifferentAccount"] is True
    assert "containerImage" not in mine
    simulator.change(echo[1], public=False)


def test_an_unknown_visibility_is_rejected(api: Api) -> None:
    assert api.http.get("/functions?visibility=secret").status_code == 400


def test_a_shared_function_is_visible_to_the_other_account_but_not_deployable(
    simulator: Simulator, api: Api, other: Api, echo: tuple[str, str]
) -> None:
    simulator.add_key("others", "nvapi-others", ncaId="globex", resources=["authorized-functions:*"])
    path = f"/authorizations{version_of(echo)}"
    assert api.http.get(path).json()["function"]["authorizedParties"] == []
    assert other.http.get(version_of(echo)).status_code == 404

    answer = api.http.post(path, json={"authorizedParties": [{"ncaId": "globex"}]})
    assert answer.json()["function"]["authorizedParties"] == [{"ncaId": "globex"}]
    with Api(simulator, "nvapi-others") as sharing:
        assert sharing.http.get(version_of(echo)).json()["function"]["ownedByDifferentAccount"] is True
        listed = sharing.http.get("/functions?visibility=authorized").json()["functions"]
        assert [item["versionId"] for item in listed] == [echo[1]]
        assert sharing.deploy(echo).status_code == 404
    assert other.http.get(version_of(echo)).status_code == 403, "its policy does not hold shared functions"

    assert api.http.delete(path).json()["function"].keys() == {"id", "ncaId", "versionId"}
    assert other.http.get(version_of(echo)).status_code == 404


def test_patch_adds_and_removes_one_authorized_account(api: Api, echo: tuple[str, str]) -> None:
    path, party = f"/authorizations/functions/{echo[0]}", {"authorizedParty": {"ncaId": "globex"}}
    assert api.http.patch(f"{path}/add", json=party).status_code == 404, "none is authorized yet"
    assert api.http.post(path, json={"authorizedParties": [{"ncaId": "globex"}]}).status_code == 200
    assert api.http.patch(f"{path}/add", json=party).status_code == 409
    assert api.http.get(path).json()["functions"][0]["authorizedParties"] == [{"ncaId": "globex"}]
    assert api.http.patch(f"{path}/remove", json=party).json()["function"]["authorizedParties"] == []


@pytest.mark.parametrize("account", ["*", ACCOUNT, "nobody"])
def test_invalid_accounts_are_not_authorized(api: Api, echo: tuple[str, str], account: str) -> None:
    body = {"authorizedParties": [{"ncaId": account}]}
    assert api.http.post(f"/authorizations{version_of(echo)}", json=body).status_code == 400


def test_an_invocation_has_a_position_until_it_is_over(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    first, second, unknown = (f"0000000{number}-0000-4000-8000-00000000000a" for number in range(3))
    api.deploy(echo)
    simulator.change(echo[1], requests=[first.upper(), second])
    for number, request in enumerate((first, second)):
        expected = {"functionId": echo[0], "functionVersionId": echo[1], "positionInQueue": number}
        assert api.http.get(f"/queues/{request}/position").json() == expected
    assert api.http.get(f"/queues/{unknown}/position").status_code == 404
    assert api.http.get("/queues/no-uuid/position").status_code == 400
    simulator.undeploy(echo[1])
    assert api.http.get(f"/queues/{first}/position").status_code == 400, "it is neither pending nor in progress"
    simulator.add_key("no queues", "nvapi-no-queues", scopes=["deploy_function"])
    with Api(simulator, "nvapi-no-queues") as bare:
        assert bare.http.get(f"/queues/{first}/position").status_code == 403


def test_a_queue_exists_while_deployed(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    path = f"/queues{version_of(echo)}"
    assert api.http.get(path).status_code == 404
    api.deployed(echo, minInstances=0)
    simulator.change(echo[1], queueDepth=7)
    expected = {"functionVersionId": echo[1], "functionName": ODD_NAME, "functionStatus": "ACTIVE", "queueDepth": 7}
    assert api.http.get(path).json() == {"functionId": echo[0], "queues": [expected]}
    assert api.http.get(f"/queues/functions/{echo[0]}").json()["queues"] == [expected]
    api.undeploy(echo, graceful="true")
    assert api.http.get(path).status_code == 404, "a draining function takes no requests"


def test_cluster_groups_are_for_api_keys_on_the_gateway_only(simulator: Simulator, api: Api) -> None:
    assert api.http.get("/clusterGroups").status_code == 403
    simulator.add_key("jwt", "eyJ.eyJ.x", kind="jwt")
    with Api(simulator, "eyJ.eyJ.x") as client:
        groups = client.http.get("/clusterGroups").json()["clusterGroups"]
    assert {"NCP", "GFN"} <= {group["name"] for group in groups}
    with Api(simulator, KEY, url=simulator.url.replace("/v2/nvcf", "/v2/orgs/acme/nvcf")) as gateway:
        assert gateway.http.get("/clusterGroups").json()["clusterGroups"] == groups


def test_the_list_shows_every_change_of_status(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.instance_behaviour(echo[1], deploySeconds=3)

    def listed() -> str:
        shown = api.http.get(PRIVATE).json()["functions"]
        return str(next(item["status"] for item in shown if item["versionId"] == echo[1]))

    assert listed() == "INACTIVE"
    api.deploy(echo)
    assert listed() == "DEPLOYING"
    api.wait(echo, "ACTIVE")
    assert listed() == "ACTIVE"
    api.undeploy(echo)
    assert listed() == "INACTIVE"
