"""Functions: what a version holds, read although odd, what no text shows, and where a server takes an update."""

import asyncio
import base64
import json
import time
import traceback
from typing import Any

import httpx
import pytest

import nvcf_client
from nvcf_client import AsyncClient, Client, endpoints
from nvcf_client.models import FunctionDefinition
from nvcf_client.responses import FunctionResponse, FunctionsResponse, reading

KEY = "nvapi-test-not-a-key"
FV: dict[str, Any] = {"function_id": "F", "function_version_id": "V"}
CANARY = "correct horse battery staple"
JSON_SECRET = {"user": "u-of-the-registry", "nested": [{"token": CANARY}], "absent": None}

SHOWN: dict[str, Any] = {
    "id": "F",
    "versionId": "V",
    "ncaId": "acme",
    "name": "echo",
    "status": "INACTIVE",
    "inferenceUrl": "/v1/chat",
    "inferencePort": 8000,
    "containerArgs": "--tp 2",
    "containerEnvironment": [{"key": "LEVEL", "value": CANARY}],
    "models": [{"name": "m", "version": "1", "uri": "u"}],
    "resources": [{"name": "r", "version": "1", "uri": "u"}],
    "containerImage": "nvcr.io/o/echo:1",
    "apiBodyFormat": "CUSTOM",
    "healthUri": "/health",
    "health": {"protocol": "HTTP", "uri": "/health", "port": 8000, "timeout": "PT10S", "expectedStatusCode": 200},
    "createdAt": "2026-01-01T00:00:00.123Z",
    "tags": ["a"],
    "description": "d",
    "functionType": "DEFAULT",
    "secrets": ["TOKEN"],
    "rateLimit": {"rateLimit": "100-M", "perNcaIdRate": {}, "exemptedNcaIds": [], "syncCheck": False},
    "telemetries": {"logsTelemetryId": "t"},
    "llmInvocationConfig": {"priority": {"defaultPriority": 1}},
    "aFieldOfNextYear": {"x": [1]},
}


def details(**changes: Any) -> nvcf_client.FunctionDetails:
    return reading(FunctionResponse)(json.dumps({"function": {**SHOWN, **changes}}).encode()).details()


def test_everything_that_a_version_holds_is_read_on_demand() -> None:
    found = details()
    assert found.container_environment is not None
    assert found.container_environment[0].value.get_secret_value() == CANARY
    assert found.rate_limit is not None
    assert (found.rate_limit.rate_limit, found.rate_limit.exempted_nca_ids) == ("100-M", ())
    assert found.telemetries is not None
    assert found.telemetries.logs_telemetry_id == "t"
    assert found.secrets == ("TOKEN",)
    written = found.to_json()
    assert {name: written[name] for name in SHOWN if name not in ("aFieldOfNextYear", "containerEnvironment")} == {
        name: value for name, value in SHOWN.items() if name not in ("aFieldOfNextYear", "containerEnvironment")
    }
    assert found.unreadable == frozenset()


def test_a_list_gives_details_of_the_versions_that_are_asked_for() -> None:
    entries = [{**SHOWN, "versionId": version} for version in ("V", "W", "X")]
    answer = reading(FunctionsResponse)(json.dumps({"functions": [*entries, {"versionId": "Y"}]}).encode())
    assert [item.version_id for item in answer.details({"W", "Y", "Z"})] == ["W"], "Y lacks what it needs"
    assert answer.details(()) == ()


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        ("models", [{"version": "1"}]),
        ("models", "llama"),
        ("health", {"protocol": "HTTP"}),
        ("containerEnvironment", [{"key": "A", "value": 1}]),
        ("rateLimit", "100-M"),
        ("tags", [None]),
        ("inferencePort", "many"),
        ("telemetries", []),
    ],
)
def test_an_odd_field_is_left_out_whole_and_named(field: str, odd: Any) -> None:
    found = details(**{field: odd})
    assert found.unreadable == {field}
    assert (found.id, found.version_id, found.status) == ("F", "V", "INACTIVE")


def test_ids_and_status_must_be_readable() -> None:
    for field in ("id", "versionId", "status", "ncaId"):
        with pytest.raises(ValueError, match=field):
            reading(FunctionResponse)(json.dumps({"function": {**SHOWN, field: None}}).encode())


REGISTRATION: dict[str, Any] = {
    "name": "echo",
    "inference_url": "/",
    "container_image": "registry.example/echo:1",
    "container_environment": [{"key": "LEVEL", "value": "value of the environment"}],
    "secrets": [{"name": "TEXT", "value": CANARY}, {"name": "OBJECT", "value": JSON_SECRET}],
}
HIDDEN = (CANARY, "u-of-the-registry", "value of the environment")


def test_a_registration_sends_values_as_they_are_and_shows_none() -> None:
    request = endpoints.create_function(**REGISTRATION)
    assert request.body is not None
    sent = json.loads(request.body)
    assert sent["secrets"] == [{"name": "TEXT", "value": CANARY}, {"name": "OBJECT", "value": JSON_SECRET}]
    assert sent["containerEnvironment"] == [{"key": "LEVEL", "value": "value of the environment"}]
    definition = FunctionDefinition.model_validate(REGISTRATION)
    texts = [repr(request), repr(definition), str(definition), str(definition.secrets), str(definition.to_json())]
    texts += [repr(definition.container_environment), definition.model_dump_json(), str(definition.model_dump())]
    assert [text for text in texts for value in HIDDEN if value in text] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"secrets": [{"name": "TEXT", "value": [CANARY]}]},
        {"secrets": [{"name": "TEXT", "valu": CANARY}]},
        {"secrets": CANARY},
        {"container_environment": [{"key": "A", "value": {"x": CANARY}}]},
        {"container_environment": CANARY},
    ],
    ids=str,
)
def test_a_mistake_of_the_caller_is_reported_without_values(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        endpoints.create_function(**REGISTRATION | wrong)
    assert CANARY not in "".join(traceback.format_exception_only(caught.value))


def test_each_secret_is_given_once_and_as_a_list() -> None:
    once = {"name": "A", "value": CANARY}
    for wrong, says in (([once, once], "A is there twice"), ([], "at least one"), (CANARY, "must be a list")):
        with pytest.raises((TypeError, ValueError), match=says) as caught:
            endpoints.update_function_secrets(**FV, secrets=wrong)  # type: ignore[arg-type]
        assert CANARY not in str(caught.value)


def answering(status: int, detail: str) -> httpx.MockTransport:
    problem = {"type": "urn:nvcf:problem", "title": "Bad Request", "detail": detail}
    return httpx.MockTransport(lambda request: httpx.Response(status, json=problem))


ODD = 'größe "<&>"\nTeil'
IN_HTML = json.dumps(ODD).replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003e")
WITH_KEY = '{"ngc": "nvapi-0123456789", "password": "hunter2-opaque"}'
LONG = "A" * 30 + "-tail-of-a-long-value" * 40


@pytest.mark.parametrize(
    ("value", "detail", "says"),
    [
        (CANARY, f"rejected: {CANARY} is no good", "rejected: [value] is no good"),
        ("two\nlines of it", "rejected: two\nlines of it", "rejected: [value]"),
        (
            CANARY,
            f"Validation failed: [object=o, field=secrets[0].name, rejected={CANARY[:9]}..., message=Invalid name]",
            "field=secrets[0].name, rejected=[value], message=Invalid name]",
        ),
        (LONG, f"what came was {LONG}", "what came was [value]..."),
        (LONG, f"what came was {LONG[:100]} and more", "what came was [value] and more"),
        (ODD, f"no {json.dumps(ODD)}.", 'no "[value]".'),
        (CANARY, f"no {base64.b64encode(CANARY.encode()).decode()}", "no [value]"),
        (ODD, f"no {IN_HTML}.", 'no "[value]".'),
        (WITH_KEY, f"what came was {WITH_KEY}", "what came was [value]"),
        ("short", "a short text", "a short text"),
    ],
)
def test_an_error_does_not_repeat_a_value_that_the_server_rejects(value: str, detail: str, says: str) -> None:
    with Client(
        api_key=KEY, base_url="https://nvcf.example", default_path="", transport=answering(400, detail)
    ) as client:
        with pytest.raises(nvcf_client.Rejected) as caught:
            client.secrets.functions.versions.update(**FV, secrets=[{"name": "A", "value": value}])
        assert says in caught.value.detail
        with pytest.raises(nvcf_client.Rejected) as made:
            client.functions.create(
                name="echo", inference_url="/", container_environment=[{"key": "A", "value": value}]
            )
    assert caught.value.detail == made.value.detail


def test_a_refusal_costs_little_however_large_the_values_are() -> None:
    secrets = [{"name": f"S{place}", "value": f"{place}-größe\n" + "v" * 32_000} for place in range(64)]
    with Client(
        api_key=KEY,
        base_url="https://nvcf.example",
        default_path="",
        transport=answering(400, f"no {secrets[7]['value'][:300]}..."),
    ) as client:
        before = time.process_time()
        with pytest.raises(nvcf_client.Rejected) as caught:
            client.secrets.functions.versions.update(**FV, secrets=secrets)
        assert time.process_time() - before < 3, "the operator does nothing else meanwhile"
    assert caught.value.detail.endswith("no [value]...")


class Server:
    """Takes updates on one path, and on every other says what `unknown` is."""

    def __init__(self, path: str, status: int, body: str = "") -> None:
        self.path, self.status, self.body = path, status, body
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        if request.url.path == self.path:
            return httpx.Response(200, json={"function": SHOWN})
        return httpx.Response(self.status, text=self.body)


def updating(server: Server) -> Client:
    return Client(api_key=KEY, base_url="https://nvcf.example", default_path="", transport=httpx.MockTransport(server))


CURRENT, DEPRECATED = "/functions/F/versions/V", "/metadata/functions/F/versions/V"
FRAMEWORK = '{"type": "about:blank", "title": "Not Allowed", "detail": "no such method"}'
FROM_NVCF = '{"requestStatus": {"statusCode": "NOT_FOUND", "statusDescription": "not in account"}}'


@pytest.mark.parametrize(("status", "body"), [(404, ""), (405, ""), (404, FRAMEWORK), (405, FRAMEWORK)])
def test_a_server_without_the_current_path_is_asked_once(status: int, body: str) -> None:
    server = Server(DEPRECATED, status, body)
    with updating(server) as client:
        for _ in range(2):
            client.functions.versions.update(**FV, tags=["a"])
    assert server.paths == [CURRENT, DEPRECATED, DEPRECATED]

    server.paths.clear()

    async def update() -> None:
        made = AsyncClient(
            api_key=KEY, base_url="https://nvcf.example", default_path="", transport=httpx.MockTransport(server)
        )
        async with made as client:
            for _ in range(2):
                await client.functions.versions.update(**FV, tags=["a"])

    asyncio.run(update())
    assert server.paths == [CURRENT, DEPRECATED, DEPRECATED]


def test_a_server_that_drops_the_deprecated_path_is_asked_at_the_current_one_again() -> None:
    server = Server(DEPRECATED, 404)
    with updating(server) as client:
        client.functions.versions.update(**FV, tags=["a"])
        server.path = CURRENT
        for _ in range(2):
            client.functions.versions.update(**FV, tags=["a"])
    assert server.paths == [CURRENT, DEPRECATED, DEPRECATED, CURRENT, CURRENT]


def test_a_server_with_neither_path_is_asked_at_both_and_the_error_is_raised() -> None:
    server = Server("", 404)
    with updating(server) as client, pytest.raises(nvcf_client.NotFound):
        client.functions.versions.update(**FV, tags=["a"])
    assert server.paths == [CURRENT, DEPRECATED]


@pytest.mark.parametrize(("status", "body"), [(404, FROM_NVCF), (404, "<html>a firewall</html>"), (403, ""), (500, "")])
def test_no_other_answer_leads_to_the_deprecated_path(status: int, body: str) -> None:
    server = Server("", status, body)
    with updating(server) as client, pytest.raises(nvcf_client.NvcfError):
        client.functions.versions.update(**FV, tags=["a"])
    assert server.paths == [CURRENT]
