"""How requests are signed, over real sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hack.controlplane.certificates import Authority, KeyPair
from nvcf_operator.kube import cluster
from nvcf_operator.kube import connection as module
from nvcf_operator.kube.connection import Connection, ConnectionProblem, connect, kopf_session
from tests.unit.kube.kube_server import Act, Pod, Sent, breaks_off, kubeconfig, says, serving


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFUSED_PAUSE", 0.0)


Configure = Callable[..., Path]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes the kubeconfig of this process, as often as a test likes."""

    def write(server: str, **options: Any) -> Path:
        path = kubeconfig(tmp_path / "kubeconfig", server, **options)
        monkeypatch.setenv("KUBECONFIG", str(path))
        return path

    return write


@asynccontextmanager
async def connected() -> AsyncIterator[Connection]:
    connection = await connect(user_agent="nvcf-operator/test")
    try:
        yield connection
    finally:
        await connection.close()


async def by_call(connection: Connection, path: str = "/x", *, method: str = "GET", data: bytes | None = None) -> int:
    timeout = aiohttp.ClientTimeout(total=10)
    return (await connection.call(method, path, content="application/json", data=data, timeout=timeout)).status


async def by_session(
    connection: Connection, path: str = "/x", *, method: str = "GET", data: bytes | None = None
) -> int:
    async with connection.session.request(method, connection.server + path, data=data) as response:
        await response.read()
        return response.status


Get = Callable[..., Awaitable[int]]


@pytest.fixture(params=[by_call, by_session])
def get(request: pytest.FixtureRequest) -> Get:
    """Makes a request, and gives the status of its response."""
    found: Get = request.param
    return found


def accepts(*tokens: str) -> Act:
    async def act(sent: Sent) -> web.StreamResponse:
        good = sent.authorization in {f"Bearer {token}" for token in tokens}
        return web.json_response({}, status=200 if good else 401)

    return act


async def test_a_request_shows_who_asks_and_by_what_program(get: Get, configure: Configure) -> None:
    async with serving(accepts("t")) as server:
        configure(server.url + "/prefix/", user={"token": "t"})
        async with connected() as connection:
            assert connection.default_namespace == "here"
            assert await get(connection, "/x") == 200
        (sent,) = server.sent
    assert (sent.path, sent.headers["User-Agent"]) == ("/prefix/x", "nvcf-operator/test")


@pytest.mark.parametrize(
    ("user", "shown"),
    [({}, None), ({"token": "t"}, "Bearer t"), ({"username": "u", "password": "p"}, "Basic dTpw")],
    ids=["nobody", "token", "password"],
)
async def test_each_kind_of_user_is_shown_as_it_should(
    get: Get, configure: Configure, user: dict[str, str], shown: str | None
) -> None:
    async with serving(says({})) as server:
        configure(server.url, user=user)
        async with connected() as connection:
            await get(connection)
        assert server.sent[0].authorization == shown


async def test_a_token_that_is_refused_is_looked_up_again_and_the_request_repeated(
    get: Get, configure: Configure
) -> None:
    async with serving(accepts("new")) as server:
        configure(server.url, user={"token": "old"})
        async with connected() as connection:
            configure(server.url, user={"token": "new"})
            assert await get(connection, method="PATCH", data=b'{"a": 1}') == 200
            assert await get(connection) == 200
        assert [(sent.authorization, sent.body) for sent in server.sent] == [
            ("Bearer old", {"a": 1}),
            ("Bearer new", {"a": 1}),
            ("Bearer new", None),
        ]


async def test_many_refused_requests_load_the_configuration_once(
    get: Get, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = 0
    load = cluster.load

    async def counted() -> Any:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0.05)
        return await load()

    async with serving(accepts("new")) as server:
        configure(server.url, user={"token": "old"})
        async with connected() as connection:
            configure(server.url, user={"token": "new"})
            monkeypatch.setattr(cluster, "load", counted)
            assert await asyncio.gather(*(get(connection) for _ in range(30))) == [200] * 30
    assert loads == 1


async def test_when_there_is_no_better_token_the_refusal_is_the_answer(get: Get, configure: Configure) -> None:
    async with serving(accepts("other")) as server:
        configure(server.url, user={"token": "t"})
        async with connected() as connection:
            assert await get(connection) == 401
        assert len(server.sent) == 2


async def test_a_configuration_that_is_broken_meanwhile_is_a_failure_to_connect(get: Get, configure: Configure) -> None:
    async with serving(accepts("other")) as server:
        path = configure(server.url, user={"token": "t"})
        async with connected() as connection:
            path.write_text("hello")
            with pytest.raises(aiohttp.ClientConnectionError, match="it is not a kubeconfig"):
                await get(connection)


async def test_another_servers_token_is_not_sent_to_this_one(get: Get, configure: Configure) -> None:
    async with serving(accepts("new")) as server:
        configure(server.url, user={"token": "old"})
        async with connected() as connection:
            configure("https://other:1", user={"token": "new"})
            with pytest.raises(ConnectionProblem, match="names https://other:1 now"):
                await get(connection)
        assert [sent.authorization for sent in server.sent] == ["Bearer old"]


async def test_a_token_does_not_follow_a_redirect_to_another_server(configure: Configure) -> None:
    async with serving(says({})) as other:
        async with serving(says({}, 302, Location=other.url)) as server:
            configure(server.url, user={"token": "t"})
            async with connected() as connection:
                assert await by_session(connection) == 200
        assert [sent.authorization for sent in other.sent] == [None]


async def test_a_call_follows_no_redirect(configure: Configure) -> None:
    async with serving(says({}, 302, Location="/elsewhere")) as server:
        configure(server.url, user={"token": "t"})
        async with connected() as connection:
            assert await by_call(connection) == 302
        assert [sent.path for sent in server.sent] == ["/x"]


async def test_a_proxy_of_the_kubeconfig_is_used(get: Get, configure: Configure) -> None:
    async with serving(says({})) as proxy:
        configure("http://api.invalid", user={"token": "t"}, **{"proxy-url": proxy.url})
        async with connected() as connection:
            assert await get(connection) == 200
        assert proxy.sent[0].headers["Host"] == "api.invalid"


async def test_a_proxy_that_refuses_is_reported_without_its_password(get: Get, configure: Configure) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        configure("https://api.invalid", user={"token": "t"}, **{"proxy-url": f"http://user:s3cret@127.0.0.1:{port}"})
        async with connected() as connection:
            with pytest.raises(aiohttp.ClientError, match=r"refused the connection \(407\)") as caught:
                await get(connection)
    assert "s3cret" not in f"{caught.value!r} {caught.value}"
    assert str(port) in str(caught.value)


async def test_a_proxy_of_the_environment_is_used(
    get: Get, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(says({})) as proxy:
        configure("http://api.invalid")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with connected() as connection:
            assert await get(connection) == 200
        assert proxy.sent[0].headers["Host"] == "api.invalid"


@asynccontextmanager
async def tls_server(
    authority: Authority, *acts: Act, name: str = "127.0.0.1", clients: Authority | None = None
) -> AsyncIterator[Any]:
    addresses = {"addresses": [name], "dns": []} if name[0].isdigit() else {"addresses": [], "dns": [name]}
    pair = authority.server("server", **addresses)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    if clients is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(clients.certificate)
    async with serving(*acts, tls=context) as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


async def test_a_server_of_another_authority_is_not_talked_to(
    get: Get, configure: Configure, authority: Authority, tmp_path: Path
) -> None:
    async with tls_server(Authority(tmp_path / "other"), says({})) as server:
        configure(server.url, user={"token": "t"}, **{"certificate-authority": str(authority.certificate)})
        async with connected() as connection:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await get(connection)
        assert server.sent == []


async def test_a_new_authority_is_read_when_the_old_one_is_no_good(
    get: Get, configure: Configure, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    async with tls_server(other, accepts("t")) as server:
        configure(server.url, user={"token": "t"}, **{"certificate-authority": str(authority.certificate)})
        async with connected() as connection:
            configure(server.url, user={"token": "t"}, **{"certificate-authority": str(other.certificate)})
            assert await get(connection) == 200


async def test_who_asks_not_to_verify_is_heard(get: Get, configure: Configure, authority: Authority) -> None:
    async with tls_server(authority, says({})) as server:
        configure(server.url, **{"insecure-skip-tls-verify": True})
        async with connected() as connection:
            assert await get(connection) == 200


async def test_the_servers_name_may_be_another_one(get: Get, configure: Configure, authority: Authority) -> None:
    async with tls_server(authority, says({}), name="kubernetes.example") as server:
        names = {"certificate-authority": str(authority.certificate), "tls-server-name": "kubernetes.example"}
        configure(server.url, **names)
        async with connected() as connection:
            assert await get(connection) == 200


def knows_client_certificates(*names: str) -> Act:
    async def act(sent: Sent) -> web.StreamResponse:
        assert sent.request.transport is not None
        shown = sent.request.transport.get_extra_info("peercert") or {}
        subject = {field: value for ((field, value),) in shown.get("subject", ())}
        response = web.json_response({}, status=200 if subject.get("commonName") in names else 401)
        response.force_close()  # a connection that lives on shows what it has shown
        return response

    return act


def certificate_user(pair: KeyPair) -> dict[str, str]:
    return {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}


async def test_a_client_certificate_is_shown_and_a_new_one_after_a_refusal(
    get: Get, configure: Configure, authority: Authority
) -> None:
    cluster = {"certificate-authority": str(authority.certificate)}
    old, new = authority.client("old", groups=[]), authority.client("new", groups=[])
    async with tls_server(authority, knows_client_certificates("new"), clients=authority) as server:
        configure(server.url, user=certificate_user(old), **cluster)
        async with connected() as connection:
            assert await get(connection) == 401
            configure(server.url, user=certificate_user(new), **cluster)
            assert await get(connection) == 200
            assert await get(connection) == 200
        assert len(server.sent) == 5, "refused and tried again both times, then straight on"


async def test_a_new_client_certificate_is_shown_though_the_connection_with_the_old_one_is_kept(
    configure: Configure, authority: Authority
) -> None:
    async def act(sent: Sent) -> web.StreamResponse:
        response = await knows_client_certificates("new")(sent)
        response._keep_alive = True
        return response

    cluster = {"certificate-authority": str(authority.certificate)}
    old, new = authority.client("old", groups=[]), authority.client("new", groups=[])
    async with tls_server(authority, act, clients=authority) as server:
        configure(server.url, user=certificate_user(old), **cluster)
        async with connected() as connection:
            configure(server.url, user=certificate_user(new), **cluster)
            assert await by_call(connection) == 200
        assert len(server.sent) == 2


async def test_a_read_is_repeated_after_a_kept_connection_broke_and_a_patch_is_not(configure: Configure) -> None:
    for method, sent, ended in (("GET", 3, 200), ("PATCH", 2, aiohttp.ServerDisconnectedError)):
        async with serving(says({}), breaks_off, says({})) as server:
            configure(server.url)
            async with connected() as connection:
                assert await by_call(connection) == 200
                try:
                    found: object = await by_call(connection, method=method)
                except aiohttp.ClientError as error:
                    found = type(error)
            assert (found, len(server.sent)) == (ended, sent)


async def test_calls_at_the_same_time_share_no_connection_and_later_ones_use_those_that_are_kept(
    configure: Configure,
) -> None:
    ports: list[int] = []
    release = asyncio.Event()

    async def act(sent: Sent) -> web.StreamResponse:
        assert sent.request.transport is not None
        ports.append(sent.request.transport.get_extra_info("peername")[1])
        await release.wait()
        return web.json_response({})

    async with serving(act) as server:
        configure(server.url)
        async with connected() as connection:
            three = [asyncio.create_task(by_call(connection)) for _ in range(3)]
            await reached(lambda: len(ports), 3)
            release.set()
            assert await asyncio.gather(*three) == [200] * 3
            assert await by_call(connection) == 200
    assert len(set(ports[:3])) == 3
    assert ports[3] in ports[:3]


async def test_a_call_that_is_cancelled_leaves_no_response_to_the_next_one(configure: Configure) -> None:
    release = asyncio.Event()

    async def late(sent: Sent) -> web.StreamResponse:
        await release.wait()
        return web.json_response({}, status=201)

    async with serving(late, says({})) as server:
        configure(server.url)
        async with connected() as connection:
            task = asyncio.create_task(by_call(connection))
            await server.asked.wait()
            task.cancel()
            await asyncio.wait([task])
            release.set()
            assert await by_call(connection) == 200


async def test_a_pod_does_not_go_through_a_proxy(
    get: Get, authority: Authority, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    async with tls_server(authority, says({})) as server:
        pod(ca=authority.certificate, port=int(server.url.rpartition(":")[2]))
        async with connected() as connection:
            assert await get(connection) == 200
        assert server.sent[0].authorization == "bearer pod-token"


@pytest.mark.parametrize(
    ("server", "options"),
    [("no-url", {}), ("https://127.0.0.1:1", {"certificate-authority-data": "aGVsbG8="})],
    ids=["no URL", "no certificate"],
)
async def test_an_address_or_a_certificate_that_is_none_is_reported_at_the_start(
    configure: Configure, server: str, options: dict[str, str]
) -> None:
    path = configure(server, **options)
    with pytest.raises(ConnectionProblem, match=f"certificates of KUBECONFIG={path} cannot be used"):
        await connect(user_agent="nvcf-operator/test")


@pytest.mark.parametrize("named_by", ["the kubeconfig", "the environment"])
async def test_a_proxy_that_cannot_be_used_is_reported_without_its_password(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, named_by: str
) -> None:
    proxy = "http://user:se#cret@proxy:3128"
    if named_by == "the kubeconfig":
        configure("https://api.example", **{"proxy-url": proxy})
    else:
        configure("https://api.example")
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConnectionProblem, match="is not a proxy URL") as caught:
        await connect(user_agent="nvcf-operator/test")
    assert "cret" not in str(caught.value)
    assert "'se'" not in str(caught.value)


async def test_a_session_for_kopf_has_room_for_a_watch_of_each_namespace(configure: Configure) -> None:
    release = asyncio.Event()

    async def watch(sent: Sent) -> web.StreamResponse:
        await release.wait()
        return web.json_response({})

    async with serving(watch) as server:
        configure(server.url, user={"token": "t"})
        info = await kopf_session(user_agent="nvcf-operator/test", take_in=lambda kind, obj: False)
        assert (info.server, info.default_namespace) == (server.url, "here")
        async with info.aiohttp_session as session:

            async def wait() -> int:
                async with session.get(info.server) as response:
                    return response.status

            waiting = [asyncio.create_task(wait()) for _ in range(100)]
            await reached(lambda: len(server.sent), 100)
            release.set()
            assert await asyncio.gather(*waiting) == [200] * 100


async def reached(count: Callable[[], int], wanted: int, deadline: float = 10.0) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline
    while count() < wanted:
        assert loop.time() < until, f"{count()} of {wanted} after {deadline:.0f} s"
        await asyncio.sleep(0.01)
