"""Which proxy the environment asks for, read as curl and kubectl do.

The HTTP libraries' own `trust_env` does not do: httpx knows no networks in `NO_PROXY` and fails over IPv6 in it,
aiohttp asks for the variables and for `~/.netrc` again at every request, and both quote parts of a password when a
proxy's URL cannot be read.
"""

import ipaddress
import os
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import getproxies_environment

# typeshed does not have it
from urllib.request import proxy_bypass_environment as is_named  # type: ignore[attr-defined]

_SEPARATORS = re.compile(r"[,\s]+")
_PORTS = {"http": 80, "https": 443}


class ProxyProblem(ValueError):  # noqa: N818  the name says what happened
    """A proxy that was asked for cannot be used. The text names the variable, and shows nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy to go through.

    Attributes:
        url: its URL, with user name and password.
        shown: its URL for messages, without them.
        source: the variable that names it.

    """

    url: str = field(repr=False)
    shown: str
    source: str

    def __str__(self) -> str:
        return f"the proxy {self.shown} of {self.source}"


def proxy_for(url: str, *, all_proxy: bool = True) -> Proxy | None:
    """The proxy for a server, by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; None to go straight.

    Loopback addresses are never reached through a proxy. `NO_PROXY` takes names (with all names below them), names and
    addresses with a port, addresses, networks like `10.0.0.0/8` and `fd00::/8`, and `*`.

    Args:
        url: the server's.
        all_proxy: whether `ALL_PROXY` counts; kubectl does not know it.

    Raises:
        ProxyProblem: the variable holds no proxy that can be used.

    """
    server, proxies = urlsplit(url), getproxies_environment()
    scheme = server.scheme if proxies.get(server.scheme) or not all_proxy else "all"
    value = proxies.get(scheme, "").strip()
    if not value or _goes_straight(server, proxies.get("no", "")):
        return None
    return usable(value, _variable(f"{scheme}_proxy"))


def usable(value: str, source: str) -> Proxy:
    """Read a proxy's URL; without a scheme it is an http one.

    Raises:
        ProxyProblem: it cannot be used.

    """
    text = value.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _unreadable(source) from None
    if parts.scheme.startswith("socks"):
        raise ProxyProblem(
            f"{source} names a SOCKS proxy, which is not supported. Use an HTTP proxy, or add the host to NO_PROXY"
        )
    if not text.isprintable() or " " in text or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise _unreadable(source)
    if parts.scheme not in _PORTS or not host:
        raise _unreadable(source)
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port is not None else ""
    return Proxy(f"{parts.scheme}://{_signed(parts)}{place}", f"{parts.scheme}://{place}", source)


def _signed(parts: SplitResult) -> str:
    """User name and password, quoted again, since users leave unquoted what others want quoted."""
    if parts.username is None:
        return ""
    password = "" if parts.password is None else f":{quote(unquote(parts.password), safe='')}"
    return f"{quote(unquote(parts.username), safe='')}{password}@"


def _goes_straight(server: SplitResult, no_proxy: str) -> bool:
    host, port = server.hostname or "", server.port or _PORTS.get(server.scheme)
    entries = [entry.removeprefix("*.") for entry in _SEPARATORS.split(no_proxy) if entry]
    if host == "localhost" or "*" in entries:
        return True
    if is_named(f"{host}:{port}", {"no": ",".join(entries)}):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(_holds(entry, address, port) for entry in entries)


def _holds(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int | None) -> bool:
    """Whether an entry of `NO_PROXY` is that address, in brackets or not, or a network with it."""
    if entry.startswith("["):
        entry, _, rest = entry[1:].partition("]")
        if rest and rest != f":{port}":
            return False
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False  # a name, which the standard library has compared


def _variable(name: str) -> str:
    """The variable that counts: lower case goes before upper case."""
    spelt = [variable for variable in os.environ if variable.lower() == name]
    return "the variable " + (name if name in spelt or not spelt else spelt[0])


def _unreadable(source: str) -> ProxyProblem:
    return ProxyProblem(
        f"{source} is not a proxy URL like http://host:port. Special characters in user name and password must be "
        "percent-encoded: # is %23, / is %2F, ? is %3F"
    )
