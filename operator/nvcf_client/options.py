"""The options of a client, checked: where NVCF is, with which key, and how to speak to it."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, EnumMeta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from nvcf_client import keys, urls
from nvcf_client.errors import NotAvailable
from nvcf_client.requests import Request

DISTRIBUTION = "nvcf-operator"
"""The name under which the client is installed, and by which it identifies itself."""

_OWN_HEADERS = frozenset(
    {"accept", "authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How to reach one NVCF account. The key is not part of the repr.

    Attributes:
        base_url: base URL with its prefix, normalised.
        api_key: the key, one line of visible ASCII; None where each call brings its own.
        host_header: value of the Host header, where a gateway needs another than the URL's host.
        ca_file: file of PEM certificates to trust in place of the usual ones.
        timeout: seconds for each call in all; None for each call's own: 30, to create a function or a version 120, and
            to create a deployment 40, with 30 more for each further specification that asks for instances.
        max_connections: most connections, and so most calls, at a time.
        user_agent: how the client calls itself.
        headers: more headers for every call, such as `nv-ngc-org`.
        trust_env: take proxies and CA bundles from the usual variables of the environment.
        propagate: gives more headers for each call, right before it is made, such as `traceparent`.

    """

    base_url: str
    api_key: str | None = field(repr=False)
    host_header: str | None = None
    ca_file: str | None = None
    timeout: float | None = None
    max_connections: int = 10
    user_agent: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    trust_env: bool = True
    propagate: Callable[[], Mapping[str, str]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", urls.normalised(self.base_url))
        if self.api_key is not None:
            object.__setattr__(self, "api_key", keys.checked(self.api_key))
        if self.timeout is not None and not 0 < self.timeout < float("inf"):
            raise ValueError(f"timeout must be a positive number of seconds, not {self.timeout}")
        if self.max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {self.max_connections}")
        for name, value in self.all_headers.items():
            if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError(f"the header {name!r} cannot be sent: it must be one line of printable ASCII")
        own = sorted(_OWN_HEADERS.intersection(name.lower() for name in self.headers or ()))
        if own:
            raise ValueError(f"headers must not set {', '.join(own)}; the client does (see api_key and host_header)")

    def url_of(self, request: Request[Any]) -> str:
        """Where a request goes.

        Raises:
            NotAvailable: the call does not exist at this base URL.

        """
        if request.catalogue is None:
            return self.base_url + request.path
        root = urls.catalogue_of(self.base_url, request.catalogue)
        if root is None:
            raise NotAvailable(
                operation=request.operation,
                method=request.method,
                path=request.path,
                detail=f"only NGC's URL of an organisation (…/v2/orgs/NAME/nvcf) has it, not {self.base_url}",
            )
        return root + request.path

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers of every call. They hold the key."""
        headers = dict(self.headers or {})
        headers["Accept"] = "application/json"
        headers["User-Agent"] = self.user_agent or default_user_agent()
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        if self.host_header:
            headers["Host"] = self.host_header
        return headers


class _Environments(EnumMeta):
    """Says what takes the place of an environment that is not offered."""

    if not TYPE_CHECKING:

        def __getattr__(cls, name):
            if name == "MOCK_SERVER":
                raise AttributeError(
                    "Environment.MOCK_SERVER is not offered, since it belongs to the maker of another SDK: run "
                    "nvcf-simulator, and give its address as base_url"
                )
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")


class Environment(Enum, metaclass=_Environments):
    """Where NVCF is; `base_url` comes before it."""

    PRODUCTION = "https://api.nvcf.nvidia.com"
    """NVIDIA's hosted NVCF."""


NO_KEY = (
    "no NVCF API key: give api_key, or set the variable NGC_API_KEY (or send a header Authorization with httpx_client, "
    "or with request_options)"
)


def from_environment(api_key: str | None, base_url: str | None) -> tuple[str | None, str]:
    """Key and base URL, from `NGC_API_KEY` and `NVCF_BASE_URL` where they are not given; the key may be missing.

    Raises:
        ValueError: the key that is given is empty.

    """
    if api_key == "":
        raise ValueError(NO_KEY)
    key = api_key if api_key is not None else os.environ.get("NGC_API_KEY") or None
    return key, base_url or os.environ.get("NVCF_BASE_URL") or urls.HOSTED


@cache
def installed_version() -> str | None:
    """The version of the installed distribution; None if it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return None


def default_user_agent() -> str:
    """`nvcf-operator/<version>`."""
    found = installed_version()
    return DISTRIBUTION if found is None else f"{DISTRIBUTION}/{found}"
