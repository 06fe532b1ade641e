"""One pool of connections to the cluster, whose requests carry the current credentials.

kopf's lists and watches go over it, too, and on over responses that would end kopf: it ends with an exception at the
first 404 to a list or a watch, whoever sent it, and at 5xx that last for a minute. Restarting kopf is no solution: when
it ends, it cancels every task of the process that is younger than itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import kopf
import yarl
from aiohttp import ClientMiddlewareType
from kubernetes.aio.client.rest import RESTClientObject

from nvcf_client.http.proxies import Proxy, ProxyProblem, proxy_for, usable
from nvcf_client.text import shorten
from nvcf_operator.api import names
from nvcf_operator.backoff import Backoff
from nvcf_operator.kube import cluster
from nvcf_operator.kube.cluster import Cluster, ConnectionProblem
from nvcf_operator.kube.echoes import IsEcho, WithoutEchoes
from nvcf_operator.kube.errors import message_of, parse

log = logging.getLogger(__name__)

Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

PAUSES: Final = Backoff(1.0, 20.0)
"""Before a list or a watch is retried. Shorter than the 30 s that a list may take in total: a pause is part of it."""
DISCOVERY_PAUSES: Final = (1.0, 2.0, 4.0)
"""Seconds between the tries to discover the served versions, before a 404 to that is believed."""

_MOST_READ: Final = 16_384

_OURS: Final = frozenset(kind.plural for kind in names.KINDS)


class SteadyWatch:
    """A middleware of kopf's session, which only reads.

    Args:
        is_echo: asked about each object that a watch of ours shows to have changed.
        sleep: waits for the seconds of a pause.

    """

    def __init__(
        self,
        is_echo: IsEcho = lambda obj: False,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._is_echo = is_echo
        self._sleep = sleep
        self._tries: dict[str, int] = {}
        """The tries in a row of each path whose responses were of no use."""

    async def __call__(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Pass a request on, and hide responses to a list or a watch that would end kopf.

        Raises:
            ClientPayloadError: after a pause: kopf then lists again, or watches again from where it was.

        """
        if not {"limit", "watch"} & request.url.query.keys():
            return await self._discovered(request, handler)
        response = await handler(request)
        path, status = request.url.path, response.status
        # After 401 kopf logs in again. Without the right to list CRDs it does without; ours it cannot do without.
        if status < 400 or status == 401 or (status == 403 and path.rsplit("/", 1)[-1] not in _OURS):
            self._tries.pop(path, None)
            if status == 200 and "watch" in request.url.query and path.rsplit("/", 1)[-1] in _OURS:
                response.content = WithoutEchoes(response.content, self._is_echo)  # type: ignore[assignment]
            return response
        try:
            raw = await response.content.read(_MOST_READ)
        finally:
            response.close()
        tries = self._tries.get(path, 0)
        self._tries[path] = tries + 1
        pause = PAUSES.after(tries)
        if (wait := response.headers.get("Retry-After", "")).isdecimal():
            pause = max(pause, min(PAUSES.last, float(wait)))
        what = f"{'watch' if 'watch' in request.url.query else 'list'} of {path.rsplit('/', 1)[-1]}"
        said = shorten(message_of(parse(raw) or {}, raw), 200)
        log.warning("the %s was answered %d, retrying in %.0f s: %s", what, status, pause, said)
        await self._sleep(pause)
        raise aiohttp.ClientPayloadError(f"the {what} was answered {status}")

    async def _discovered(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Discover what is served. After a CRD is deleted, the API server keeps answering 404 for its version."""
        response = await handler(request)
        for pause in DISCOVERY_PAUSES:
            if response.status != 404:
                break
            response.close()
            await self._sleep(pause)
            response = await handler(request)
        return response


__all__ = ["Connection", "ConnectionProblem", "connect", "kopf_session"]


LIMIT = 64
"""Most connections of one session."""

WATCHES = 1_000
"""Most connections of kopf's session, which holds one open for each namespace that it watches."""

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
        session: for all requests; it is closed by `close`.

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
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, ssl=self._tls),
            headers={"User-Agent": user_agent},
            middlewares=(*outermost, self._sign, self._pass),
            proxy=self._proxy.url if self._proxy is not None else None,
            read_bufsize=2**21,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.session.close()

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


async def kopf_session(*, user_agent: str, is_echo: IsEcho) -> kopf.AiohttpSession:
    """Make a session for kopf, which closes it itself and requests another one after a 401."""
    connection = await connect(limit=WATCHES, user_agent=user_agent, outermost=(SteadyWatch(is_echo),))
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
