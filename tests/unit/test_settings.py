"""Settings: every one by flag or variable, all mistakes reported at once, and no key in what is reported."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hack.docs.settings import settings_markdown
from nvcf_client import urls
from nvcf_operator import settings
from nvcf_operator.settings import Settings
from nvcf_operator.settings.model import SERVICE_LINK
from nvcf_operator.settings.values import is_hosted

ROOT = Path(__file__).parents[2]
SELF_MANAGED = "https://api.nvcf.example.org/v2/nvcf"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tuple(os.environ):
        if name.upper().startswith(settings.PREFIX):
            monkeypatch.delenv(name)


def make(**given: Any) -> Settings:
    return Settings(**given)


def complaints(**given: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Settings(**given)
    return settings.validation_errors(caught.value)


def test_the_settings_and_defaults_are_those_of_the_design() -> None:
    assert Settings().model_dump() == {
        "nvcf_base_url": "https://api.nvcf.nvidia.com/v2/nvcf",
        "nvcf_host_header": None,
        "nvcf_ca_file": None,
        "nvcf_catalogue_url": None,
        "api_key_file": None,
        "api_key_namespaces": (),
        "allowed_base_urls": (),
        "namespaces": (),
        "poll_interval": 60.0,
        "busy_poll_interval": 5.0,
        "deep_resync_interval": 3600.0,
        "running_instances": False,
        "queue_depth": False,
        "create_settle_seconds": 125.0,
        "create_settle_per_specification_seconds": 95.0,
        "redeploy_settle_seconds": 75.0,
        "register_settle_seconds": 180.0,
        "write_settle_seconds": 60.0,
        "read_catalogue": True,
        "secret_resync_interval": 300.0,
        "stalled_grace_seconds": 60.0,
        "reference_settle_seconds": 5.0,
        "workers": 32,
        "nvcf_rate": 50.0,
        "nvcf_concurrency": 16,
        "leader_election": False,
        "metrics_address": "127.0.0.1:8080",
        "tracing": False,
        "log_format": "json",
        "log_level": "info",
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("nvcf_base_url", "HTTPS://api.NVCF.example.org:443/v2/nvcf/", SELF_MANAGED),
        ("nvcf_host_header", "api.localhost:8080", "api.localhost:8080"),
        ("allowed_base_urls", f"{SELF_MANAGED}/, http://h:80", (SELF_MANAGED, "http://h")),
        ("namespaces", "team-a, team-b,,team-a", ("team-a", "team-b")),
        ("poll_interval", "1.5", 1.5),
        ("poll_interval", "90s", 90.0),
        ("deep_resync_interval", "1h", 3600.0),
        ("create_settle_seconds", " 3 m ", 180.0),
        ("create_settle_per_specification_seconds", "2m", 120.0),
        ("workers", "2", 2),
        ("nvcf_rate", "0.5", 0.5),
        ("leader_election", "false", False),
        ("leader_election", "true", True),
        ("metrics_address", "0", "0"),
        ("log_format", "TEXT", "text"),
        ("log_level", "Debug", "debug"),
    ],
)
def test_each_setting_is_a_variable(monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object) -> None:
    monkeypatch.setenv(settings.variable(name), text)
    assert getattr(Settings(), name) == value


def test_what_is_given_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVCF_OPERATOR_WORKERS", "8")
    monkeypatch.setenv("NVCF_OPERATOR_NVCF_HOST_HEADER", "elsewhere")
    chosen = Settings(workers="9", nvcf_host_header="")
    assert (chosen.workers, chosen.nvcf_host_header) == (9, None), "an empty flag takes back the variable"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(settings.variable(name), "")
    assert Settings() == Settings.model_construct()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nvcf_base_url", "api.nvcf.example.org/v2/nvcf", "must look like https://"),
        ("nvcf_base_url", "ftp://h/v2", "must look like https://"),
        ("nvcf_base_url", "https://h/v2?x=1", "no query"),
        (
            "nvcf_base_url",
            "https://api.ngc.nvidia.com/v2/orgs/o/teams/t/nvcf",
            "use https://api.ngc.nvidia.com/v2/orgs/o/nvcf",
        ),
        ("nvcf_base_url", "http://api.nvcf.nvidia.com/v2/nvcf", "use https://"),
        ("nvcf_host_header", "two words", "a host name"),
        ("nvcf_host_header", "h\r\nX: y", "a host name"),
        ("nvcf_ca_file", "/nowhere/ca.pem", "no such file"),
        ("nvcf_catalogue_url", "https://api.nvcf.nvidia.com/v2/nvcf", "NGC's URL of an organisation"),
        ("nvcf_catalogue_url", "http://api.ngc.nvidia.com/v2/orgs/acme/nvcf", "unencrypted"),
        ("nvcf_ca_file", __file__, "no usable certificates in PEM form"),
        ("api_key_file", "/nowhere/key", "no such file"),
        ("api_key_file", "/", "no such file"),
        ("api_key_namespaces", "*", "set --api-key-file"),
        ("api_key_namespaces", "team-*", "must be * for all"),
        ("allowed_base_urls", "http://api.ngc.nvidia.com/v2/nvcf", "use https://"),
        ("namespaces", "*", "must be the name of a namespace"),
        ("namespaces", "Team", "must be the name of a namespace"),
        ("namespaces", "a" * 64, "must be the name of a namespace"),
        ("poll_interval", "0", "above 0"),
        ("poll_interval", "-1", "above 0"),
        ("poll_interval", "soon", "90s, 5m or 1h"),
        ("poll_interval", "1d", "90s, 5m or 1h"),
        ("poll_interval", "inf", "90s, 5m or 1h"),
        ("poll_interval", "9" * 400, "above 0"),
        ("busy_poll_interval", "nan", "90s, 5m or 1h"),
        ("deep_resync_interval", "1h30m", "90s, 5m or 1h"),
        ("create_settle_seconds", "124.9", "at least 125 seconds with hosted NVCF"),
        ("create_settle_per_specification_seconds", "94.9", "at least 95 seconds with hosted NVCF"),
        ("redeploy_settle_seconds", "59", "at least 60 seconds with hosted NVCF"),
        ("register_settle_seconds", "119", "otherwise it registers twice"),
        ("workers", "1", "a whole number from 2 to 1000"),
        ("workers", "many", "a whole number from 2 to 1000"),
        ("nvcf_rate", "0", "a number above 0"),
        ("nvcf_rate", "nan", "a number above 0"),
        ("nvcf_concurrency", "1.5", "a whole number from 1 to 1000"),
        ("leader_election", "maybe", "true or false"),
        ("metrics_address", "8080", "host:port"),
        ("metrics_address", "::1:8080", "host:port"),
        ("metrics_address", "h:65536", "host:port"),
        ("log_format", "xml", "json or text"),
        ("log_level", "loud", "debug, info, warning or error"),
    ],
)
def test_a_mistake_names_flag_variable_and_what_is_allowed(name: str, text: str, said: str) -> None:
    [line] = complaints(**{name: text})
    assert line.startswith(f"{settings.flag(name)} ({settings.variable(name)}): ")
    assert said in line
    assert "\n" not in line


def test_all_mistakes_are_reported_at_once_each_in_a_line() -> None:
    lines = complaints(
        namespaces="ok,Bad,also_bad",
        api_key_namespaces="team-a",
        create_settle_seconds="1",
        redeploy_settle_seconds="1",
        workers="x",
        metrics_address="x",
        log_level="x",
        leader_election="maybe",
        poll_intervall="3",
    )
    reported = [line.partition(" ")[0] for line in lines]
    assert reported == [
        "--api-key-namespaces",
        "--namespaces",
        "--namespaces",
        "--create-settle-seconds",
        "--redeploy-settle-seconds",
        "--workers",
        "--leader-election",
        "--metrics-address",
        "--log-level",
        "--poll-intervall",
    ]
    assert "item 2" in lines[1]
    assert "item 3" in lines[2]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
@pytest.mark.parametrize("key", ["nvapi-test-hunter2", "Bearer hunter2", "eyJhunter2.eyJhunter2.hunter2"])
def test_a_key_given_in_the_wrong_place_is_not_shown(name: str, key: str) -> None:
    reported = []
    try:
        make(**{name: key})
    except ValidationError as error:
        reported = [str(error), *settings.validation_errors(error)]
    assert "hunter2" not in "\n".join(reported)


def test_an_opaque_key_given_as_its_file_is_not_shown() -> None:
    assert "hunter2" not in complaints(api_key_file="hunter2")[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_key_file_that_may_not_be_read_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("nvapi-test")
    file.chmod(stat.S_IWUSR)
    assert "may not read it" in complaints(api_key_file=str(file))[0]


def test_the_operators_key_can_be_opened_to_namespaces(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("nvapi-test\n")
    chosen = Settings(api_key_file=str(file), api_key_namespaces=["team-a,team-b", "*"])
    assert (chosen.api_key_file, chosen.api_key_namespaces) == (file, ("team-a", "team-b", "*"))


@pytest.mark.parametrize(
    ("given", "allowed", "reason"),
    [
        ({"nvcf_base_url": SELF_MANAGED}, True, "self-managed NVCF answers by its own clock"),
        ({"nvcf_base_url": "https://api.ngc.nvidia.com/v2/nvcf"}, False, "the NGC gateway is hosted NVCF"),
        ({"nvcf_base_url": "https://stg.nvcf.NVIDIA.com./v2"}, False, "any host below nvidia.com is"),
        ({"nvcf_base_url": "https://nvidia.com.example.org/v2"}, True, "another domain is not"),
        ({"nvcf_base_url": "https://notnvidia.com/v2"}, True, "another domain is not"),
        ({"nvcf_base_url": SELF_MANAGED, "allowed_base_urls": urls.HOSTED}, False, "a Secret may name hosted NVCF"),
    ],
)
def test_short_settle_times_are_for_self_managed_nvcf_only(given: dict[str, Any], allowed: bool, reason: str) -> None:
    least: dict[str, Any] = {
        "create_settle_seconds": 125,
        "create_settle_per_specification_seconds": 95,
        "redeploy_settle_seconds": 60,
        "register_settle_seconds": 120,
    }
    short: dict[str, Any] = dict.fromkeys(least, 1)
    if allowed:
        assert Settings(**given, **short).create_settle_seconds == 1, reason
    else:
        assert len(complaints(**given, **short)) == len(least), reason
        assert Settings(**given, **least), "the least itself is allowed"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", None),
        (":8080", ("", 8080)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("localhost:9", ("localhost", 9)),
        ("[::1]:8080", ("::1", 8080)),
    ],
)
def test_an_address_is_read_as_users_write_it(value: str, expected: tuple[str, int] | None) -> None:
    assert settings.address(value) == expected


def test_hosts_are_distinguished_by_whole_labels() -> None:
    assert is_hosted("https://api.nvcf.nvidia.com/v2/nvcf")
    assert not is_hosted("https://evilnvidia.com/v2/nvcf")


def test_misspelt_variables_are_named_and_service_links_are_not() -> None:
    links = [
        "NVCF_OPERATOR_PORT",
        "NVCF_OPERATOR_SERVICE_HOST",
        "NVCF_OPERATOR_SERVICE_PORT_METRICS",
        "NVCF_OPERATOR_PORT_8080_TCP_ADDR",
        "NVCF_OPERATOR_METRICS_PORT_8080_TCP",
        "NVCF_OPERATOR_METRICS_SERVICE_PORT",
    ]
    good = [settings.variable(name) for name in Settings.model_fields]
    found = list(settings.unknown_variables([*links, *good, "PATH", "NVCF_OPERATOR_WORKER", "NVCF_OPERATOR_COLOUR"]))
    assert found == [
        "the variable NVCF_OPERATOR_COLOUR is not a setting",
        "the variable NVCF_OPERATOR_WORKER is not a setting; did you mean NVCF_OPERATOR_WORKERS?",
    ]


def test_no_setting_is_taken_for_a_service_link() -> None:
    assert all(not SERVICE_LINK.fullmatch(name.upper()) for name in Settings.model_fields)


def test_settings_stay_as_they_were_checked() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().workers = 3  # type: ignore[misc]


def test_the_documentation_is_what_the_settings_say() -> None:
    written = (ROOT / "docs" / "settings.md").read_text()
    assert written == settings_markdown(), "run: make generate"
