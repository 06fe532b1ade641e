"""Media types, tokens, keys and envelopes of the simulator."""

import httpx
import pytest

from tests.contract.simulator_client import Api, deployment_of
from tests.support.simulator import ECHO, KEY, OTHER_KEY, Simulator

FUNCTION = (ECHO, ECHO)
ORG = "/v2/orgs/acme/nvcf"
TEAM = "/v2/orgs/acme/teams/vision/nvcf"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "no header"),
        ("Bearer", "no token"),
        (f"bearer {KEY}", "the scheme is written with a capital letter"),
        (f"BEARER {KEY}", "and the other letters are small"),
        (f"Bearer{KEY}", "a blank follows it"),
        ("Basic YTpi", "another scheme"),
        ("Bearer not-a-token", "neither API key nor JWT"),
    ],
)
def test_without_a_usable_token_the_response_is_an_empty_401(
    simulator: Simulator, header: str | None, reason: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    for path in (deployment_of(FUNCTION), "/nothing"):
        answer = httpx.get(simulator.url + path, headers=headers, trust_env=False)
        assert (answer.status_code, answer.content) == (401, b""), reason
        assert answer.headers["www-authenticate"].startswith("Bearer"), reason


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", f"{deployment_of(FUNCTION)}/", 404),
        ("GET", "/deployments", 404),
        ("GET", "/functions/", 404),
        ("GET", "/deployments/nope", 400),
        ("GET", f"/functions/nope/versions/{ECHO}", 400),
        ("PATCH", deployment_of(FUNCTION), 405),
        ("DELETE", "/functions", 405),
    ],
)
def test_errors_of_the_framework_have_no_problem_type(api: Api, method: str, path: str, status: int) -> None:
    answer = api.http.request(method, path)
    assert answer.status_code == status
    assert answer.json().keys() == {"title", "status", "detail", "instance"}
    assert answer.json()["instance"].endswith(path)
    assert (status == 405) == ("allow" in answer.headers)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 404),
        ("application/json", 404),
        ("application/*;q=0.5", 404),
        ("text/html, application/json", 404),
        ("text/html", 406),
        ("application/problem+json", 406),
    ],
)
def test_the_response_is_json_or_406(api: Api, accept: str, status: int) -> None:
    assert api.http.get(deployment_of(FUNCTION), headers={"Accept": accept}).status_code == status


@pytest.mark.parametrize("declared", [None, "text/plain", "application/merge-patch+json"])
def test_a_body_must_be_declared_as_json(api: Api, declared: str | None) -> None:
    headers = {} if declared is None else {"Content-Type": declared}
    assert api.http.post("/functions", content=b"{}", headers=headers).status_code == 415


def test_ids_are_read_in_any_letter_case_and_without_leading_zeros(simulator: Simulator, api: Api) -> None:
    function, version = "0000000a-0001-4001-8001-00000000000a", "0000000b-0001-4001-8001-00000000000b"
    simulator.add_function("padded", functionId=function, functionVersionId=version)
    assert api.http.get(f"/functions/{function.upper()}/versions/b-1-4001-8001-b").status_code == 200


def test_a_new_key_takes_effect_after_a_delay(simulator: Simulator) -> None:
    simulator.add_key("young", "nvapi-young", effectiveAfter=600)
    with Api(simulator, "nvapi-young") as young:
        assert young.get(FUNCTION).status_code == 403
        simulator.jump(601)
        assert young.get(FUNCTION).status_code == 404


def test_a_jwt_expires(simulator: Simulator) -> None:
    simulator.add_key("session", "eyJ.session.x", kind="jwt", expiresAfter=600)
    with Api(simulator, "eyJ.session.x") as session:
        assert session.get(FUNCTION).status_code == 404
        simulator.jump(601)
        assert session.get(FUNCTION).status_code == 401


def test_a_jwt_without_the_scope_is_forbidden(simulator: Simulator) -> None:
    simulator.add_key("narrow", "eyJ.narrow.x", kind="jwt", scopes=["list_functions"])
    with Api(simulator, "eyJ.narrow.x") as narrow:
        assert narrow.http.get("/functions").status_code == 200
        refused = narrow.get(FUNCTION)
        assert refused.status_code == 403
        assert "deploy_function" in refused.json()["detail"]


def test_a_key_moved_to_another_account_sees_nothing_of_the_first(simulator: Simulator) -> None:
    function = simulator.add_function("moving")
    simulator.add_key("moving", "nvapi-moving")
    with Api(simulator, "nvapi-moving") as moving:
        moving.deployed(function, minInstances=0)
        simulator.change_key("moving", ncaId="globex")
        assert moving.get(function).status_code == 404
        assert moving.undeploy(function).status_code == 404
        assert moving.http.get("/functions?visibility=private").json() == {"functions": []}


def test_a_key_of_an_account_that_is_gone_finds_nothing(simulator: Simulator) -> None:
    simulator.add_account("fleeting")
    function = simulator.add_function("stays", ncaId="fleeting")
    simulator.add_key("fleeting", "nvapi-fleeting", ncaId="elsewhere")
    with Api(simulator, "nvapi-fleeting") as client:
        assert client.get(function).status_code == 404
        assert client.deploy(function).status_code == 404
        assert client.http.get("/functions?visibility=private").json() == {"functions": []}


def test_a_dependencys_own_401_has_a_body(simulator: Simulator) -> None:
    simulator.add_key("doubted", "nvapi-doubted", serviceStatus=401)
    with Api(simulator, "nvapi-doubted") as doubted:
        assert doubted.get(FUNCTION).status_code == 401
        assert doubted.get(FUNCTION).json()["type"]


def test_the_decision_about_a_key_is_cached_and_longer_while_the_key_service_is_down() -> None:
    with Simulator.start(races={"keyCache": 60}) as simulator, Api(simulator) as api:
        assert api.get(FUNCTION).status_code == 404
        simulator.change_key("default", revoked=True)
        assert api.get(FUNCTION).status_code == 404, "a revoked key works on for a minute"
        simulator.jump(61)
        simulator.behave(dependencies={"keys": {"status": 503}})
        assert api.get(FUNCTION).status_code == 404, "and longer while nobody can be asked"
        with Api(simulator, OTHER_KEY) as other:
            assert other.get(FUNCTION).status_code == 502, "an unseen key has no decision to fall back on"
        simulator.behave(dependencies={})
        assert api.get(FUNCTION).status_code == 403


def test_too_many_requests_of_an_account_get_429_and_other_accounts_are_unaffected() -> None:
    with Simulator.start() as simulator, Api(simulator) as api, Api(simulator, OTHER_KEY) as other:
        simulator.add_account("acme", requestsPerSecond=2)
        statuses = [api.http.get("/functions").status_code for _ in range(8)]
        assert statuses.count(200) < 8
        assert set(statuses) == {200, 429}
        assert other.http.get("/functions").status_code == 200
        assert "retry-after" not in api.http.get("/functions").headers, "the open service sends none"


@pytest.mark.parametrize("prefix", [ORG, TEAM])
def test_org_urls_respond_like_the_gateway(simulator: Simulator, prefix: str) -> None:
    base = simulator.url.replace("/v2/nvcf", prefix)
    with Api(simulator, url=base) as gateway, Api(simulator, "nvapi-unknown", url=base) as stranger:
        status = gateway.get(FUNCTION).json()["requestStatus"]
        assert status["statusCode"] == "NOT_FOUND"
        assert "not found" in status["statusDescription"]
        assert status["requestId"]
        refused = stranger.get(FUNCTION)
        assert refused.status_code == 401
        assert refused.json()["requestStatus"]["statusCode"] == "UNAUTHORIZED"


def test_only_org_urls_list_deployments_and_leave_draining_ones_out(simulator: Simulator, api: Api) -> None:
    draining, lasting = simulator.add_function("draining"), simulator.add_function("lasting")
    for function in (draining, lasting):
        api.deployed(function, minInstances=0)
    simulator.change(draining[1], queueDepth=1)
    api.undeploy(draining, graceful="true")
    with Api(simulator, url=simulator.url.replace("/v2/nvcf", ORG)) as gateway:
        listed = [d["functionVersionId"] for d in gateway.http.get("/deployments").json()["deployments"]]
    assert lasting[1] in listed
    assert draining[1] not in listed


def test_an_organization_accepts_its_own_account_only(simulator: Simulator) -> None:
    simulator.add_account("initech", org="initech")
    simulator.add_key("initech", "nvapi-initech", ncaId="initech")
    base = simulator.url.removesuffix("/v2/nvcf")
    with Api(simulator, "nvapi-initech", url=f"{base}/v2/orgs/initech/nvcf") as own:
        assert own.http.get("/functions").status_code == 200
    with Api(simulator, "nvapi-initech", url=f"{base}{ORG}") as foreign:
        assert foreign.http.get("/functions").status_code == 403


def test_the_envelope_can_be_chosen_for_all_urls() -> None:
    with Simulator.start(envelope="gateway") as simulator, Api(simulator) as api:
        assert "requestStatus" in api.get(FUNCTION).json()
        simulator.behave(envelope="direct")
        with Api(simulator, url=simulator.url.replace("/v2/nvcf", ORG)) as gateway:
            assert gateway.get(FUNCTION).json()["type"]
