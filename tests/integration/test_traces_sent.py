"""Traces of the running operator, as a receiver of OTLP takes them, and NVCF the header."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from hack.controlplane.ports import free_ports
from tests.support.functions import Functions
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY
from tests.support.spellings import places
from tests.support.waiting import eventually


class Receiver:
    """Takes OTLP over HTTP, on loopback."""

    def __init__(self) -> None:
        self.raw = b""
        self.resources: list[dict[str, str | int]] = []
        self.spans: list[Span] = []
        received = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                received.take(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> None:
        self.raw += body
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(values(group.resource.attributes))
            self.spans += [span for scope in group.scope_spans for span in scope.spans]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def named(self, name: str) -> list[Span]:
        return [span for span in list(self.spans) if span.name == name]


def values(attributes: list[KeyValue]) -> dict[str, str | int]:
    """Attributes as a dictionary."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in attributes}


def attributes(span: Span) -> dict[str, str | int]:
    return values(span.attributes)


def loaded(operator: Operator) -> bool:
    """Whether a process has loaded what OpenTelemetry's exporter is built on."""
    return "/google/_upb/" in Path(f"/proc/{operator.pid}/maps").read_text()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver, which every operator of this test gets by OpenTelemetry's variables."""
    made = Receiver()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    yield made
    made.close()


def test_a_reconcile_is_a_trace_with_its_calls_and_its_writes(
    sandbox: Sandbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVCF_OPERATOR_TRACING", "true")
    with sandbox.operator(fresh=True, log_format="json") as operator:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        posted = eventually(
            lambda: receiver.named("nvcf create_deployment"), bool, within=20, what="the span of the POST"
        )[0]
        reconcile = eventually(
            lambda: [span for span in receiver.named("reconcile") if span.span_id == posted.parent_span_id],
            bool,
            within=20,
            what="the span of the reconcile that made it",
        )[0]
        assert loaded(operator)
        assert operator.stop() == 0
    assert reconcile.parent_span_id == b""
    assert attributes(reconcile) == {
        "k8s.namespace.name": sandbox.namespace.name,
        "nvcf_operator.name": "echo",
        "nvcf_operator.function": sandbox.function,
        "nvcf_operator.version": sandbox.version,
        "nvcf_operator.reconcile": attributes(reconcile)["nvcf_operator.reconcile"],
        "nvcf_operator.result": "done",
    }
    assert f'"trace_id": "{reconcile.trace_id.hex()}"' in sandbox.log.read_text(), "log lines name their trace"

    host, port = sandbox.simulator.url.removeprefix("http://").partition("/")[0].split(":")
    assert posted.kind == Span.SPAN_KIND_CLIENT
    assert attributes(posted) == {
        "nvcf_operator.operation": "create_deployment",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": host,
        "server.port": int(port),
        "url.full": f"{sandbox.simulator.url}/deployments/functions/{sandbox.function}/versions/{sandbox.version}",
    }
    inside = {span.name: attributes(span) for span in receiver.spans if span.parent_span_id == reconcile.span_id}
    assert {"nvcf create_deployment", "kubernetes finalizer", "kubernetes status"} <= set(inside)
    assert inside["kubernetes status"]["http.request.method"] == "PATCH"
    assert str(inside["kubernetes status"]["url.full"]).endswith("/functiondeployments/echo/status")
    assert [span.name for span in receiver.spans if span.name == "kubernetes event"] == []

    (asked,) = [entry for entry in sandbox.simulator.log() if entry["operation"] == "createDeployment"]
    assert asked["traceparent"].startswith(f"00-{posted.trace_id.hex()}-{posted.span_id.hex()}-0")
    failed = {attributes(span)["error.type"] for span in receiver.spans if span.status.code == Status.STATUS_CODE_ERROR}
    assert "404" in failed, "the read before the POST has found nothing"
    resource = receiver.resources[0]
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("nvcf-operator", "test")
    assert resource["service.instance.id"]
    assert places(KEY, receiver.raw.decode(errors="replace")) == []
    assert b"uthorization" not in receiver.raw


def test_a_registration_is_a_trace_with_the_kind_of_its_resource(
    sandbox: Sandbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVCF_OPERATOR_TRACING", "true")
    functions = Functions.of(sandbox.namespace, sandbox.simulator)
    with sandbox.operator(fresh=True) as operator:
        functions.apply()
        functions.namespace.wait_for("llama", within=60)
        posted = eventually(
            lambda: receiver.named("nvcf create_function"), bool, within=20, what="the span of the POST"
        )[0]
        found = eventually(
            lambda: [span for span in receiver.named("reconcile") if span.span_id == posted.parent_span_id],
            bool,
            within=20,
            what="the span of the reconcile that made it",
        )[0]
        assert operator.stop() == 0
    about = {"k8s.namespace.name": sandbox.namespace.name, "nvcf_operator.name": "llama"}
    assert (about | {"nvcf_operator.kind": "CloudFunction"}).items() <= attributes(found).items()
    writes = [attributes(span)["nvcf_operator.write"] for span in receiver.spans if span.trace_id == found.trace_id
              and span.name.startswith("kubernetes ")]  # fmt: skip
    assert writes[-2:] == ["intent", "status"]
    assert KEY.encode() not in receiver.raw


def test_without_it_nothing_is_sent_and_nothing_imported(sandbox: Sandbox, receiver: Receiver) -> None:
    with sandbox.operator(fresh=True) as operator:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        assert not loaded(operator)
        assert operator.stop() == 0
    assert receiver.raw == b""
    assert {entry["traceparent"] for entry in sandbox.simulator.log()} == {None}


def test_a_receiver_that_is_away_holds_up_nothing(
    sandbox: Sandbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NVCF_OPERATOR_TRACING", "true")
    with sandbox.operator(fresh=True) as operator:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        assert operator.stop() == 0
    assert "Traceback" not in sandbox.log.read_text()
