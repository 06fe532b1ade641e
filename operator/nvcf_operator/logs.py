"""Log lines: JSON or text, with the resource that they are about, and without keys."""

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime

from nvcf_operator.nvcf import keys

_bound: ContextVar[dict[str, str] | None] = ContextVar("bound", default=None)
_secrets: set[str] = set()

QUIET = ("httpx", "httpcore", "kopf.objects", "kopf.activities", "kopf._core", "aiohttp.access", "asyncio")
"""Loggers of libraries whose lines below WARNING tell operators nothing, or hold URLs."""


@contextlib.contextmanager
def bind(**fields: str) -> Iterator[None]:
    """Add fields to every line that is logged inside, also in what is awaited there."""
    token = _bound.set({**(_bound.get() or {}), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def redact(secret: str) -> None:
    """Never let this text out in a log line."""
    if len(secret) >= 6:
        _secrets.add(secret)


def clean(text: str) -> str:
    """A line without keys: the registered ones, and whatever looks like one."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, "[key]")
    return keys.redacted(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        entry: dict[str, str] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **(_bound.get() or {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return clean(json.dumps(entry, ensure_ascii=False))


class TextFormatter(logging.Formatter):
    """One line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        bound = _bound.get() or {}
        place = f" {bound['namespace']}/{bound['name']}" if "name" in bound else ""
        line = f"{_time(record)} {record.levelname:7}{place} {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return clean(line)


def configure(log_format: str, log_level: str) -> None:
    """Send all log lines to standard error, in that form and from that level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(log_level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if log_level == "debug" else logging.WARNING)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
