"""OpenTelemetry traces, if enabled: a span for each reconcile of a resource, and in it one for each call that it makes.

OpenTelemetry is imported only if tracing is enabled, and is not among the operator's own dependencies: the extra
`tracing` installs it. Its own variables (`OTEL_*`) say where spans go, and how many. The content of a span is named
here, by OpenTelemetry's semantic conventions where they have a name: a span never contains a header, a body or the text
of an error.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from nvcf_client.options import default_user_agent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan

Attributes = dict[str, str | int]

PROTOCOL: Final = "http/protobuf"
"""The only protocol of OTLP that is supported."""

PROTOCOL_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

FLUSH: Final = 3.0
"""Seconds to send the remaining spans at the end."""

_PACKAGES: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_OURS: Final = "nvcf_operator."
_CONVENTIONAL: Final = {"namespace": "k8s.namespace.name"}


def problem() -> str | None:
    """Why traces are impossible; None if they are possible."""
    if not _installed():
        return "needs OpenTelemetry, which is not installed: install nvcf-operator with its extra `tracing`"
    for name in PROTOCOL_VARIABLES:
        if os.environ.get(name, PROTOCOL) not in ("", PROTOCOL):
            return f"speaks OTLP as {PROTOCOL} only: set {name} to that, or unset it"
    return None


class Span:
    """One span; this one records nothing."""

    trace_id: str | None = None
    """The id of its trace, in hexadecimal digits; None if nothing is traced."""

    def ended(self, result: str) -> None:
        """Record the result of a reconcile."""

    def answered(self, code: str) -> None:
        """Record the result of an HTTP call: its status, or what happened instead."""


class Tracer:
    """Makes spans; this one makes none."""

    _NOTHING = nullcontext(Span())

    def reconcile(self, about: Mapping[str, str]) -> AbstractContextManager[Span]:
        """A reconcile of a resource, with the fields of its log lines: the root of a trace."""
        return self._NOTHING

    def nvcf(self, operation: str, method: str, url: str) -> AbstractContextManager[Span]:
        """A call to NVCF; send `headers` with it."""
        return self._NOTHING

    def kubernetes(self, kind: str, method: str, url: str) -> AbstractContextManager[Span]:
        """A write to the Kubernetes API that a reconcile makes itself."""
        return self._NOTHING

    def headers(self) -> Mapping[str, str]:
        """The headers of W3C Trace Context for the current span."""
        return {}

    def close(self) -> None:
        """Send the remaining spans, for `FLUSH` seconds at most."""


def tracer(*, wanted: bool, identity: str) -> Tracer:
    """The tracer of this process.

    Args:
        wanted: whether to trace; then there must be no `problem`.
        identity: distinguishes replicas.

    """
    return _OpenTelemetry(identity) if wanted else Tracer()


class _OpenTelemetrySpan(Span):
    def __init__(self, span: "OtelSpan") -> None:
        self._span = span
        self._failed = False
        self.trace_id = format(span.get_span_context().trace_id, "032x")

    def ended(self, result: str) -> None:
        self._span.set_attribute(_OURS + "result", result)

    def answered(self, code: str) -> None:
        if code.isdecimal():
            self._span.set_attribute("http.response.status_code", int(code))
        if not code.isdecimal() or int(code) >= 400:
            self.failed(code)

    def failed(self, kind: str) -> None:
        """Mark it as failed by a kind of error; the first kind counts. An error's text may quote secrets."""
        from opentelemetry.trace import StatusCode

        if not self._failed:
            self._failed = True
            self._span.set_attribute("error.type", kind)
            self._span.set_status(StatusCode.ERROR)


class _OpenTelemetry(Tracer):
    def __init__(self, identity: str) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = _provider(identity)
        self._tracer = self._provider.get_tracer("nvcf_operator")
        self._propagator = TraceContextTextMapPropagator()

    def reconcile(self, about: Mapping[str, str]) -> AbstractContextManager[Span]:
        return self._open("reconcile", {_CONVENTIONAL.get(name, _OURS + name): text for name, text in about.items()})

    def nvcf(self, operation: str, method: str, url: str) -> AbstractContextManager[Span]:
        return self._open(f"nvcf {operation}", {_OURS + "operation": operation, **_http(method, url)}, client=True)

    def kubernetes(self, kind: str, method: str, url: str) -> AbstractContextManager[Span]:
        from opentelemetry.trace import get_current_span

        if not get_current_span().get_span_context().is_valid:
            return self._NOTHING  # an Event, which is written after the reconcile that records it
        return self._open(f"kubernetes {kind}", {_OURS + "write": kind, **_http(method, url)}, client=True)

    def headers(self) -> Mapping[str, str]:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def close(self) -> None:
        # The exporter retries for longer than a Pod has to terminate; as a daemon it delays nothing.
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(FLUSH)

    @contextmanager
    def _open(self, name: str, attributes: Attributes, *, client: bool = False) -> Iterator[Span]:
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT if client else SpanKind.INTERNAL,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            made = _OpenTelemetrySpan(span)
            try:
                yield made
            except BaseException as error:
                made.failed(type(error).__name__)
                raise


def _provider(identity: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name, _, version = default_user_agent().partition("/")
    ours = {"service.name": name, "service.version": version, "service.instance.id": identity}
    resource = Resource.create(ours).merge(OTELResourceDetector().detect())  # the variables take precedence
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _http(method: str, url: str) -> Attributes:
    """An HTTP call by the semantic conventions, without its query."""
    parts = urlsplit(url)
    return {
        "http.request.method": method,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        "url.full": parts._replace(query="", fragment="").geturl(),
    }


def _installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _PACKAGES)
    except ModuleNotFoundError:  # its parent package is not installed
        return False
