"""Options of a single call, a caller's own httpx client, and where the key comes from."""

import asyncio
from typing import Any

import httpx
import pytest

import nvcf_client
from nvcf_client import AsyncClient, Client, Environment, RequestOptions, endpoints
from nvcf_client.urls import HOSTED

KEY, OTHER = "nvapi-the-clients-key", "nvapi-of-the-call-alone"
FUNCTIONS = b'{"functions": []}'


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NGC_API_KEY", "NVCF_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(params=[Client, AsyncClient])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def finished(call: Any) -> None:
    """Await a call, if it is one of an asynchronous client."""
    if asyncio.iscoroutine(call):
        asyncio.run(call)


def listed(client: Any, **arguments: Any) -> None:
    """Make one call of either client."""
    finished(client.functions.list(**arguments))


def answering(*answers: httpx.Response) -> tuple[list[httpx.Request], httpx.MockTransport]:
    """What is sent, and a transport that gives these answers; the last one again and again."""
    seen: list[httpx.Request] = []
    left = list(answers) or [httpx.Response(200, content=FUNCTIONS)]

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return left.pop(0) if len(left) > 1 else left[0]

    return seen, httpx.MockTransport(handle)


def of_httpx(kind: Any, transport: httpx.MockTransport, **given: Any) -> Any:
    """The httpx client for this kind of client."""
    return (httpx.Client if kind is Client else httpx.AsyncClient)(transport=transport, **given)


def test_the_options_of_a_call_come_before_those_of_the_client(kind: Any) -> None:
    seen, transport = answering()
    client = kind(api_key=KEY, headers={"X-Team": "all"}, timeout=90, transport=transport)
    options: RequestOptions = {
        "timeout": 7,
        "additional_headers": {"authorization": f"Bearer {OTHER}", "x-team": "one <&>"},
        "additional_params": {"visibility": ["größe", 1, True, None], "&": 0.5},
    }
    listed(client, visibility="private", request_options=options)
    listed(client, visibility="private", request_options={})
    listed(client, visibility="private")
    assert seen[0].headers.get_list("authorization") == [f"Bearer {OTHER}"]
    assert seen[0].headers.get_list("x-team") == ["one <&>"]
    assert list(seen[0].url.params.multi_items()) == [
        *(("visibility", value) for value in ("größe", "1", "true", "")),
        ("&", "0.5"),
    ]
    assert seen[0].extensions["timeout"]["read"] == 7
    for request in seen[1:]:
        assert (request.headers["authorization"], request.headers["x-team"]) == (f"Bearer {KEY}", "all")
        assert list(request.url.params.multi_items()) == [("visibility", "private")]
        assert request.extensions["timeout"]["read"] == 90


def test_headers_of_a_call_replace_those_that_the_client_sets(kind: Any) -> None:
    seen, transport = answering(httpx.Response(404, json={"type": "x", "detail": "not there"}))
    client = kind(api_key=KEY, transport=transport, propagate=lambda: {"traceparent": "client"})
    given = {"content-type": "application/json; charset=utf-8", "TRACEPARENT": "call", "User-Agent": "mine"}
    with pytest.raises(nvcf_client.NotFound):
        finished(
            client.metadata.functions.versions.update(
                function_id="f", function_version_id="v", tags=["é"], request_options={"additional_headers": given}
            )
        )
    for name, value in given.items():
        assert seen[0].headers.get_list(name) == [value]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ([], TypeError, "request_options: must be a mapping, not list"),
        ({"headers": {}}, ValueError, "no option 'headers'; did you mean additional_headers"),
        ({"retries": 3}, ValueError, "no option 'retries'; "),
        ({"timeout": 0}, ValueError, "timeout must be a positive number of seconds, not 0"),
        ({"timeout": True}, ValueError, "timeout must be a positive number"),
        ({"timeout": "5"}, ValueError, "timeout must be a positive number"),
        ({"additional_headers": {"x": f"{OTHER}\r\n"}}, ValueError, "the header 'x' cannot be sent"),
        ({"additional_headers": {"Content-Length": "5"}}, ValueError, "must not set Content-Length"),
        (
            {"additional_headers": {"Authorization": "Bearer a", "authorization": "Bearer b"}},
            ValueError,
            "must not set authorization twice",
        ),
        ({"additional_headers": {"x": 1}}, TypeError, "the header 'x' and its value must be text"),
        ({"additional_headers": "x"}, TypeError, "additional_headers must be a mapping"),
        ({"additional_params": {"a": {"b": 1}}}, TypeError, "the parameter 'a' must be text, a number"),
        ({"additional_params": "a=b"}, TypeError, "additional_params must be a mapping"),
    ],
)
def test_options_that_cannot_be_used_are_refused_and_nothing_is_sent(
    kind: Any, options: Any, error: type[Exception], says: str
) -> None:
    seen, transport = answering()
    client = kind(api_key=KEY, transport=transport)
    with pytest.raises(error, match=says) as caught:
        listed(client, request_options=options)
    assert OTHER not in str(caught.value)
    assert seen == []


def test_no_text_shows_the_key_of_a_call(kind: Any) -> None:
    body = {"type": "x", "detail": f"who is {OTHER}?", "more": [{OTHER: f"a {OTHER}"}]}
    _, transport = answering(httpx.Response(403, json=body, headers={"x-echo": OTHER}))
    options: RequestOptions = {"additional_headers": {"Authorization": f"Basic {OTHER}"}}
    with pytest.raises(nvcf_client.ApiError) as caught:
        listed(kind(transport=transport), request_options=options)
    error = caught.value
    assert (error.status_code, error.response.status_code) == (403, 403)
    assert error.body["more"] == [{"[key]": "a [key]"}]
    shown = f"{error} {error!r} {vars(error)} {error.body} {error.response.text} {error.response.headers}"
    assert OTHER not in shown
    assert OTHER not in repr(endpoints.list_functions(request_options=options))


@pytest.mark.parametrize(
    "body",
    [
        rb'{"d": "nvapi-of\u002dthe-call-alone"}',
        rb'{"d": "Bearer nvapi-of-the-call-alone", "e": "\ud800"}',
        b"<p>nvapi-of-the-call-alone",
    ],
)
def test_a_key_is_found_behind_escapes_and_in_what_is_no_json(kind: Any, body: bytes) -> None:
    _, transport = answering(httpx.Response(400, content=body))
    with pytest.raises(nvcf_client.ApiError) as caught:
        listed(kind(api_key=OTHER, transport=transport))
    assert OTHER not in caught.value.response.text
    assert OTHER not in repr(caught.value.body)
    assert "[key]" in caught.value.response.text


def test_the_body_of_an_error_shows_no_value_of_a_secret(kind: Any) -> None:
    value = "größe & <secret>"
    _, transport = answering(httpx.Response(400, json={"type": "x", "detail": "no", "input": {"value": value}}))
    client = kind(api_key=KEY, transport=transport)
    arguments: dict[str, Any] = {"name": "f", "inference_url": "/", "secrets": [{"name": "s", "value": value}]}
    with pytest.raises(nvcf_client.Rejected) as caught:
        finished(client.functions.create(**arguments))
    assert caught.value.body["input"] == {"value": "[value]"}
    assert "secret>" not in caught.value.response.text


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ((502, "<html>a proxy</html>"), None),
        ((500, ""), None),
        ((200, '["not", "functions"]'), None),
        ((404, '{"type": "x", "detail": "größe"}'), {"type": "x", "detail": "größe"}),
    ],
)
def test_an_error_has_the_body_of_its_answer_if_that_is_json(kind: Any, answer: tuple[int, str], body: Any) -> None:
    status, text = answer
    _, transport = answering(httpx.Response(status, text=text))
    with pytest.raises(nvcf_client.ApiError) as caught:
        listed(kind(api_key=KEY, max_retries=0, transport=transport))
    assert caught.value.body == body
    assert caught.value.response.status_code == status
    assert caught.value.response.text == ("" if status == 200 else text), "what claims success may hold anything"


def test_an_error_without_an_answer_has_no_response(kind: Any) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no way")

    with pytest.raises(nvcf_client.Unreachable) as caught:
        listed(kind(api_key=KEY, max_retries=0, transport=httpx.MockTransport(handle)))
    assert (caught.value.status_code, caught.value.body) == (None, None)
    with pytest.raises(AttributeError, match="there is no response: list_functions did not reach the server"):
        _ = caught.value.response


class Signing(httpx.Auth):
    """A scheme of a caller's own."""

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = f"Signed {OTHER}"
        yield request


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"headers": {"Authorization": f"Bearer {OTHER}"}}, f"Bearer {OTHER}"),
        ({"auth": Signing()}, f"Signed {OTHER}"),
    ],
)
def test_the_key_of_the_callers_httpx_client_comes_before_the_environment(
    kind: Any, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], sent: str
) -> None:
    monkeypatch.setenv("NGC_API_KEY", KEY)
    seen, transport = answering()
    listed(kind(httpx_client=of_httpx(kind, transport, **given)))
    assert seen[0].headers["authorization"] == sent
    assert str(seen[0].url) == f"{HOSTED}/functions"


def test_the_callers_httpx_client_sends_with_its_own_settings_and_stays_open(kind: Any) -> None:
    seen, transport = answering(httpx.Response(307, headers={"location": "https://elsewhere.example/"}))
    given = {"timeout": 99, "headers": {"User-Agent": "mine"}, "follow_redirects": True}
    client = of_httpx(kind, transport, **given)
    with pytest.raises(nvcf_client.Redirected):
        listed(kind(api_key=KEY, base_url="http://nvcf.example", httpx_client=client))
    assert len(seen) == 1
    assert (seen[0].headers["user-agent"], seen[0].headers["accept"]) == ("mine", "application/json")
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert seen[0].extensions["timeout"]["read"] == 99
    with pytest.raises(nvcf_client.Redirected):
        listed(kind(api_key=KEY, timeout=5, user_agent="ours", httpx_client=client))
    assert (seen[1].headers["user-agent"], seen[1].extensions["timeout"]["read"]) == ("ours", 5)
    assert not client.is_closed


@pytest.mark.parametrize(
    ("error", "expected"),
    [(httpx.ConnectError("x"), nvcf_client.Unreachable), (httpx.ReadTimeout("x"), nvcf_client.OutcomeUnknown)],
)
def test_failures_of_the_callers_httpx_client_are_distinguished_and_retried(
    kind: Any, error: Exception, expected: type[Exception]
) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        raise error

    client = kind(api_key=KEY, max_retries=1, httpx_client=of_httpx(kind, httpx.MockTransport(handle)))
    with pytest.raises(expected):
        listed(client)
    assert len(seen) == 2


def test_a_client_of_the_other_kind_or_beside_a_ca_file_is_refused(kind: Any) -> None:
    other = AsyncClient if kind is Client else Client
    with pytest.raises(TypeError, match=r"httpx_client: must be an httpx\.\w*Client, not \w*Client"):
        kind(api_key=KEY, httpx_client=of_httpx(other, answering()[1]))
    with pytest.raises(ValueError, match="ca_file has no effect beside httpx_client"):
        kind(api_key=KEY, ca_file="ca.pem", httpx_client=of_httpx(kind, answering()[1]))


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({"base_url": "https://nvcf.example"}, "https://nvcf.example/v2/nvcf"),
        ({"base_url": "http://nvcf.example:8080/"}, "http://nvcf.example:8080/v2/nvcf"),
        ({"base_url": "https://nvcf.example/own/"}, "https://nvcf.example/own"),
        ({"base_url": "https://nvcf.example/", "default_path": ""}, "https://nvcf.example"),
        ({"environment": Environment.PRODUCTION}, HOSTED),
        ({"environment": Environment.PRODUCTION, "base_url": "https://nvcf.example"}, "https://nvcf.example/v2/nvcf"),
    ],
)
def test_a_base_url_without_a_path_is_completed(
    kind: Any, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], url: str
) -> None:
    monkeypatch.setenv("NVCF_BASE_URL", "https://environment.example")
    seen, transport = answering()
    listed(kind(api_key=KEY, transport=transport, **arguments))
    assert str(seen[0].url) == f"{url}/functions"


def test_names_of_one_argument_exclude_each_other() -> None:
    for ids in ({}, {"function_version_id": "v", "version_id": "v"}):
        with pytest.raises(TypeError, match="give function_version_id, or version_id"):
            endpoints.get_queue(function_id="f", **ids)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="models and models_field are the same field"):
        endpoints.create_function(name="f", inference_url="/", models=[], models_field=[])
    unusable: list[Any] = [[], "acme", {"nca_id": "acme"}]
    for parties in unusable:
        with pytest.raises((TypeError, ValueError), match="authorized_parties: must"):
            endpoints.authorize_function(function_id="f", authorized_parties=parties)


ENTRY: dict[str, Any] = {"id": "f", "versionId": "v", "ncaId": "acme", "status": "ACTIVE"}


def test_functions_in_results_show_the_rest_on_demand_and_stay_equal() -> None:
    entries = [ENTRY | {"inferenceUrl": "/größe", "inferencePort": "odd", "models": [{"name": "<&>"}]}, {"id": ["odd"]}]
    _, transport = answering(httpx.Response(200, json={"functions": entries}))
    client = Client(api_key=KEY, transport=transport)
    (function,) = client.functions.list().functions
    before = repr(function), function.model_dump()
    assert (function.inference_url, function.inference_port, function.health_uri) == ("/größe", None, None)
    assert [item.name for item in function.models_field or ()] == ["<&>"]
    assert (repr(function), function.model_dump()) == before
    (again,) = client.functions.list().functions
    assert function == again
    (plain,) = client.send(endpoints.list_functions()).functions
    assert plain == function
    for thing, says in ((plain, "does not hold inference_url: ask the answer for its details"), (function, "unknown")):
        with pytest.raises(AttributeError, match=says):
            getattr(thing, "inference_url" if thing is plain else "unknown")


def test_an_unknown_attribute_of_a_client_is_reported_as_ever(kind: Any) -> None:
    assert not hasattr(kind(api_key=KEY), "pexec")
    with pytest.raises(AttributeError, match="Client' object has no attribute 'deploymens'"):
        _ = kind(api_key=KEY).deploymens
