"""Traces only on request, and a clear word where they cannot be."""

import subprocess
import sys

import pytest

from nvcf_operator import tracing
from nvcf_operator.tracing import Tracer


def python(program: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a Python of its own."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_nothing_of_it_is_imported_unless_it_is_asked_for() -> None:
    done = python(
        "import sys\n"
        "import nvcf_operator.cli, nvcf_operator.runtime.operator\n"
        "from nvcf_operator.settings import Settings\n"
        "from nvcf_operator.tracing import tracer\n"
        "tracer(wanted=Settings().tracing, identity='a')\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google.'))])\n"
        "tracer(wanted=True, identity='a').close()\n"
        "print('opentelemetry.sdk.trace' in sys.modules)\n"
    )
    assert done.stdout.splitlines() == ["[]", "True"], done.stderr


def test_where_it_is_not_installed_the_start_says_what_to_install() -> None:
    done = python(
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from nvcf_operator.cli import main\n"
        "main(['run', '--tracing', '--poll-interval=soon'])\n"
    )
    assert done.returncode == 2
    assert "--tracing (NVCF_OPERATOR_TRACING): needs OpenTelemetry, which is not installed: install" in done.stderr
    assert "--poll-interval" in done.stderr, "beside all other mistakes"


@pytest.mark.parametrize("name", tracing.PROTOCOL_VARIABLES)
@pytest.mark.parametrize(
    ("protocol", "good"), [("grpc", False), ("http/json", False), ("http/protobuf", True), ("", True)]
)
def test_only_the_protocol_that_is_spoken_is_taken(
    name: str, protocol: str, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in tracing.PROTOCOL_VARIABLES:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, protocol)
    said = tracing.problem()
    assert said is None if good else said is not None and name in said and tracing.PROTOCOL in said


def test_where_nothing_is_traced_nothing_is_reported() -> None:
    tracer = Tracer()
    for made in (
        tracer.reconcile({}),
        tracer.nvcf("a", "GET", "http://h/"),
        tracer.kubernetes("a", "PATCH", "http://h/"),
    ):
        with made as span, tracer.reconcile({}):
            span.answered("500")
            span.ended("done")
            assert span.trace_id is None
            assert tracer.headers() == {}
