"""Serves /metrics, /healthz and /readyz."""

import logging
from collections.abc import Callable

from aiohttp import web

from nvcf_operator.metrics import Metrics
from nvcf_operator.settings import address

log = logging.getLogger(__name__)

Reasons = Callable[[], list[str]]


class Probes:
    """A small HTTP server. `healthy` and `ready` give the reasons why not; none means yes."""

    def __init__(self, metrics_address: str, metrics: Metrics, *, healthy: Reasons, ready: Reasons) -> None:
        self._address = address(metrics_address)
        self._metrics = metrics
        self._healthy = healthy
        self._ready = ready
        self._runner: web.AppRunner | None = None
        self.port: int | None = None

    async def start(self) -> None:
        """Listen. OSError, with the address in its text, when that is not possible."""
        if self._address is None:
            return
        app = web.Application()
        app.router.add_get("/metrics", self._show_metrics)
        app.router.add_get("/healthz", lambda request: self._answer(self._healthy))
        app.router.add_get("/readyz", lambda request: self._answer(self._ready))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        host, port = self._address
        await web.TCPSite(self._runner, host, port).start()
        self.port = self._runner.addresses[0][1]
        log.info("metrics and probes at %s:%s", host, self.port)

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _answer(self, reasons: Reasons) -> web.Response:
        wrong = reasons()
        return web.Response(status=503 if wrong else 200, text="\n".join(wrong) if wrong else "ok")
