"""The settings of `nvcf-operator run`: each is a flag and a variable, checked at start, all mistakes named at once."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from nvcf_operator.nvcf import urls

PREFIX = "NVCF_OPERATOR_"
LEAST_CREATE_SETTLE = 50.0
"""Seconds that hosted NVCF may take over a POST whose answer was lost."""
LEAST_REDEPLOY_SETTLE = 60.0
"""Seconds: one loop of the server."""

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([smh]?)")


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError("must be a number of seconds, or a number with a unit: 90, 90s, 5m, 1h")
    return float(match[1]) * _UNITS[match[2]]


def _items(value: Any) -> Any:
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return value
    return tuple(item.strip() for part in parts for item in str(part).split(",") if item.strip())


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False)]
Items = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items)]


class Settings(BaseSettings):
    """All settings. The flag of `poll_interval` is `--poll-interval`, its variable `NVCF_OPERATOR_POLL_INTERVAL`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    nvcf_base_url: str = Field(urls.HOSTED, description="Base URL of NVCF, with its prefix.")
    nvcf_host_header: str | None = Field(None, description="Host header for that base URL, where a gateway needs one.")
    nvcf_ca_file: Path | None = Field(None, description="PEM file of certificates to trust in place of the usual ones.")
    api_key_file: Path | None = Field(None, description="File with the operator's own API key; read again on change.")
    api_key_namespaces: Items = Field(
        (), description="Namespaces that may use the operator's own key, comma separated; `*` for all. None by default."
    )
    allowed_base_urls: Items = Field(
        (), description="Base URLs that a Secret's NVCF_BASE_URL may name beside --nvcf-base-url, comma separated."
    )
    namespaces: Items = Field((), description="Namespaces to watch, comma separated; all when empty.")
    poll_interval: Seconds = Field(60.0, description="Time between two polls of an account at rest.")
    busy_poll_interval: Seconds = Field(
        5.0, description="Time between two polls while something deploys or drains; doubled while nothing moves."
    )
    deep_resync_interval: Seconds = Field(
        3600.0, description="Time between two reads of each deployment itself, which find changed specifications."
    )
    create_settle_seconds: Seconds = Field(
        60.0, description="How long 404 must last after a POST whose answer was lost, before it is made again."
    )
    redeploy_settle_seconds: Seconds = Field(
        75.0, description="How long 404 must last before a version that was deployed is deployed again."
    )
    workers: int = Field(32, ge=2, le=1000, description="Resources that are worked on at the same time.")
    nvcf_rate: float = Field(50.0, gt=0, allow_inf_nan=False, description="Calls to NVCF a second, per account.")
    nvcf_concurrency: int = Field(16, ge=1, le=1000, description="Calls to NVCF at the same time, per account.")
    leader_election: bool = Field(False, description="Run several replicas with one leader. Not built yet.")
    metrics_address: str = Field(
        "127.0.0.1:8080",
        description="Address of /metrics, /healthz and /readyz; `:8080` for all interfaces, 0 for none.",
    )
    log_format: Literal["json", "text"] = Field("json", description="Form of the log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @property
    def base_url(self) -> str:
        """The base URL in the one spelling in which base URLs are compared."""
        return self.nvcf_base_url

    @field_validator("nvcf_base_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        return urls.normalised(value)

    @field_validator("allowed_base_urls")
    @classmethod
    def _base_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(urls.normalised(item) for item in value)

    @field_validator("nvcf_ca_file", "api_key_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("metrics_address")
    @classmethod
    def _address(cls, value: str) -> str:
        address(value)
        return value

    @field_validator("leader_election")
    @classmethod
    def _one_replica(cls, value: bool) -> bool:
        if value:
            raise ValueError("leader election is not built yet: run one replica, with --no-leader-election")
        return value

    @model_validator(mode="after")
    def _together(self) -> "Settings":
        wrong = []
        if self.api_key_namespaces and self.api_key_file is None:
            wrong.append("--api-key-namespaces opens the operator's own key, but --api-key-file names none")
        hosted = [url for url in (self.nvcf_base_url, *self.allowed_base_urls) if is_hosted(url)]
        if hosted and self.create_settle_seconds < LEAST_CREATE_SETTLE:
            wrong.append(f"--create-settle-seconds must be at least {LEAST_CREATE_SETTLE:g} with {hosted[0]}")
        if hosted and self.redeploy_settle_seconds < LEAST_REDEPLOY_SETTLE:
            wrong.append(f"--redeploy-settle-seconds must be at least {LEAST_REDEPLOY_SETTLE:g} with {hosted[0]}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def is_hosted(url: str) -> bool:
    """Whether a base URL is NVIDIA's own service."""
    host = urlsplit(url).hostname or ""
    return host == "nvidia.com" or host.endswith(".nvidia.com")


def address(value: str) -> tuple[str, int] | None:
    """Read `host:port`; None for `0`, which turns it off. An empty host means all interfaces."""
    if value == "0":
        return None
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be host:port, :port for all interfaces, or 0 to serve nothing")
    return host.strip("[]") or "0.0.0.0", int(port)


def flag(field: str) -> str:
    """The flag of a field."""
    return "--" + field.replace("_", "-")


def mistakes(error: ValidationError) -> list[str]:
    """All mistakes in settings, a line each, with flag, variable and what is allowed. No value of a key is shown."""
    lines = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        what = item["msg"].removeprefix("Value error, ")
        field = str(item["loc"][0]) if item["loc"] else ""
        lines.append(f"{flag(field)} ({PREFIX}{field.upper()}): {what}" if field else what)
    return lines
