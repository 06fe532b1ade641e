"""The way to an NVCF server: through which proxy, and trusting whom. Found out before the first call."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from nvcf_client.http.certificates import Trust, TrustProblem, trust
from nvcf_client.http.proxies import Proxy, ProxyProblem, proxy_for


@dataclass(frozen=True, slots=True)
class Route:
    """How a server is reached.

    Attributes:
        proxy: the proxy to go through; None to go straight.
        trust: whose certificates are trusted.
        host: the name or address that is connected to.
        port: its port.

    """

    proxy: Proxy | None
    trust: Trust
    host: str
    port: int

    @property
    def resolves(self) -> bool:
        """Whether a name has to be resolved on the way."""
        return _is_name(self.host)


@lru_cache(maxsize=16)
def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def route_to(base_url: str, ca_file: str | None, *, trust_env: bool) -> Route:
    """The way to a server, by the environment unless `trust_env` is False.

    Raises:
        ProxyProblem, TrustProblem: a file or a variable on the way cannot be used; the text says which, and no secret.

    """
    proxy = proxy_for(base_url) if trust_env else None
    first = urlsplit(proxy.url if proxy is not None else base_url)
    port = first.port or (443 if first.scheme == "https" else 80)
    return Route(proxy, trust(ca_file, trust_env=trust_env), first.hostname or "", port)


def obstacles(base_urls: Iterable[str], ca_file: str | None) -> list[str]:
    """What keeps any of these servers from being asked at all, a line each; empty when nothing does."""
    found: dict[str, None] = {}
    for base_url in base_urls:
        try:
            route_to(base_url, ca_file, trust_env=True)
        except (ProxyProblem, TrustProblem) as error:
            found[str(error)] = None
    return list(found)
