"""The command `nvcf-operator`."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nvcf_operator import settings
from nvcf_operator.api.crd import crds_yaml
from nvcf_operator.cli import main
from nvcf_operator.runtime import operator
from nvcf_operator.settings import Settings

COMMAND = Path(sys.executable).with_name("nvcf-operator")


def plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(settings.PREFIX)}


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command, as users do."""
    environment = {**plain_environment(), **variables}
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, env=environment, timeout=60)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Settings]]:
    """What the operator was started with; it ends at once with exit code 7."""
    seen: list[Settings] = []
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(chosen: Settings) -> int:
        seen.append(chosen)
        return 7

    monkeypatch.setattr(operator, "run", run)
    yield seen
    root.handlers[:] = handlers
    root.setLevel(level)


def invoke(*arguments: str, **variables: str) -> Result:
    blank = dict.fromkeys(name for name in os.environ if name.startswith(settings.PREFIX))
    return CliRunner().invoke(main, arguments, env={**blank, **variables})


UNUSABLE = [
    ({"HTTPS_PROXY": "http://u:se#cret@h:3128"}, "the variable HTTPS_PROXY is not a proxy URL like"),
    ({"https_proxy": "http://u:secret@h:port"}, "the variable https_proxy is not a proxy URL like"),
    ({"ALL_PROXY": "socks5://u:secret@h:1080"}, "the variable ALL_PROXY names a SOCKS proxy"),
    ({"SSL_CERT_FILE": "/no/ca.pem"}, "/no/ca.pem, named by the variable SSL_CERT_FILE, cannot be used: No such file"),
    (
        {"SSL_CERT_FILE": __file__},
        "named by the variable SSL_CERT_FILE, cannot be used: it contains no usable certificates",
    ),
    ({"SSL_CERT_DIR": "/no/certs"}, "named by the variable SSL_CERT_DIR, cannot be used: there is no such folder"),
]


@pytest.mark.parametrize(("variables", "reported"), UNUSABLE, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("what", ["run", "check", "import"])
def test_an_environment_in_which_nvcf_cannot_be_asked_is_reported_in_one_line_at_start(
    what: str, variables: dict[str, str], reported: str, started: list[Settings], tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("nvapi-test")
    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    quiet: dict[str, Any] = dict.fromkeys((*names, *map(str.lower, names)))
    key = [] if what == "run" else ["--api-key-file", str(tmp_path / "key")]
    done = invoke(what, *key, **{**quiet, **variables})
    assert (done.exit_code, started) == (2, [])
    (line,) = done.output.splitlines()
    assert line.startswith("nvcf-operator: ")
    assert reported in line
    assert "secret" not in line
    assert "cret@" not in line


def test_what_is_not_used_does_not_matter(started: list[Settings]) -> None:
    variables = {"HTTPS_PROXY": "http://u:se#cret@h:3128", "NO_PROXY": "[::1],fd00::/8,10.0.0.0/8"}
    assert invoke("run", "--nvcf-base-url", "https://10.1.2.3/v2/nvcf", **variables).exit_code == 7
    assert invoke("run", "--nvcf-base-url", "https://[fd00::1]/v2/nvcf", **variables).exit_code == 7
    folders = f"/no/certs{os.pathsep}{Path(__file__).parent}"
    assert invoke("run", "--nvcf-base-url", "https://10.1.2.3/v2/nvcf", SSL_CERT_DIR=folders).exit_code == 7
    other = ("--allowed-base-urls", "https://nvcf.example/v2/nvcf")
    assert invoke("run", "--nvcf-base-url", "https://10.1.2.3/v2/nvcf", *other, **variables).exit_code == 2


def test_run_starts_the_operator_and_ends_with_its_code(started: list[Settings]) -> None:
    assert invoke("run").exit_code == 7
    assert started == [Settings()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_event_loop_runs_ends_it_in_order(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, started: list[Settings]
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr(operator, "run", lambda chosen: signal.raise_signal(number))
    assert invoke("run").exit_code == 0
    assert signal.getsignal(number) is before


def test_each_setting_is_an_option_that_wins_over_its_variable(started: list[Settings], tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("nvapi-test")
    chosen: dict[str, Any] = {
        "nvcf_base_url": "http://127.0.0.1:8000/v2/nvcf",
        "nvcf_host_header": "api.localhost",
        "nvcf_catalogue_url": "https://h/v2/orgs/o/nvcf",
        "api_key_file": str(key),
        "api_key_namespaces": "*",
        "allowed_base_urls": "http://h/v2",
        "namespaces": "team-a",
        "poll_interval": "1m",
        "busy_poll_interval": "2",
        "deep_resync_interval": "2h",
        "create_settle_seconds": "3",
        "create_settle_per_specification_seconds": "3.5",
        "register_settle_seconds": "6",
        "redeploy_settle_seconds": "4",
        "write_settle_seconds": "8",
        "secret_resync_interval": "3m",
        "stalled_grace_seconds": "4.5",
        "reference_settle_seconds": "7",
        "workers": "5",
        "nvcf_rate": "6",
        "nvcf_concurrency": "7",
        "metrics_address": "0",
        "log_format": "text",
        "log_level": "error",
    }
    others = {"nvcf_ca_file", "read_catalogue", "leader_election", "tracing", "running_instances", "queue_depth"}
    assert {*chosen, *others} == set(Settings.model_fields)
    flags = [part for name, value in chosen.items() for part in (settings.flag(name), value)]
    result = invoke("run", *flags, "--no-leader-election", NVCF_OPERATOR_WORKERS="9", NVCF_OPERATOR_NAMESPACES="no")
    assert result.exit_code == 7, result.output
    assert started == [Settings(**chosen)]


def test_a_list_may_be_given_by_commas_and_by_several_flags(started: list[Settings]) -> None:
    invoke("run", "--namespaces", "a,b", "--namespaces", "c")
    assert started[0].namespaces == ("a", "b", "c")


def test_an_empty_list_flag_takes_back_the_variable(started: list[Settings]) -> None:
    invoke("run", "--namespaces", "", NVCF_OPERATOR_NAMESPACES="a")
    assert started[0].namespaces == ()


@pytest.mark.parametrize(("flag", "leads"), [("--leader-election", True), ("--no-leader-election", False)])
def test_leader_election_is_a_flag_for_each_way(started: list[Settings], flag: str, leads: bool) -> None:
    invoke("run", flag, NVCF_OPERATOR_LEADER_ELECTION=str(not leads))
    assert started[0].leader_election is leads


def test_all_mistakes_are_lines_on_standard_error_and_the_code_is_two() -> None:
    done = command("run", "--workers=1", NVCF_OPERATOR_LEADER_ELECTION="maybe", NVCF_OPERATOR_LOG_LEVEL="loud")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "nvcf-operator: --workers (NVCF_OPERATOR_WORKERS): must be a whole number from 2 to 1000",
        "nvcf-operator: --leader-election (NVCF_OPERATOR_LEADER_ELECTION): must be true or false",
        "nvcf-operator: --log-level (NVCF_OPERATOR_LOG_LEVEL): must be debug, info, warning or error",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("nvapi-test-hunter2",),
        ("--api-key", "nvapi-test-hunter2"),
        ("--api-key-file", "nvapi-test-hunter2"),
        ("--nvcf-base-url", "https://nvapi-test-hunter2@h"),
        ("--nvapi-test-hunter2",),
    ],
)
def test_a_key_on_the_command_line_is_refused_and_not_repeated(arguments: tuple[str, ...]) -> None:
    result = invoke("run", *arguments)
    assert result.exit_code == 2
    assert "hunter2" not in result.output


def test_a_misspelt_variable_is_reported_when_the_operator_starts(started: list[Settings]) -> None:
    result = invoke("run", "--log-format=text", NVCF_OPERATOR_POLL_INTERVALL="3")
    assert started
    assert "did you mean NVCF_OPERATOR_POLL_INTERVAL?" in result.output


def test_help_shows_every_option_with_its_default() -> None:
    shown = " ".join(invoke("run", "--help").output.split())
    for name in Settings.model_fields:
        assert settings.flag(name) in shown
        assert settings.default_in_words(name) in shown


def test_crd_prints_the_resource_definition() -> None:
    done = command("crd")
    assert (done.returncode, done.stdout, done.stderr) == (0, crds_yaml(), "")


def test_the_version_is_printed() -> None:
    assert invoke("--version").output == "nvcf-operator, version 0.1.0\n"


def test_printing_the_crd_loads_no_operator() -> None:
    code = "import sys, nvcf_operator.cli; sys.exit('kopf' in sys.modules or 'nvcf_operator.runtime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
