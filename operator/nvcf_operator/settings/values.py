"""The types of settings: how a value is parsed, and what it may be."""

import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from nvcf_client import keys, urls
from nvcf_operator import tracing

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([smh]?)", re.ASCII)
_ADDRESS = re.compile(r"([A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):(\d{1,5})", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_LABEL_RULE = "of lower-case letters, digits and hyphens, 63 at most"
_HOST = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """How a type is described: the placeholder in the help, and what is allowed, to follow `must be`."""

    placeholder: str
    allowed: str


def address(value: str) -> tuple[str, int] | None:
    """Read `host:port`; None for `0`, which turns it off. An empty host is all interfaces, of IPv4 and IPv6."""
    if value == "0":
        return None
    match = _ADDRESS.fullmatch(value)
    if match is None or int(match[2]) > 65535:
        raise ValueError("must be host:port, :port for all interfaces, or 0 to serve nothing")
    return match[1].strip("[]"), int(match[2])


def is_hosted(url: str) -> bool:
    """Whether a base URL is NVIDIA's own service; it is to be normalised."""
    host = urlsplit(url).hostname or ""
    return host == "nvidia.com" or host.endswith(".nvidia.com")


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.replace(" ", ""))
    if match is None:
        raise ValueError(f"must be {_SECONDS.allowed}")
    return float(match[1]) * _UNITS[match[2]]


def _items(value: Any) -> Any:
    """Take apart what commas separate, in each of several texts; the same item counts once."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return value
    return tuple(dict.fromkeys(item.strip() for part in parts for item in str(part).split(",") if item.strip()))


def _base_url(value: str) -> str:
    try:
        url = urls.normalised(value)
    except ValueError as error:
        raise ValueError(keys.redacted(str(error))) from None
    if is_hosted(url) and not url.startswith("https://"):
        raise ValueError(f"the base URL {url!r} would send the key unencrypted; use https://")
    return url


def _catalogue_url(value: str | None) -> str | None:
    if value is None:
        return None
    url = _base_url(value)
    if urls.catalogue_of(url, "v3") is None:
        raise ValueError(f"must be NGC's URL of an organisation, like https://host/v2/orgs/NAME/nvcf, not {url!r}")
    return url


def _namespace(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ValueError(f"must be the name of a namespace, {_LABEL_RULE}")
    return value


def _namespace_or_all(value: str) -> str:
    if value != "*" and not _LABEL.fullmatch(value):
        raise ValueError(f"must be * for all, or the name of a namespace, {_LABEL_RULE}")
    return value


def _host_header(value: str | None) -> str | None:
    if value is not None and not _HOST.fullmatch(value):
        raise ValueError(f"must be {_HOST_HEADER.allowed}")
    return value


def _readable(value: Path | None) -> Path | None:
    # The path is not shown: who mistakes this flag for the key itself would find the key in the log.
    if value is None:
        return None
    if not value.is_file():
        raise ValueError("there is no such file (give the path of a file, not its contents)")
    if not os.access(value, os.R_OK):
        raise ValueError("the file exists, but this process may not read it")
    return value


def _certificates(value: Path | None) -> Path | None:
    if value is not None:
        try:
            ssl.create_default_context(cafile=_readable(value))
        except OSError:
            raise ValueError("the file contains no usable certificates in PEM format") from None
    return value


def _traceable(value: bool) -> bool:
    if value and (problem := tracing.problem()) is not None:
        raise ValueError(problem)
    return value


def _empty_is_none(value: Any) -> Any:
    """Nothing given is nothing set, so that an empty flag takes back what a variable sets."""
    return None if value == "" else value


def _address(value: str) -> str:
    address(value)
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


_SECONDS = Form("DURATION", "a time above 0 like 90, 90s, 5m or 1h")
_HOST_HEADER = Form("HOST", "a host name, optionally with a port")

Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False), _SECONDS]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False), Form("NUMBER", "a number above 0")]
Count = Annotated[int, Field(ge=1, le=1000), Form("COUNT", "a whole number from 1 to 1000")]
Workers = Annotated[int, Field(ge=2, le=1000), Form("COUNT", "a whole number from 2 to 1000")]
BaseUrl = Annotated[str, AfterValidator(_base_url), Form("URL", "an http or https URL with NVCF's prefix as its path")]
CatalogueUrl = Annotated[
    str | None,
    BeforeValidator(_empty_is_none),
    AfterValidator(_catalogue_url),
    Form("URL", "NGC's URL of an organisation, like https://api.ngc.nvidia.com/v2/orgs/NAME/nvcf"),
]
BaseUrls = Annotated[
    tuple[Annotated[str, AfterValidator(_base_url)], ...],
    NoDecode,
    BeforeValidator(_items),
    Form("URL,...", "base URLs, comma separated"),
]
Namespaces = Annotated[
    tuple[Annotated[str, AfterValidator(_namespace)], ...],
    NoDecode,
    BeforeValidator(_items),
    Form("NAME,...", "names of namespaces, comma separated"),
]
NamespacesOrAll = Annotated[
    tuple[Annotated[str, AfterValidator(_namespace_or_all)], ...],
    NoDecode,
    BeforeValidator(_items),
    Form("NAME,...", "names of namespaces, comma separated, or * for all"),
]
HostHeader = Annotated[str | None, BeforeValidator(_empty_is_none), AfterValidator(_host_header), _HOST_HEADER]
KeyFile = Annotated[
    Path | None, BeforeValidator(_empty_is_none), AfterValidator(_readable), Form("FILE", "a readable file")
]
CaFile = Annotated[
    Path | None, BeforeValidator(_empty_is_none), AfterValidator(_certificates), Form("FILE", "a file in PEM format")
]
Switch = Annotated[bool, Form("BOOLEAN", "true or false")]
Tracing = Annotated[bool, AfterValidator(_traceable), Form("BOOLEAN", "true or false")]
Address = Annotated[str, AfterValidator(_address), Form("HOST:PORT", "host:port, :port, or 0")]
LowerCase = BeforeValidator(_lower)
