"""Both clients over real sockets: what goes out, and what each kind of accident is called."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from client_server import Act, answer, drip, hang_up, reset, serving, silence

from controlplane.certificates import Authority
from nvcf_operator import nvcf
from nvcf_operator.nvcf import AsyncClient, Client, NvcfError, endpoints
from nvcf_operator.nvcf.errors import Obstacle, Unreachable
from nvcf_operator.nvcf.requests import Request

KEY = "nvapi-test-not-a-key"
FV = {"function_id": "F", "function_version_id": "V"}
SPECIFICATIONS = [{"gpu": "G", "min_instances": 1, "max_instances": 1}]
GET = endpoints.get_deployment(**FV)
POST = endpoints.create_deployment(**FV, deployment_specifications=SPECIFICATIONS)
DEPLOYMENT = b'{"deployment": {"functionId": "F", "functionVersionId": "V", "ncaId": "a", "functionStatus": "ACTIVE"}}'
PROBLEM = b'{"type": "urn:nvcf", "title": "T", "detail": "why"}'

Ask = Callable[..., Any]


@dataclass(frozen=True)
class Certificates:
    """A server's TLS context and the bundle that vouches for it."""

    server: ssl.SSLContext
    bundle: Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    pair = authority.server("nvcf", dns=["localhost"], addresses=["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    return Certificates(context, authority.certificate)


def ask_sync(request: Request[Any], **options: Any) -> Any:
    with Client(**{"api_key": KEY, "max_retries": 0, **options}) as client:
        return client.send(request)


def ask_async(request: Request[Any], **options: Any) -> Any:
    async def ask() -> Any:
        async with AsyncClient(**{"api_key": KEY, "max_retries": 0, **options}) as client:
            return await client.send(request)

    return asyncio.run(ask())


@pytest.fixture(params=[ask_sync, ask_async], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Ask:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    kind: Ask = request.param
    return kind


def failed(ask: Ask, request: Request[Any], **options: Any) -> NvcfError:
    with pytest.raises(NvcfError) as caught:
        ask(request, **options)
    assert KEY not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
    return caught.value


def unreachable(ask: Ask, request: Request[Any], obstacle: Obstacle, **options: Any) -> Unreachable:
    error = failed(ask, request, **options)
    assert type(error) is Unreachable
    assert error.obstacle == obstacle
    return error


def test_a_request_goes_out_with_key_type_and_name_and_nothing_superfluous(ask: Ask) -> None:
    with serving(answer(200, DEPLOYMENT)) as server:
        assert ask(POST, base_url=server.url).deployment.function_status == "ACTIVE"
    (received,) = server.received
    assert received.line == "POST /v2/nvcf/deployments/functions/F/versions/V HTTP/1.1"
    assert received.body == POST.body
    headers = received.headers
    assert headers.pop("user-agent").startswith("nvcf-operator/")
    assert headers == {
        "host": f"127.0.0.1:{server.port}",
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "content-length": str(len(POST.body or b"")),
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "connection": "keep-alive",
    }


def test_a_reading_call_sends_no_body_and_no_content_type(ask: Ask) -> None:
    with serving(answer(200, b'{"functions": []}')) as server:
        ask(endpoints.list_functions(visibility="private"), base_url=server.url)
    (received,) = server.received
    assert received.line == "GET /v2/nvcf/functions?visibility=private HTTP/1.1"
    assert not {"content-type", "content-length", "transfer-encoding"} & set(received.headers)


def test_an_id_reaches_the_server_as_one_segment(ask: Ask) -> None:
    with serving(answer(404, PROBLEM)) as server:
        failed(ask, endpoints.get_deployment_by_id(deployment_id="../a b%2f?c"), base_url=server.url)
    assert server.received[0].line == "GET /v2/nvcf/deployments/..%2Fa%20b%252f%3Fc HTTP/1.1"


def test_host_header_user_agent_and_more_headers_are_the_callers(ask: Ask) -> None:
    with serving(answer(200, DEPLOYMENT)) as server:
        ask(
            GET,
            base_url=server.url,
            host_header="api.nvcf.example",
            user_agent="me/1",
            headers={"nv-ngc-org": "my-org"},
        )
    headers = server.received[0].headers
    assert (headers["host"], headers["user-agent"], headers["nv-ngc-org"]) == ("api.nvcf.example", "me/1", "my-org")


def test_headers_may_be_given_for_each_call(ask: Ask) -> None:
    given = iter(({"traceparent": "one"}, {"traceparent": "two"}))
    with serving(answer(200, DEPLOYMENT), answer(200, DEPLOYMENT)) as server:
        for request in (GET, POST):
            ask(request, base_url=server.url, propagate=lambda: next(given))
    assert [received.headers["traceparent"] for received in server.received] == ["one", "two"]
    assert server.received[1].headers["content-type"] == "application/json"


def test_a_key_is_not_carried_to_where_a_redirect_points(ask: Ask) -> None:
    with serving(answer(200, DEPLOYMENT)) as other, serving(answer(307, Location=f"{other.url}/x")) as server:
        error = failed(ask, GET, base_url=server.url)
    assert type(error) is nvcf.Redirected
    assert "redirects are not followed" in str(error)
    assert other.received == []


def test_cookies_are_not_kept(ask: Ask) -> None:
    with serving(answer(503, PROBLEM, Set_Cookie="a=b"), answer(200, DEPLOYMENT)) as server:
        ask(GET, base_url=server.url, max_retries=1)
    assert "cookie" not in server.received[1].headers


ACCIDENTS: list[tuple[str, Act, type[NvcfError], type[NvcfError]]] = [
    ("reset", reset, nvcf.OutcomeUnknown, nvcf.OutcomeUnknown),
    ("closed without an answer", hang_up(), nvcf.OutcomeUnknown, nvcf.OutcomeUnknown),
    ("closed in the head", hang_up(b"HTTP/1.1 200 OK\r\nContent-"), nvcf.OutcomeUnknown, nvcf.OutcomeUnknown),
    (
        "closed in the body",
        hang_up(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
        nvcf.OutcomeUnknown,
        nvcf.OutcomeUnknown,
    ),
    ("not HTTP", hang_up(b"SSH-2.0-OpenSSH_9\r\n"), nvcf.OutcomeUnknown, nvcf.OutcomeUnknown),
    ("silence", silence, nvcf.OutcomeUnknown, nvcf.OutcomeUnknown),
    ("an answer without end", drip, nvcf.OutcomeUnknown, nvcf.OutcomeUnknown),
    ("gzip that is none", answer(200, b"{}", Content_Encoding="gzip"), nvcf.OutcomeUnknown, nvcf.OutcomeUnknown),
    ("an HTML page", answer(200, b"<html>log in</html>"), nvcf.InvalidAnswer, nvcf.OutcomeUnknown),
    ("nothing in it", answer(200), nvcf.InvalidAnswer, nvcf.OutcomeUnknown),
    ("another object", answer(200, b'{"function": {}}'), nvcf.InvalidAnswer, nvcf.OutcomeUnknown),
    ("a proxy's 502", answer(502, b"<html>"), nvcf.ServerFault, nvcf.OutcomeUnknown),
    ("the server's 502", answer(502, PROBLEM), nvcf.ServerFault, nvcf.ServerFault),
    ("401 without a body", answer(401), nvcf.Unauthorized, nvcf.Unauthorized),
    ("404", answer(404, PROBLEM), nvcf.NotFound, nvcf.NotFound),
    ("429", answer(429, PROBLEM, Retry_After="3"), nvcf.Throttled, nvcf.Throttled),
]


@pytest.mark.parametrize(("name", "act", "reading", "writing"), ACCIDENTS, ids=[item[0] for item in ACCIDENTS])
def test_every_accident_has_its_error(
    ask: Ask, name: str, act: Act, reading: type[NvcfError], writing: type[NvcfError]
) -> None:
    with serving(act) as server:
        assert type(failed(ask, GET, base_url=server.url, timeout=0.5)) is reading
        assert type(failed(ask, POST, base_url=server.url, timeout=0.5)) is writing


def test_the_time_limit_holds_for_the_whole_call_and_not_for_each_read(ask: Ask) -> None:
    with serving(drip) as server:
        start = time.monotonic()
        error = failed(ask, GET, base_url=server.url, timeout=0.4)
        assert time.monotonic() - start < 20
    assert "timeout" in error.detail


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
class TestNeverReceived:
    def test_a_refused_connection(self, ask: Ask, request_: Request[Any]) -> None:
        with serving(silence) as server:
            pass
        error = unreachable(ask, request_, Obstacle.REFUSED, base_url=server.url)
        assert error.detail == f"{server.url}: Connection refused"

    def test_a_name_that_does_not_resolve(self, ask: Ask, request_: Request[Any]) -> None:
        error = unreachable(ask, request_, Obstacle.NAME, base_url="http://no-such-host.invalid/v2/nvcf")
        assert "no-such-host.invalid" in error.detail

    def test_tls_that_is_not_trusted(self, ask: Ask, request_: Request[Any], certificates: Certificates) -> None:
        with serving(answer(200, DEPLOYMENT), tls=certificates.server) as server:
            error = unreachable(ask, request_, Obstacle.TLS, base_url=server.url)
        assert "certificate verify failed" in error.detail
        assert server.received == []

    def test_no_tls_where_tls_is_expected(self, ask: Ask, request_: Request[Any]) -> None:
        with serving(greeting=b"HTTP/1.1 400 X\r\n\r\n") as server:
            unreachable(ask, request_, Obstacle.TLS, base_url=server.url.replace("http:", "https:"), timeout=2)

    def test_a_proxy_that_opens_no_tunnel(
        self, ask: Ask, request_: Request[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for act, obstacle in ((answer(407), Obstacle.PROXY), (hang_up(), Obstacle.OTHER), (reset, Obstacle.OTHER)):
            with serving(act) as proxy:
                monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
                unreachable(ask, request_, obstacle, base_url="https://nvcf.invalid/v2/nvcf")
            assert proxy.received[0].line == "CONNECT nvcf.invalid:443 HTTP/1.1"
            assert KEY not in str(proxy.received)


def test_a_proxy_of_the_environment_is_used_unless_told_otherwise(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(200, DEPLOYMENT)) as proxy, serving(answer(200, DEPLOYMENT)) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        ask(GET, base_url=server.url)
        assert (len(proxy.received), len(server.received)) == (1, 0)
        ask(GET, base_url=server.url, trust_env=False)
        assert (len(proxy.received), len(server.received)) == (1, 1)


def test_a_ca_bundle_makes_a_private_server_trusted(ask: Ask, certificates: Certificates) -> None:
    with serving(answer(200, DEPLOYMENT), tls=certificates.server) as server:
        assert ask(GET, base_url=server.url, ca_file=str(certificates.bundle)).deployment.nca_id == "a"


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_ca_bundle_that_cannot_be_used_is_named_at_once(ask: Ask, tmp_path: Path, content: bytes | None) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(ValueError, match=r"the CA bundle .*ca\.pem cannot be used"):
        ask(GET, base_url="https://127.0.0.1:1", ca_file=str(bundle))


def test_a_busy_pool_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvcf_operator.nvcf.transport.POOL_TIMEOUT", 0.2)

    async def crowd() -> tuple[object, object]:
        with serving(silence) as server:
            async with AsyncClient(
                api_key=KEY, base_url=server.url, max_connections=1, max_retries=0, timeout=4
            ) as client:
                first = asyncio.create_task(client.send(POST))
                await asyncio.to_thread(server.arrived.wait, 5)
                second = asyncio.create_task(client.send(POST))
                results = await asyncio.gather(first, second, return_exceptions=True)
            assert len(server.received) == 1
        return results[0], results[1]

    first, second = asyncio.run(crowd())
    assert type(first) is nvcf.OutcomeUnknown
    assert type(second) is nvcf.Unreachable
    assert "stayed busy" in str(second)


def test_a_longer_answer_than_any_account_has_is_not_read_to_its_end(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvcf_operator.nvcf.transport.MAX_ANSWER", 1000)
    with serving(answer(200, b" " * 1001)) as server:
        error = failed(ask, GET, base_url=server.url)
    assert type(error) is nvcf.OutcomeUnknown
    assert "the answer is longer than" in error.detail


def test_reading_is_tried_again_and_creating_is_not(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 0.0)
    with serving(answer(502, PROBLEM), reset, answer(200, DEPLOYMENT)) as server:
        assert ask(GET, base_url=server.url, max_retries=2).deployment.nca_id == "a"
        assert len(server.received) == 3
    for accident in (answer(502, PROBLEM), reset, answer(429, PROBLEM, Retry_After="0"), silence):
        with serving(accident, answer(200, DEPLOYMENT)) as server:
            failed(ask, POST, base_url=server.url, max_retries=5, timeout=0.5)
            assert len(server.received) == 1


def test_a_cancelled_call_stays_cancelled() -> None:
    async def cancel() -> None:
        with serving(silence) as server:
            async with AsyncClient(api_key=KEY, base_url=server.url) as client:
                task = asyncio.create_task(client.send(GET))
                await asyncio.to_thread(server.arrived.wait, 5)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    asyncio.run(cancel())


def test_no_log_at_any_level_holds_the_key(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore"):  # the operator's own logging quietens the latter two
        caplog.set_level(logging.DEBUG, logger=name)
    with serving(answer(200, DEPLOYMENT), answer(403, PROBLEM), reset) as server:
        ask(GET, base_url=server.url)
        failed(ask, POST, base_url=server.url)
        failed(ask, POST, base_url=server.url)
    assert caplog.records
    assert KEY not in caplog.text
