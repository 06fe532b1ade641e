"""One pool of connections to the cluster, whose requests carry the current credentials.

Calls go over kept connections. What is read as it arrives, such as kopf's watches, and everything that goes through a
proxy, goes over aiohttp's session.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

import aiohttp
import kopf
import yarl
from aiohttp import ClientMiddlewareType
from kubernetes.aio.client.rest import RESTClientObject

from nvcf_client.http.kept import KeptConnection, Reply, head_of
from nvcf_client.http.pool import ConnectionPool
from nvcf_client.http.proxies import Proxy, ProxyProblem, proxy_for, usable
from nvcf_operator.kube import cluster
from nvcf_operator.kube.cluster import Cluster, ConnectionProblem
from nvcf_operator.kube.steady_watch import Handler, SteadyWatch
from nvcf_operator.kube.watched import TakeIn

log = logging.getLogger(__name__)

__all__ = ["Connection", "ConnectionProblem", "connect", "kopf_session"]


LIMIT = 64
"""Most connections of one session."""

WATCHES = 1_000
"""Most connections of kopf's session, which holds one open for each namespace that it watches."""

KEEP_ALIVE: Final = 15.0
"""Seconds after which an unused connection is not used again."""

KEEP_UNUSED = 30.0
"""Seconds after which a connection that no call has needed is closed by the next call."""

REPEATABLE: Final = frozenset({"GET", "PUT"})
"""Methods whose call is made once more where a kept connection broke, as aiohttp's session does."""

REFUSED_PAUSE = 5.0
"""Seconds by which a second 401 is delayed: kopf logs in again immediately after each, and would loop."""


class Connection:
    """One cluster, as one identity, through one bounded pool of connections.

    After a 401, or when the server's certificate is no longer trusted, the configuration is re-read and the request
    retried once: neither was carried out. Credentials for another server than at the start are not accepted; a new
    client certificate is used for new connections.

    Attributes:
        server: the API server's base URL.
        default_namespace: of the pod, or of the kubeconfig's context; None if it names none.
        session: for requests whose response is read as it arrives; it is closed by `close`.

    """

    def __init__(
        self, found: Cluster, *, limit: int, user_agent: str, outermost: tuple[ClientMiddlewareType, ...] = ()
    ) -> None:
        configuration = found.configuration
        self._cluster = found
        self._reloading = asyncio.Lock()
        self.server: str = configuration.host
        self.default_namespace = found.namespace
        url = yarl.URL(self.server)
        self._origin = url.origin()
        self._tls = RESTClientObject(configuration).ssl_context
        self._proxy = _proxy(found)
        self._headers = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": user_agent}
        self._connector = aiohttp.TCPConnector(limit=limit, ssl=self._tls)
        self._pool: ConnectionPool[KeptConnection]
        self._pool = ConnectionPool(
            lambda: KeptConnection(self._connector, keep=KEEP_ALIVE), most=limit, keep=KEEP_UNUSED
        )
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, ssl=self._tls),
            headers={"User-Agent": user_agent},
            middlewares=(*outermost, self._sign, self._pass),
            proxy=self._proxy.url if self._proxy is not None else None,
            read_bufsize=2**21,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._connector.close()  # which waits until they are closed
        await self._pool.aclose()
        await self.session.close()

    async def call(
        self, method: str, path: str, *, content: str | None, data: bytes | None, timeout: aiohttp.ClientTimeout
    ) -> Reply:
        """Make a call, and read the whole response. Redirects are not followed.

        Args:
            method: its method.
            path: path and query, below the server's base URL.
            content: type of the body.
            data: the body.
            timeout: for the whole call.

        Raises:
            TimeoutError: it took too long.
            aiohttp.ClientError, OSError: no response, or none that can be read.

        """
        url, headers = yarl.URL(self.server + path, encoded=True), {"Content-Type": content} if content else {}
        if self._proxy is not None:
            async with self.session.request(
                method, url, data=data, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return Reply(response.status, response.headers, await response.read())
        async with asyncio.timeout(timeout.total):
            used = self._cluster
            try:
                reply = await self._called(method, url, headers, data)
                if reply.status != 401:
                    return reply
            except aiohttp.ClientSSLError as error:
                log.warning("%s; re-reading the certificates", error)
            await self._reload(used)
            reply = await self._called(method, url, headers, data)
            if reply.status == 401:
                await asyncio.sleep(REFUSED_PAUSE)
            return reply

    async def _called(self, method: str, url: yarl.URL, headers: Mapping[str, str], data: bytes | None) -> Reply:
        """Make a call with the current credentials, over a connection that no other call uses."""
        signed, name = {**self._headers, **headers}, self._cluster.configuration.tls_server_name
        if (token := await self._cluster.authorization()) is not None:
            signed["Authorization"] = token
        head = head_of(method, url, signed, body=data)
        async with self._pool.one(None) as kept:
            try:
                return await kept.call(url, head, data, server_hostname=name)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                if method not in REPEATABLE:
                    raise
            return await kept.call(url, head, data, server_hostname=name)

    async def _pass(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        try:
            return await handler(request)
        except aiohttp.ClientHttpProxyError as error:  # its text holds the proxy's URL with the password
            raise aiohttp.ClientConnectionError(f"{self._proxy} refused the connection ({error.status})") from None

    async def _sign(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        if request.url.origin() != self._origin:
            return await handler(request)  # redirected to another server, which must not see the token
        used = self._cluster
        await self._authorize(request)
        try:
            response = await handler(request)
            if response.status != 401:
                return response
            response.close()
        except aiohttp.ClientSSLError as error:
            log.warning("%s; re-reading the certificates", error)
        await self._reload(used)
        await self._authorize(request)
        response = await handler(request)
        if response.status == 401:
            await asyncio.sleep(REFUSED_PAUSE)
        return response

    async def _authorize(self, request: aiohttp.ClientRequest) -> None:
        request.server_hostname = self._cluster.configuration.tls_server_name
        token = await self._cluster.authorization()
        if token:
            request.headers["Authorization"] = token

    async def _reload(self, used: Cluster) -> None:
        """Re-read the configuration, once for all requests that were made with the old one."""
        async with self._reloading:
            if self._cluster is not used:
                return
            found = await self._cluster.reload()
            configuration = found.configuration
            if configuration.host != self.server:
                raise ConnectionProblem(f"{found.source} names {configuration.host} now; we work on {self.server}")
            self._cluster = found
            try:
                if configuration.ssl_ca_cert:
                    self._tls.load_verify_locations(configuration.ssl_ca_cert)
                if configuration.cert_file:
                    self._tls.load_cert_chain(configuration.cert_file, configuration.key_file)
            except OSError as error:
                raise _bad_certificates(found, error) from None
            await self._pool.renew()  # those that are kept have shown the old client certificate


async def connect(
    kubeconfig: str = "",
    context: str = "",
    *,
    limit: int = LIMIT,
    user_agent: str,
    outermost: tuple[ClientMiddlewareType, ...] = (),
) -> Connection:
    """Connect to the cluster that is configured.

    Args:
        kubeconfig: a file to use instead of what is found; empty for none.
        context: the context to use; empty for the current one.
        limit: most connections at the same time.
        user_agent: the header of all requests.
        outermost: middlewares that see each request before it is signed.

    Raises:
        ConnectionProblem: there is none, or its configuration cannot be used; the text says what was checked.

    """
    found = await cluster.load(kubeconfig, context)
    try:
        return Connection(found, limit=limit, user_agent=user_agent, outermost=outermost)
    except ProxyProblem as problem:
        raise ConnectionProblem(str(problem)) from None
    except (OSError, ValueError) as error:
        raise _bad_certificates(found, error) from None


async def kopf_session(*, user_agent: str, take_in: TakeIn) -> kopf.AiohttpSession:
    """Make a session for kopf, which closes it itself and requests another one after a 401."""
    connection = await connect(limit=WATCHES, user_agent=user_agent, outermost=(SteadyWatch(take_in),))
    return kopf.AiohttpSession(
        server=connection.server, default_namespace=connection.default_namespace, aiohttp_session=connection.session
    )


def _proxy(found: Cluster) -> Proxy | None:
    """The proxy of the kubeconfig, else of the environment; a pod's own cluster is never behind one."""
    if found.configuration.proxy:
        return usable(found.configuration.proxy, f"proxy-url of {found.source}")
    return None if found.in_pod else proxy_for(found.configuration.host, all_proxy=False)


def _bad_certificates(found: Cluster, error: Exception) -> ConnectionProblem:
    return ConnectionProblem(f"the address or the certificates of {found.source} cannot be used: {error}")
