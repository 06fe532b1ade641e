"""Log lines: JSON or text, with the resource that they are about, and without keys."""

import contextlib
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Final

from nvcf_client import keys

SHORTEST: Final = keys.SHORTEST
"""Secrets of fewer characters are not looked for."""

MARK: Final = "[key]"


class Redactor:
    """Takes registered secrets, and whatever looks like a key, out of texts.

    Only spellings are looked for whose last `SHORTEST` characters are in the text: keys begin alike, so that their ends
    distinguish more. Where there are more ends than a text has characters, the text is cut into all its windows of that
    length instead of being searched for each.

    Args:
        most: secrets that are looked for; beyond that those that were registered longest ago are not.

    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._secrets: dict[str, None] = {}
        self._by_end: dict[str, set[str]] = {}

    def add(self, secret: str) -> None:
        """Look for this secret from now on, as it is, as URLs and as the data of a Secret hold it."""
        if secret in self._secrets or len(secret) < SHORTEST:
            return
        if len(self._secrets) >= self._most:
            self._remove(next(iter(self._secrets)))
        self._secrets[secret] = None
        for spelling in keys.spellings(secret):
            self._by_end.setdefault(spelling[-SHORTEST:], set()).add(spelling)

    def clean(self, text: str) -> str:
        """The text without keys."""
        if self._by_end:
            ends: Iterable[str] = tuple(self._by_end)  # keys come while another thread logs
            if len(self._by_end) > len(text):
                ends = {text[i : i + SHORTEST] for i in range(len(text) - SHORTEST + 1)} & self._by_end.keys()
            found = [spelling for end in ends if end in text for spelling in self._by_end[end]]
            for spelling in sorted(found, key=len, reverse=True):  # one may be a part of another
                text = text.replace(spelling, MARK)
        return keys.redacted(text)

    def _remove(self, secret: str) -> None:
        del self._secrets[secret]
        for spelling in keys.spellings(secret):
            end = spelling[-SHORTEST:]
            self._by_end[end].discard(spelling)
            if not self._by_end[end]:
                del self._by_end[end]


QUIET = ("kopf", "asyncio", "aiohttp")
"""Loggers whose lines below WARNING help only in debugging."""

MUTE = ("httpx", "httpcore", "kubernetes")
"""Loggers that are kept at WARNING always: below it they log URLs, and whole answers with Secrets in them."""

_NOTHING: Mapping[str, str] = MappingProxyType({})
_bound: ContextVar[Mapping[str, str]] = ContextVar("bound", default=_NOTHING)
_redactor = Redactor()

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_ESCAPES_BUT_LINES = {code: text for code, text in _ESCAPES.items() if code != ord("\n")}


@contextlib.contextmanager
def bind(**fields: str | None) -> Iterator[None]:
    """Add fields to every line that is logged inside, also in what is awaited there. None leaves a field out."""
    token = _bound.set({**_bound.get(), **{name: text for name, text in fields.items() if text is not None}})
    try:
        yield
    finally:
        _bound.reset(token)


def redact(secret: str) -> None:
    """Never write this text to a log line. Cheap for a known one."""
    _redactor.add(secret)


def clean(text: str) -> str:
    """The text without keys: the registered ones, and whatever looks like one."""
    return _redactor.clean(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, the bound fields, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        # Cleaned before it is quoted: a key with a quote in it looks different afterwards.
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": clean(_message(record)),
            **{name: clean(text) for name, text in _bound.get().items()},
        }
        if exception := _exception(self, record):
            entry["exception"] = clean(exception)
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """One line for reading; a traceback follows it, indented. Foreign text cannot begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        bound = _bound.get()
        kind = f" {bound['kind']}" if "kind" in bound else ""
        place = f"{kind} {bound['namespace']}/{bound['name']}" if "namespace" in bound and "name" in bound else ""
        line = f"{_time(record)} {record.levelname:7}{place} {_message(record)}".translate(_ESCAPES)
        if exception := _exception(self, record):
            line += "\n  " + exception.translate(_ESCAPES_BUT_LINES).replace("\n", "\n  ")
        return clean(line)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # no subscript at run time in Python 3.11
    """Writes lines, and says nothing if it cannot: the standard error report prints a record's raw arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name is logging's
        """Drop the line."""


def configure(log_format: str, log_level: str) -> None:
    """Send all log lines, warnings and the exception of a crash to standard error, from that level on.

    Args:
        log_format: `json` or `text`.
        log_level: `debug`, `info`, `warning` or `error`.

    """
    handler = _Handler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(log_level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET if log_level == "debug" else logging.WARNING)
    for name in MUTE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _last_words


def _last_words(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("nvcf_operator").critical("the operator crashed", exc_info=(kind, error, traceback))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} (the arguments of this log line do not fit it)"


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
    parts += [formatter.formatStack(record.stack_info)] if record.stack_info else []
    return "\n".join(parts)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
