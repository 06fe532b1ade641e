"""Both clients over real sockets: what goes out, and what each kind of accident is called."""

import asyncio
import gc
import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import nvcf_client
from hack.controlplane.certificates import Authority
from nvcf_client import AsyncClient, Client, NvcfError, endpoints
from nvcf_client.errors import Obstacle, Unreachable
from nvcf_client.requests import Request
from nvcf_operator.process.event_loop import new_event_loop
from tests.contract.scripted_server import (
    Act,
    answer,
    drip,
    full_listener,
    hang_up,
    raw,
    reset,
    serving,
    silence,
    tunnelling,
)

KEY = "nvapi-test-not-a-key"
FV: dict[str, Any] = {"function_id": "F", "function_version_id": "V"}
SPECIFICATIONS = [{"gpu": "G", "min_instances": 1, "max_instances": 1}]
GET = endpoints.get_deployment(**FV)
POST = endpoints.create_deployment(**FV, deployment_specifications=SPECIFICATIONS)
PUT = endpoints.update_deployment(**FV, deployment_specifications=SPECIFICATIONS)
DELETE = endpoints.delete_deployment(**FV)
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
def ask(request: pytest.FixtureRequest, no_proxy: None) -> Ask:
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
    assert type(error) is nvcf_client.Redirected
    assert "redirects are not followed" in str(error)
    assert other.received == []


def test_cookies_are_not_kept(ask: Ask) -> None:
    with serving(answer(503, PROBLEM, Set_Cookie="a=b"), answer(200, DEPLOYMENT)) as server:
        ask(GET, base_url=server.url, max_retries=1)
    assert "cookie" not in server.received[1].headers


ACCIDENTS: list[tuple[str, Act, type[NvcfError], type[NvcfError]]] = [
    ("reset", reset, nvcf_client.OutcomeUnknown, nvcf_client.OutcomeUnknown),
    ("closed without an answer", hang_up(), nvcf_client.OutcomeUnknown, nvcf_client.OutcomeUnknown),
    (
        "closed in the head",
        hang_up(b"HTTP/1.1 200 OK\r\nContent-"),
        nvcf_client.OutcomeUnknown,
        nvcf_client.OutcomeUnknown,
    ),
    (
        "closed in the body",
        hang_up(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
        nvcf_client.OutcomeUnknown,
        nvcf_client.OutcomeUnknown,
    ),
    ("not HTTP", hang_up(b"SSH-2.0-OpenSSH_9\r\n"), nvcf_client.OutcomeUnknown, nvcf_client.OutcomeUnknown),
    ("silence", silence, nvcf_client.OutcomeUnknown, nvcf_client.OutcomeUnknown),
    ("an answer without end", drip, nvcf_client.OutcomeUnknown, nvcf_client.OutcomeUnknown),
    (
        "gzip that is none",
        answer(200, b"{}", Content_Encoding="gzip"),
        nvcf_client.OutcomeUnknown,
        nvcf_client.OutcomeUnknown,
    ),
    ("an HTML page", answer(200, b"<html>log in</html>"), nvcf_client.InvalidAnswer, nvcf_client.OutcomeUnknown),
    ("nothing in it", answer(200), nvcf_client.InvalidAnswer, nvcf_client.OutcomeUnknown),
    ("another object", answer(200, b'{"function": {}}'), nvcf_client.InvalidAnswer, nvcf_client.OutcomeUnknown),
    ("a proxy's 502", answer(502, b"<html>"), nvcf_client.ServerFault, nvcf_client.OutcomeUnknown),
    ("the server's 502", answer(502, PROBLEM), nvcf_client.ServerFault, nvcf_client.ServerFault),
    ("401 without a body", answer(401), nvcf_client.Unauthorized, nvcf_client.Unauthorized),
    ("404", answer(404, PROBLEM), nvcf_client.NotFound, nvcf_client.NotFound),
    ("429", answer(429, PROBLEM, Retry_After="3"), nvcf_client.Throttled, nvcf_client.Throttled),
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
        for act in (answer(407), hang_up(), reset):
            with serving(act) as proxy:
                monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{proxy.port}")
                error = unreachable(ask, request_, Obstacle.PROXY, base_url="https://nvcf.invalid/v2/nvcf")
            assert f"the proxy http://127.0.0.1:{proxy.port} of the variable HTTPS_PROXY: " in error.detail
            assert "secret" not in error.detail
            assert proxy.received[0].line == "CONNECT nvcf.invalid:443 HTTP/1.1"
            assert proxy.received[0].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
            assert KEY not in str(proxy.received)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_proxy_that_is_not_there_is_what_is_named(
        self, ask: Ask, request_: Request[Any], scheme: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with serving(silence) as proxy:
            pass
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{proxy.port}")
        error = unreachable(ask, request_, Obstacle.PROXY, base_url=f"{scheme}://nvcf.invalid/v2/nvcf")
        assert error.detail.endswith(
            f"http://127.0.0.1:{proxy.port} of the variable {scheme}_proxy: Connection refused"
        )

    def test_no_trust_behind_a_proxy_is_the_servers(
        self, ask: Ask, request_: Request[Any], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with tunnelling(certificates.server) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
            error = unreachable(ask, request_, Obstacle.TLS, base_url="https://nvcf.invalid/v2/nvcf")
        assert "certificate verify failed" in error.detail
        assert "proxy" not in error.detail


def test_a_proxy_of_the_environment_is_used_by_default(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(200, DEPLOYMENT)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        ask(GET, base_url="http://nvcf.invalid/v2/nvcf")
        (received,) = proxy.received
        assert received.line.startswith("GET http://nvcf.invalid/v2/nvcf/deployments")
        unreachable(ask, GET, Obstacle.NAME, base_url="http://nvcf.invalid/v2/nvcf", trust_env=False)
        assert len(proxy.received) == 1


@pytest.mark.parametrize("no_proxy", ["127.0.0.1,fd00::/8", "[::1]", "127.0.0.0/8", "*", ""])
def test_what_goes_past_the_proxy_goes_there(ask: Ask, no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(200, DEPLOYMENT)) as proxy, serving(answer(200, DEPLOYMENT)) as server:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        ask(GET, base_url=server.url)
    assert (len(proxy.received), len(server.received)) == (0, 1)


def test_a_replaced_ca_bundle_is_trusted_without_a_new_client(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Authority(tmp_path / "first").certificate.read_bytes())
    second = Authority(tmp_path / "second")
    pair = second.server("nvcf", dns=["localhost"], addresses=["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    options: dict[str, Any] = {"api_key": KEY, "ca_file": str(tmp_path / "ca.pem"), "max_retries": 0}

    async def ask_before_and_after(url: str) -> None:
        async with AsyncClient(base_url=url, **options) as client:
            with Client(base_url=url, **options) as waiting:
                for _ in range(2):
                    with pytest.raises(Unreachable, match="certificate verify failed"):
                        await client.send(POST)
                    with pytest.raises(Unreachable, match="certificate verify failed"):
                        await asyncio.to_thread(waiting.send, POST)
                replace(tmp_path / "ca.pem", b"half a cert")
                with pytest.raises(Unreachable, match=r"certificate verify failed.*ca\.pem cannot be used") as caught:
                    await client.send(POST)
                assert caught.value.obstacle == Obstacle.TLS
                replace(tmp_path / "ca.pem", second.certificate.read_bytes())
                answers = await asyncio.gather(client.send(POST), client.send(GET))
                assert [answer.deployment.nca_id for answer in answers] == ["a", "a"]
                assert (await asyncio.to_thread(waiting.send, POST)).deployment.nca_id == "a"

    with serving(answer(200, DEPLOYMENT), tls=context) as server:
        asyncio.run(ask_before_and_after(server.url))
    assert len(server.received) == 3, "each call arrived once"


def replace(file: Path, content: bytes) -> None:
    """As kubelet does: whoever reads sees the old content or the new one."""
    (file.parent / "new").write_bytes(content)
    (file.parent / "new").rename(file)


def test_a_client_of_later_does_not_fail_over_a_ca_bundle_that_is_just_replaced(ask: Ask, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    (tmp_path / "ca.pem").write_bytes(authority.certificate.read_bytes())
    options = {"base_url": "https://127.0.0.1:1", "ca_file": str(tmp_path / "ca.pem")}
    unreachable(ask, GET, Obstacle.REFUSED, **options)
    (tmp_path / "ca.pem").unlink()
    unreachable(ask, GET, Obstacle.REFUSED, **options)


class TestSlowNames:
    """A resolver that first asks a nameserver that is not there answers after 5 s, or 10."""

    URL = "http://nvcf.test/v2/nvcf"

    @pytest.fixture
    def resolver(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
        """Resolves the name to loopback once the event is set."""
        ready, real = threading.Event(), socket.getaddrinfo

        def slow(host: Any, *rest: Any, **more: Any) -> Any:
            if host in ("nvcf.test", b"nvcf.test"):
                ready.wait(30)
            return real("127.0.0.1", *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", slow)
        yield ready
        ready.set()

    def test_a_name_has_longer_than_a_connection(
        self, resolver: threading.Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nvcf_client.http.transport.CONNECT_TIMEOUT", 0.1)
        late = threading.Timer(0.5, resolver.set)
        with serving(answer(200, DEPLOYMENT)) as server:
            late.start()
            url = f"http://nvcf.test:{server.port}/v2/nvcf"
            assert ask_async(GET, base_url=url).deployment.nca_id == "a"

    def test_a_name_that_is_not_resolved_in_time_is_named(
        self, resolver: threading.Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def ask() -> NvcfError:
            async with AsyncClient(api_key=KEY, base_url=self.URL, max_retries=0) as client:
                with pytest.raises(Unreachable) as caught:
                    await client.send(POST)
                resolver.set()  # asyncio waits for the threads that resolve
                return caught.value

        for name in ("CONNECT_TIMEOUT", "RESOLVE_TIMEOUT", "RESOLVE_CHECK"):
            monkeypatch.setattr(f"nvcf_client.http.transport.{name}", 0.1)
        error = asyncio.run(ask())
        assert isinstance(error, Unreachable)
        assert error.obstacle == Obstacle.NAME
        assert error.detail == f"{self.URL}: the name nvcf.test was not resolved in time"

    def test_a_server_that_does_not_answer_is_not_taken_for_a_name(
        self, resolver: threading.Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolver.set()
        monkeypatch.setattr("nvcf_client.http.transport.RESOLVE_TIMEOUT", 0.1)
        monkeypatch.setattr("nvcf_client.http.transport.CONNECT_TIMEOUT", 0.1)
        with full_listener() as port:
            unreachable(ask_async, GET, Obstacle.TIMEOUT, base_url=f"http://nvcf.test:{port}/v2/nvcf")


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
    monkeypatch.setattr("nvcf_client.http.transport.POOL_TIMEOUT", 0.2)

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
    assert type(first) is nvcf_client.OutcomeUnknown
    assert type(second) is nvcf_client.Unreachable
    assert "stayed busy" in str(second)


def test_a_longer_answer_than_any_account_has_is_not_read_to_its_end(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvcf_client.http.transport.MAX_ANSWER", 1000)
    with serving(answer(200, b" " * 1001)) as server:
        error = failed(ask, GET, base_url=server.url)
    assert type(error) is nvcf_client.OutcomeUnknown
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


@pytest.mark.parametrize("accident", [reset, hang_up(), hang_up(b"HTTP/1.1 200 OK\r\nContent-")])
@pytest.mark.parametrize("request_", [GET, PUT, DELETE], ids=["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_nothing_is_sent_again_after_a_kept_connection_broke(
    no_proxy: None, kind: type[Any], request_: Request[Any], accident: Act
) -> None:
    async def twice(url: str) -> None:
        client = kind(api_key=KEY, base_url=url, max_retries=0)
        assert (await _result(client.send(GET))).deployment.nca_id == "a"
        with pytest.raises(nvcf_client.OutcomeUnknown, match="connection"):
            await _result(client.send(request_))
        await _result(client.close() if kind is Client else client.aclose())

    with serving(answer(200, DEPLOYMENT), accident, answer(200, DEPLOYMENT)) as server:
        asyncio.run(twice(server.url))
        assert len(server.received) == 2


@dataclass
class Later:
    """Sends an answer; once the client has read it (`read`), does something else, and says so (`done`)."""

    data: bytes
    act: Act
    read: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(self.data)
        threading.Thread(target=self._follow, args=[connection], daemon=True).start()

    def _follow(self, connection: socket.socket) -> None:
        if self.read.wait(30):
            with suppress(OSError):
                self.act(connection)
            self.done.set()


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DEPLOYMENT) + DEPLOYMENT
UNASKED: dict[str, Act] = {
    "another answer": raw(ANSWER.replace(b"ACTIVE", b"ERRORS")),
    "408": answer(408),
    "the end": lambda connection: connection.shutdown(socket.SHUT_RDWR),
}


@pytest.mark.parametrize("loop_is_blocked", [False, True], ids=["seen", "not seen yet"])
@pytest.mark.parametrize("unasked", UNASKED)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, new_event_loop], ids=["asyncio", "uvloop"])
def test_a_kept_connection_on_which_something_came_unasked_is_not_used_again(
    no_proxy: None, kind: type[Any], loop: Any, unasked: str, loop_is_blocked: bool
) -> None:
    first = Later(ANSWER, UNASKED[unasked])

    async def twice(url: str) -> None:
        client = kind(api_key=KEY, base_url=url, max_retries=0)
        try:
            assert (await _result(client.send(POST))).deployment.function_status == "ACTIVE"
            first.read.set()
            assert first.done.wait(30) if loop_is_blocked else await asyncio.to_thread(first.done.wait, 30)
            assert (await _result(client.send(POST))).deployment.function_status == "ACTIVE"
        finally:  # uvloop hangs over an open connection where warnings are errors
            await _result(client.close() if kind is Client else client.aclose())

    with serving(first, raw(ANSWER)) as server, asyncio.Runner(loop_factory=loop) as runner:
        runner.run(twice(server.url))
        assert len(server.received) == 2


def test_a_name_that_cannot_be_one_does_not_resolve(no_proxy: None) -> None:
    error = unreachable(ask_async, POST, Obstacle.NAME, base_url=f"http://{'ü'.encode().hex() * 16}.test/v2/nvcf")
    assert error.detail.endswith("Name or service not known")


def test_names_are_resolved_by_the_system_where_aiodns_is_installed_too(
    no_proxy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiohttp.connector.DefaultResolver", None)
    with serving(answer(200, DEPLOYMENT)) as server:
        assert ask_async(GET, base_url=server.url.replace("127.0.0.1", "localhost")).deployment.nca_id == "a"


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, new_event_loop], ids=["asyncio", "uvloop"])
def test_a_connection_that_ends_before_tls_is_reset(no_proxy: None, loop: Any) -> None:
    async def call(url: str) -> None:
        async with AsyncClient(api_key=KEY, base_url=url, max_retries=0) as client:
            with pytest.raises(Unreachable, match=r"nvcf: Connection reset by peer \(POST"):
                await client.send(POST)

    with serving(greeting=b"") as server, asyncio.Runner(loop_factory=loop) as runner:
        runner.run(call(server.url.replace("http:", "https:")))


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, new_event_loop], ids=["asyncio", "uvloop"])
def test_a_connection_is_kept_for_the_next_call(
    no_proxy: None, certificates: Certificates, loop: Any, tls: bool
) -> None:
    connections: set[int] = set()

    def act(connection: socket.socket) -> None:
        connections.add(connection.getpeername()[1])
        connection.sendall(ANSWER)

    async def thrice(url: str) -> None:
        async with AsyncClient(api_key=KEY, base_url=url, ca_file=str(certificates.bundle)) as client:
            for _ in range(3):
                await client.send(POST)

    with (
        serving(act, tls=certificates.server if tls else None) as server,
        asyncio.Runner(loop_factory=loop) as runner,
    ):
        runner.run(thrice(server.url))
    assert len(server.received) == 3
    assert len(connections) == 1


async def _result(found: Any) -> Any:
    return await found if asyncio.iscoroutine(found) else found


def test_a_call_without_a_body_says_nothing_of_one(ask: Ask) -> None:
    with serving(answer(200, b'{"function": {}}')) as server:
        failed(ask, DELETE, base_url=server.url)
    assert not {"content-type", "content-length", "transfer-encoding"} & set(server.received[0].headers)


def test_a_header_that_comes_twice_counts_as_one_list(ask: Ask) -> None:
    notices: list[str] = []
    two = b"nv-ngc-response-warning-message: one\r\nNV-NGC-Response-Warning-Message: two\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(DEPLOYMENT)
    with serving(raw(head + two + b"\r\n" + DEPLOYMENT)) as server:
        ask(GET, base_url=server.url, notice=notices.append)
    assert notices == ["one, two"]


def test_an_answer_with_hundreds_of_headers_is_read(ask: Ask) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(DEPLOYMENT)
    with serving(raw(head + b"".join(b"X-%d: y\r\n" % n for n in range(300)) + b"\r\n" + DEPLOYMENT)) as server:
        assert ask(GET, base_url=server.url).deployment.nca_id == "a"


def test_a_compressed_answer_is_read(ask: Ask) -> None:
    with serving(answer(200, gzip.compress(DEPLOYMENT), Content_Encoding="gzip")) as server:
        assert ask(GET, base_url=server.url).deployment.nca_id == "a"


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
    for name in ("", "httpx", "httpcore", "aiohttp", "asyncio"):  # the operator's own logging quietens some of them
        caplog.set_level(logging.DEBUG, logger=name)
    with serving(answer(200, DEPLOYMENT), answer(403, PROBLEM), reset) as server:
        ask(GET, base_url=server.url)
        failed(ask, POST, base_url=server.url)
        failed(ask, POST, base_url=server.url)
    assert caplog.records
    assert KEY not in caplog.text


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # asyncio's own, of the socket
def test_an_asynchronous_client_that_nobody_closes_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def call(url: str) -> None:
        client = AsyncClient(api_key=KEY, base_url=url)
        await client.send(GET)

    with serving(answer(200, DEPLOYMENT)) as server:
        asyncio.run(call(server.url))
        for _ in range(2):  # the client, then its connections
            gc.collect()
    assert caplog.messages == []


async def test_an_asynchronous_client_that_nobody_holds_gives_up_its_connection() -> None:
    ended = threading.Event()

    def last(connection: socket.socket) -> None:
        answer(200, DEPLOYMENT)(connection)
        assert connection.recv(1) == b""
        ended.set()

    with serving(last) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url)
        await client.send(GET)
        del client
        gc.collect()
        assert await asyncio.to_thread(ended.wait, 30)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_asynchronous_client_goes_on_in_another_event_loop_once_the_first_has_ended() -> None:
    with serving(answer(200, DEPLOYMENT)) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url)
        for _ in range(2):
            assert asyncio.run(client.send(GET)).deployment.function_status == "ACTIVE"
        with asyncio.Runner() as first, asyncio.Runner() as second:
            first.run(client.send(GET))
            with pytest.raises(RuntimeError, match="in use in another event loop"):
                second.run(client.send(GET))
        asyncio.run(client.aclose())
        with pytest.raises(RuntimeError, match="the client is closed"):
            asyncio.run(client.send(GET))
        del client
        gc.collect()
    assert len(server.received) == 3
