"""Serves /metrics, /healthz and /readyz."""

import errno
import logging
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from nvcf_operator.metrics import Metrics
from nvcf_operator.settings import address

log = logging.getLogger(__name__)

Reasons = Callable[[], list[str]]

GRACE = 1.0
"""Seconds that an answer under way gets at the end."""


class Probes:
    """A small HTTP server in the operator's own event loop, so that a loop that stands still does not answer.

    Args:
        metrics_address: as the setting: `host:port`, port 0 for any free one, `0` to serve nothing.
        metrics: what /metrics shows.
        healthy: why the operator must be started again; empty: it need not. /healthz.
        ready: why the operator does no work yet; empty: it does. /readyz.

    Attributes:
        port: the port it listens on, None while it does not.

    """

    def __init__(self, metrics_address: str, metrics: Metrics, *, healthy: Reasons, ready: Reasons) -> None:
        self._address = address(metrics_address)
        self._metrics = metrics
        self._healthy = healthy
        self._ready = ready
        self._runner: web.AppRunner | None = None
        self.port: int | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: that is not possible; `strerror` names address and cause.

        """
        if self._address is None:
            return
        host, port = self._address
        app = web.Application()
        app.router.add_get("/metrics", self._show_metrics)
        app.router.add_get("/healthz", _answering(self._healthy))
        app.router.add_get("/readyz", _answering(self._ready))
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=GRACE)
        await runner.setup()
        try:
            await _site(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        log.info("metrics and probes at http://%s:%s", f"[{host}]" if ":" in host else host or "*", self.port)

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = self.port = None

    async def _show_metrics(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


def _site(runner: web.AppRunner, host: str, port: int) -> web.BaseSite:
    return web.TCPSite(runner, host, port) if host else web.SockSite(runner, _everywhere(port))


def _everywhere(port: int) -> socket.socket:
    """Listen on all interfaces by one socket, so that a free port is the same one for IPv4 and IPv6."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError as error:  # a kernel that knows IPv6, on a node where it is switched off
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    return socket.create_server(("", port))


def _answering(reasons: Reasons) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        wrong = reasons()
        return web.Response(status=503 if wrong else 200, text="\n".join(wrong or ["ok"]) + "\n")

    return answer
