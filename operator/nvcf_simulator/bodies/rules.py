"""Rules of single fields of a function version: URIs, tags, rate limit, health and secrets."""

import json
import re
from typing import Any

from nvcf_simulator.bodies.reader import Reader, unreadable
from nvcf_simulator.model.clock import write_duration

Details = dict[str, Any]

HEALTH_PATH, HEALTH_PORT = "/v2/health/ready", 8000
_TAG = re.compile(r"[a-zA-Z0-9\-_:=]+")
_MOST_TAGS, _LONGEST_TAG = 64, 128
_RATE_TEXT = r"^(?!.*-([SMHD]).*-\1)[1-9]\d*-[SMHD](,\s*[1-9]\d*-[SMHD])*$"
_RATE = re.compile(_RATE_TEXT.strip("^$"), re.ASCII)
_MOST_ACCOUNTS = 32
_SECRET_NAME = re.compile(r"[a-z0-9A-Z][a-z0-9A-Z_.\-]*")
_LONGEST_SECRET_NAME, _LONGEST_SECRET = 48, 32768
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_NOT_IN_URIS = re.compile(r'[\s\x00-\x1f\x7f"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})')


def read_uri(reader: Reader, field: str) -> str | None:
    """Read a URI; outer blanks are ignored."""
    text = reader.text(field)
    if text is None:
        return None
    text = text.strip()
    start = re.split(r"[/?#]", text, maxsplit=1)[0]
    scheme, colon, _ = start.partition(":")
    if _NOT_IN_URIS.search(text) or (colon and not _SCHEME.fullmatch(scheme)):
        raise unreadable(reader.at(field), "a URI was expected")
    return text


def read_tags(reader: Reader) -> list[str] | None:
    """Read the set of tags; None if it was not sent."""
    items = reader.items("tags")
    if items is None:
        return None
    if any(isinstance(item, list | dict) for item in items):
        raise unreadable(reader.at("tags"), "texts were expected")
    tags = list(
        dict.fromkeys(item if isinstance(item, str) else json.dumps(item) for item in items if item is not None)
    )
    if len(tags) > _MOST_TAGS:
        reader.complain("tags", "[...]", f"Maximum number of tags of {_MOST_TAGS} is exceeded.")
    for tag in tags:
        if len(tag) > _LONGEST_TAG:
            reader.complain("tags[]", tag, f"Maximum tag length of {_LONGEST_TAG} is exceeded.")
        if not _TAG.fullmatch(tag):
            reader.complain("tags[]", tag, f'must match "{_TAG.pattern}"')
    return tags


def read_rate_limit(parent: Reader) -> Details | None:
    """Read a rate limit without its nulls; None if it was not sent."""
    reader = parent.nested("rateLimit")
    if reader is None:
        return None
    rates = reader.mapping("perNcaIdRate")
    exempted = reader.items("exemptedNcaIds")
    if exempted is not None:
        exempted = list(dict.fromkeys(str(item) for item in exempted))
    limit: Details = {
        "rateLimit": _rate(reader, "rateLimit"),
        "exemptedNcaIds": exempted,
        "perNcaIdRate": rates,
        "syncCheck": _flag(reader, "syncCheck"),
        "perUserRate": _rate(reader, "perUserRate"),
    }
    for account, rate in (rates or {}).items():
        if not isinstance(rate, str) or not _RATE.fullmatch(rate):
            reader.complain(f"perNcaIdRate[{account}]", rate, f"Invalid rate limit: Must conform to regex {_RATE_TEXT}")
    for field, items in (("exemptedNcaIds", exempted), ("perNcaIdRate", rates)):
        if items is not None and len(items) > _MOST_ACCOUNTS:
            reader.complain(field, "[...]", f"Maximum number of {_MOST_ACCOUNTS} is exceeded")
    empty = limit["rateLimit"] is None and rates is None and limit["perUserRate"] is None
    if empty or (exempted and limit["rateLimit"] is None) or set(rates or ()) & set(exempted or ()):
        parent.complain(
            "rateLimit",
            "RateLimitDto",
            "Either global rateLimit, perNcaIdRate, or perUserRate must be non-null, per-ncaid rates ncaids cannot be "
            "in exemptedNcaIds, and exemptedNcaIds can only exist when global rateLimit is provided",
        )
    return {field: value for field, value in limit.items() if value is not None}


def _rate(reader: Reader, field: str) -> str | None:
    rate = reader.text(field)
    if rate is not None and not _RATE.fullmatch(rate):
        reader.complain(field, rate, f"Invalid rate: Must conform to regex {_RATE_TEXT}")
    return rate


def _flag(reader: Reader, field: str) -> bool | None:
    value = reader.raw(field)
    if value is not None and not isinstance(value, bool):
        raise unreadable(reader.at(field), "true or false was expected")
    return value


def read_health(parent: Reader, inference_url: str | None) -> Details:
    """Read the health check, which must be whole, or fill it in."""
    old_uri = read_uri(parent, "healthUri")
    reader = parent.nested("health")
    if reader is None:
        return {
            "protocol": "gRPC" if inference_url == "/grpc" else "HTTP",
            "uri": old_uri if old_uri is not None else HEALTH_PATH,
            "port": _or(parent.integer("inferencePort"), HEALTH_PORT),
            "timeout": "PT10S",
            "expectedStatusCode": 200,
        }
    reader.needed("protocol", "uri", "port", "timeout", "expectedStatusCode")
    timeout = reader.duration("timeout")
    health = {
        "protocol": reader.choice("protocol", ("HTTP", "gRPC")),
        "uri": read_uri(reader, "uri"),
        "port": reader.integer("port"),
        "timeout": None if timeout is None else write_duration(timeout),
        "expectedStatusCode": reader.integer("expectedStatusCode"),
    }
    for field, value in health.items():
        if value is None:
            raise unreadable(reader.at(field), "a value was expected")
    if isinstance(health["port"], int) and health["port"] <= 0:
        reader.complain("port", health["port"], "must be greater than 0")
    return health


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def read_secrets(parent: Reader) -> list[tuple[str, Any]] | None:
    """Read names and values of secrets; the same name with the same value counts once. None if they were not sent."""
    items = parent.nested_items("secrets")
    if items is None:
        return None
    found: dict[tuple[str, str], tuple[str, Any]] = {}
    for reader in (item for item in items if item is not None):
        reader.needed("name")
        if not reader.sent("value"):
            raise unreadable(reader.at("value"), "a value was expected")
        name, value = reader.text("name") or "", reader.raw("value")
        if not name.strip():
            parent.complain("secrets[].name", name, "must not be blank")
        if not _SECRET_NAME.fullmatch(name):
            pattern = f"^{_SECRET_NAME.pattern}$"
            parent.complain("secrets[].name", name, f"Invalid secret name: Must conform to regex {pattern}")
        if len(name) > _LONGEST_SECRET_NAME:
            parent.complain("secrets[].name", name, "Invalid secret name: must be 1 - 48 chars long")
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        if not 1 <= len(text.strip()) <= _LONGEST_SECRET:
            parent.complain("secrets[].value", text, "Invalid secret value specified")
        found.setdefault((name, json.dumps(value, sort_keys=True)), (name, value))
    return list(found.values())
