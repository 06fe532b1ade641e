"""A value of a function's secret stands nowhere but in its Secret and in the request that sends it."""

import base64
import html
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support.function_secrets import NAME, allow_reading, put_secret, taken
from tests.support.functions import Functions
from tests.support.listed import lists
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.spellings import places

CORES = ("Zq7MarkAtTheBeginning42", "Kx9MarkInTheMiddle17", "Vw3MarkAtTheEnd88")
"""Words of letters and digits at several places of a value: an echo that is cut shows one of them all the same."""

TEXT = f'{CORES[0]} größe <&> "zitiert"\n{"länger " * 30}{CORES[1]}\n\t{"noch länger " * 100}{CORES[2]}'
SHORT = f'{CORES[0]}<&>"\n{CORES[2]}'
OBJECT = {"schlüssel": TEXT, "liste": [SHORT, {"tief": SHORT}]}

ECHOES = {
    "as it is": f"no good: {TEXT}; {SHORT}.",
    "as JSON": f"Failed to read: {json.dumps({'secrets': [{'value': TEXT}, {'value': OBJECT}, {'value': SHORT}]})}",
    "as JSON beyond ASCII": f"Failed to read: {json.dumps(TEXT, ensure_ascii=False)}",
    "in base64": f"no: {base64.b64encode(TEXT.encode()).decode()}",
    "as HTML": f"no: {html.escape(TEXT)}",
    "shortened": f"no: {TEXT[:250]} and so on",
    "rejected": f"Validation failed: [object=o, field=secrets[0].value, rejected={TEXT[:250]}..., message=Invalid]",
}
"""What NVCF says, with values in it."""


SHOWN = frozenset({"cloudfunctions", "functiondeployments", "events", "configmaps", "leases"})


class Witness:
    """Gathers what readers without access to Secrets can see."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        assert isinstance(sandbox.namespace.plane, ControlPlane)
        self._plane = sandbox.namespace.plane
        self._offset = self._plane.audit_log.stat().st_size
        every = lists(self._plane, sandbox.namespace.name)
        self._lists = [path for path in every if path.rpartition("/")[2] in SHOWN]
        self.seen: dict[str, str] = {}

    def check(self, stage: str, operator: Operator) -> None:
        """Take in the resources and Events of the namespace, and the metrics."""
        self.seen[f"objects, {stage}"] = json.dumps({path: self._plane.read(path) for path in self._lists})
        self.seen[f"metrics, {stage}"] = operator.get("/metrics")

    def leaks(self) -> list[str]:
        """Each place where a part of a value was found, in any spelling."""
        with self._plane.audit_log.open("rb") as log:
            log.seek(self._offset)
            # What the test itself writes to its Secret is there, too.
            lines = [line for line in log.read().decode().splitlines() if '"resource":"secrets"' not in line]
        self.seen["audit log"] = "\n".join(lines)
        self.seen["operator's log"] = self._sandbox.log.read_text()
        self.seen["requests"] = json.dumps(self._sandbox.simulator.log())
        self.seen["state of NVCF"] = json.dumps(self._sandbox.simulator.state())
        return [
            f"{where}: {what}" for where, text in self.seen.items() for core in CORES for what in places(core, text)
        ]


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[bytearray]:
    """What every operator of this test sends as traces."""
    received = bytearray()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.extend(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    monkeypatch.setenv("NVCF_OPERATOR_TRACING", "true")
    yield received
    server.shutdown()
    server.server_close()


def put(functions: Functions, round_: int, **more: str | bytes) -> None:
    """Put other values there that hold the same words."""
    values = {"text": f"{TEXT}{round_}", "object": json.dumps({**OBJECT, "n": round_}), "short": f"{SHORT}{round_}"}
    put_secret(functions.namespace, {**values, **more}, allow="llama")


def refused(functions: Functions, name: str, answer: dict[str, Any], operator: Operator, witness: Witness) -> None:
    """Have a PUT refused with a text that holds the values, and then taken."""
    functions.simulator.fault(operation="updateSecrets", name=name, **answer)
    put(functions, len(witness.seen))
    functions.namespace.wait_for("llama", status="False", within=60)
    witness.check(name, operator)
    functions.simulator.clear_faults()
    functions.namespace.annotate("llama", reconcile_requested_at=name.replace(" ", "-"))
    functions.namespace.wait_for("llama", within=90)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_output_shows_a_value(sandbox: Sandbox, log_format: str, traces: bytearray) -> None:
    allow_reading(sandbox.namespace, NAME)
    functions = Functions.of(sandbox.namespace, sandbox.simulator)
    witness = Witness(sandbox)
    secrets = [taken("TEXT", "text"), taken("OBJECT", "object", format="JSON"), taken("SHORT", "short")]
    put(functions, 0)
    with sandbox.operator(fresh=True, log_level="debug", log_format=log_format) as operator:
        sandbox.simulator.fault(operation="createFunction", status=400, detail=ECHOES["as it is"])
        functions.apply(secrets=secrets)
        functions.namespace.wait_for("llama", status="False", reason="Rejected", within=60)
        witness.check("registration refused", operator)
        sandbox.simulator.clear_faults()
        functions.namespace.annotate("llama", reconcile_requested_at="again")
        functions.namespace.wait_for("llama", within=60)
        assert functions.simulator.has_secrets(functions.latest(), TEXT=f"{TEXT}0", SHORT=f"{SHORT}0")
        for name, detail in ECHOES.items():
            refused(functions, name, {"status": 400, "detail": detail}, operator, witness)
        refused(functions, "500", {"status": 500, "detail": ECHOES["as it is"]}, operator, witness)
        refused(functions, "page", {"status": 502, "body": f"<html>{ECHOES['as JSON']}</html>"}, operator, witness)
        put(functions, 100, object=f"[{json.dumps(TEXT)}", text=TEXT.encode("utf-16"))
        functions.namespace.wait_for("llama", "SecretsSynced", "False", reason="SecretInvalid", within=60)
        witness.check("bad values", operator)
        put(functions, 101)
        functions.namespace.wait_for("llama", within=60)
        witness.check("in the end", operator)
        assert operator.stop() == 0
    witness.seen["traces"] = traces.decode(errors="replace")
    assert "nvcf update_function_secrets" in witness.seen["traces"]
    posts = [entry for entry in functions.log() if entry["operation"] == "updateSecrets"]
    assert len(posts) > len(ECHOES), "values were never sent: the test proves nothing"
    assert witness.leaks() == []
    assert "[value]" in witness.seen["objects, rejected"]
