"""Log lines: whose they are, one object or one line each, and no key in any of them."""

import asyncio
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from nvcf_operator import logs
from nvcf_operator.logs import Redactor

log = logging.getLogger("test.logs")


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give logging back as it was, to pytest and to other tests."""
    root = logging.getLogger()
    names = (*logs.QUIET, *logs.MUTE)
    before = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in names}
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(logs, "_redactor", Redactor())
    yield
    logging.captureWarnings(False)
    root.handlers[:], level, levels = before
    root.setLevel(level)
    for name, value in levels.items():
        logging.getLogger(name).setLevel(value)


class Console:
    """Standard error of a test, once logging was set to write there."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def log_as(self, form: str) -> None:
        logs.configure(form, "info")

    def lines(self) -> list[str]:
        return self._capsys.readouterr().err.splitlines()

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return Console(capsys)


def fail(text: str) -> None:
    raise RuntimeError(text)


def test_a_json_line_says_when_how_grave_where_and_what(console: Console) -> None:
    console.log_as("json")
    log.warning("%d of %s", 3, "five")
    [entry] = console.entries()
    moment = datetime.fromisoformat(entry.pop("time"))
    assert moment.utcoffset() is not None
    assert abs((datetime.now(moment.tzinfo) - moment).total_seconds()) < 60
    assert entry == {"level": "warning", "logger": "test.logs", "message": "3 of five"}


def test_the_time_is_utc_with_milliseconds(console: Console) -> None:
    console.log_as("text")
    record = logging.makeLogRecord({"created": 0.25, "msg": "x", "levelname": "INFO"})
    assert logs.TextFormatter().format(record) == "1970-01-01T00:00:00.250Z INFO    x"


def test_bound_fields_are_on_every_line_inside_and_on_none_outside(console: Console) -> None:
    console.log_as("json")
    with logs.bind(namespace="a", name="b"):
        with logs.bind(name="c", function="f", version=None):
            log.info("inner")
        log.info("outer")
    log.info("outside")
    fields = [
        {k: v for k, v in e.items() if k not in ("time", "level", "logger", "message")} for e in console.entries()
    ]
    assert fields == [{"namespace": "a", "name": "c", "function": "f"}, {"namespace": "a", "name": "b"}, {}]


async def test_each_task_has_its_own_fields(console: Console) -> None:
    console.log_as("json")

    async def work(name: str) -> None:
        with logs.bind(name=name):
            await asyncio.sleep(0)
            log.info(name)

    await asyncio.gather(work("a"), work("b"))
    assert [(entry["name"], entry["message"]) for entry in console.entries()] == [("a", "a"), ("b", "b")]


def test_fields_are_unbound_when_the_body_fails(console: Console) -> None:
    console.log_as("json")
    with pytest.raises(RuntimeError), logs.bind(name="b"):
        fail("x")
    log.info("after")
    assert "name" not in console.entries()[0]


def test_a_text_line_names_the_resource(console: Console) -> None:
    console.log_as("text")
    with logs.bind(namespace="a", name="b", reconcile="1234"):
        log.info("hello")
    assert console.lines()[0].endswith("INFO    a/b hello")


def test_a_text_line_names_the_kind_where_it_is_bound(console: Console) -> None:
    console.log_as("text")
    with logs.bind(namespace="a", name="b", kind="CloudFunction"):
        log.info("hello")
    assert console.lines()[0].endswith("INFO    CloudFunction a/b hello")


def test_what_others_say_begins_no_line_of_its_own(console: Console) -> None:
    console.log_as("text")
    log.info("said: %s", "x\n2026-01-01T00:00:00.000Z ERROR forged\x1b[2J\u2028y")
    [line] = console.lines()
    assert line.endswith(r"said: x\n2026-01-01T00:00:00.000Z ERROR forged\x1b[2J\u2028y")


def test_a_traceback_follows_its_line(console: Console) -> None:
    for form in ("text", "json"):
        console.log_as(form)
        try:
            fail("because")
        except RuntimeError:
            log.exception("it failed")
    *text, last = console.lines()
    assert text[0].endswith("it failed")
    assert all(line.startswith("  ") for line in text[1:])
    assert text[-1] == "  RuntimeError: because"
    assert json.loads(last)["exception"].endswith("RuntimeError: because")


KEYS = ["nvapi-test-hunter2", "hunter2-opaque", 'quo"te\\hunter2', "eyJhunter2.eyJhunter2.hunter2"]


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("key", KEYS)
def test_a_registered_key_is_in_no_line(form: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(form, "debug")
    logs.redact(key)
    with logs.bind(namespace=key, name=f"n{key}"):
        log.info(key)
        log.info("%r and %s", {"authorization": f"Bearer {key}"}, key)
        try:
            fail(f"refused {key}!")
        except RuntimeError:
            log.exception("with %s", key, stack_info=True)
    shown = capsys.readouterr().err
    assert shown.count("[key]") >= 5
    assert "opaque" not in shown
    if key != KEYS[2]:  # a repr spells its quote and backslash in another way
        assert "hunter2" not in shown.replace('fail(f"refused {key}!")', "")


@pytest.mark.parametrize(
    "text", ["nvapi-test-hunter2", "Authorization: Bearer hunter2", "x eyJhunter2.hunter2.hunter2"]
)
def test_what_looks_like_a_key_is_in_no_line_though_nobody_registered_it(text: str, console: Console) -> None:
    console.log_as("json")
    log.info("%s", text)
    assert "hunter2" not in console.entries()[0]["message"]


def test_a_token_at_the_end_of_a_message_leaves_the_object_whole(console: Console) -> None:
    console.log_as("json")
    log.info("Bearer hunter2")
    assert console.entries()[0]["message"] == "[key]"


def test_a_line_whose_arguments_do_not_fit_is_reported_without_them(console: Console) -> None:
    console.log_as("text")
    log.info("%d things of %s", "hunter2")
    [line] = console.lines()
    assert "%d things of %s (the arguments of this log line do not fit it)" in line
    assert "hunter2" not in line


def test_a_stream_that_is_gone_stops_nothing_and_reports_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Gone:
        def write(self, _: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Gone())
        logs.configure("json", "info")
    log.info("hunter2")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("level", "logger", "at", "shown", "reason"),
    [
        ("info", "nvcf_operator.x", logging.INFO, True, "our own lines"),
        ("info", "nvcf_operator.x", logging.DEBUG, False, "below the level"),
        ("error", "nvcf_operator.x", logging.WARNING, False, "below the level"),
        ("info", "kopf.objects", logging.INFO, False, "kopf speaks of each event"),
        ("info", "kopf._core.engines", logging.WARNING, True, "kopf's failure is ours"),
        ("debug", "kopf.objects", logging.DEBUG, True, "who debugs wants all"),
        ("error", "kopf.objects", logging.WARNING, True, "known: the level of quiet loggers is WARNING"),
        ("debug", "httpx", logging.INFO, False, "it logs URLs"),
        ("debug", "httpcore.http11", logging.DEBUG, False, "it logs headers"),
        ("debug", "kubernetes.aio.client.rest", logging.DEBUG, False, "it logs answers, Secrets among them"),
        ("info", "httpx", logging.WARNING, True, "trouble"),
    ],
)
def test_loggers_are_heard_as_far_as_they_help(
    level: str, logger: str, at: int, shown: bool, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", level)
    logging.getLogger(logger).log(at, "a line")
    assert ("a line" in capsys.readouterr().err) is shown, reason


def test_configuring_twice_says_each_line_once(console: Console) -> None:
    console.log_as("json")
    logs.configure("json", "info")
    log.info("once")
    assert len(console.entries()) == 1


@pytest.mark.filterwarnings("default")
def test_warnings_are_log_lines(console: Console) -> None:
    console.log_as("json")
    warnings.warn("odd", UserWarning, stacklevel=1)
    [entry] = console.entries()
    assert (entry["level"], entry["logger"]) == ("warning", "py.warnings")
    assert "odd" in entry["message"]


def test_the_last_words_of_a_crash_are_a_log_line(console: Console) -> None:
    console.log_as("json")
    logs.redact("hunter2-opaque")
    try:
        fail("hunter2-opaque")
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    [entry] = console.entries()
    assert (entry["level"], entry["message"]) == ("critical", "the operator crashed")
    assert entry["exception"].endswith("RuntimeError: [key]")
