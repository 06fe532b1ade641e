"""Base URLs of NVCF, brought to one spelling so that two of them can be compared."""

import re
from urllib.parse import urlsplit

HOSTED = "https://api.nvcf.nvidia.com/v2/nvcf"
"""NVIDIA's hosted NVCF."""

PREFIX = "/v2/nvcf"
"""The path of NVCF's own API."""

_ORG = re.compile(r".*/orgs/[^/]+/nvcf")
_CATALOGUE = re.compile(r"(?P<root>.*)/v2(?P<org>/orgs/[^/]+)/nvcf")
_TEAM = re.compile(r"(.*/orgs/[^/]+)/teams/[^/]+(/nvcf)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_VISIBLE = re.compile(r"[!-~]*")
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9_~.,;=+$!*'()@:&-]+)*", re.ASCII)


def is_org(url: str) -> bool:
    """Whether a normalised base URL is one of NGC's for an organisation, below which deployments can be listed."""
    return _ORG.fullmatch(url) is not None


def catalogue_of(url: str, version: str) -> str | None:
    """The URL below which NGC has an organisation's catalogue in one version of its API.

    None where a normalised base URL is another one than NGC's for an organisation: there is no catalogue that is known.
    """
    found = _CATALOGUE.fullmatch(url)
    return f"{found['root']}/{version}{found['org']}/ngc/nvcf" if found is not None else None


def completed(url: str, prefix: str) -> str:
    """The base URL, normalised, with this path where it has none.

    Raises:
        ValueError: as for `normalised`.

    """
    plain = normalised(url)
    return f"{plain}{prefix}" if not urlsplit(plain).path else plain


def normalised(url: str) -> str:
    """The base URL as scheme, host, port unless it is the scheme's own, and path without a closing slash.

    Raises:
        ValueError: it is no http or https URL, or has user info, a query, a fragment, an escape, or an empty or dotted
            path segment: what two programs might read differently is refused. So is one of a team, which NGC does not
            serve any more. The text names what is wrong and shows no part that could be a password.

    """
    text = url.strip()
    # Anywhere: a password may hold a slash, so that its end looks like a path.
    if "@" in text:
        raise ValueError("the base URL holds user info (user:password@), or an @; provide the key separately")
    shown = repr(text[:200].partition("?")[0].partition("#")[0])
    if not _VISIBLE.fullmatch(text):
        raise ValueError(f"the base URL {shown} must be visible ASCII characters, without spaces")
    if "?" in text or "#" in text:
        raise ValueError(f"the base URL {shown} must have no query and no fragment")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"the base URL {shown} is not a URL: {error}") from None
    host = (parts.hostname or "").removesuffix(".")
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        raise ValueError(f"the base URL {shown} must look like https://host/v2/nvcf (or http://, or with a port)")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError(f"the base URL {shown} must have a plain path, without escapes, empty or dotted segments")
    place = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{place}{'' if port in (None, _DEFAULT_PORTS[parts.scheme]) else f':{port}'}"
    if (team := _TEAM.fullmatch(path)) is not None:
        raise ValueError(
            f"the base URL {shown} names a team, which NGC ended on 30 September 2026; use {origin}{team[1]}{team[2]}"
        )
    return f"{origin}{path}"
