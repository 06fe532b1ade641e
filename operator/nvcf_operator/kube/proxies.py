"""Which proxy the environment asks for, as kubectl reads it.

aiohttp's own `trust_env` does not do: it asks for proxies and for `~/.netrc` anew, in threads, at every request; and
unlike Go it sends loopback addresses to the proxy and knows no networks in `NO_PROXY`.
"""

import ipaddress
from urllib.request import getproxies, proxy_bypass

from yarl import URL


def proxy_of_environment(server: URL) -> str | None:
    """The proxy for a server, by `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; None to go straight."""
    proxies, host = getproxies(), server.host or ""
    if proxy_bypass(f"{host}:{server.port}") or host == "localhost":
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return proxies.get(server.scheme)
    if address.is_loopback or any(address in network for network in _networks(proxies.get("no", ""))):
        return None
    return proxies.get(server.scheme)


def _networks(no_proxy: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    found = []
    for entry in no_proxy.split(","):
        try:
            found.append(ipaddress.ip_network(entry.strip(), strict=False))
        except ValueError:
            continue  # a name, which the standard library has compared
    return found
