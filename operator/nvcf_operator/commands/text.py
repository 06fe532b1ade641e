"""Texts for the terminal: what a failed call means and what to do about it, and numbers of things."""

from nvcf_client import errors
from nvcf_client.errors import NvcfError, Obstacle
from nvcf_operator.core import hints

_OBSTACLES = {
    Obstacle.NAME: "the host's name cannot be resolved. Check the host in --nvcf-base-url, and DNS",
    Obstacle.REFUSED: "nothing is listening there. Check host and port in --nvcf-base-url, and firewalls",
    Obstacle.TLS: "TLS failed. For a certificate from a private CA set --nvcf-ca-file; otherwise check the host, and "
    "whether that port speaks https",
    Obstacle.TIMEOUT: "the connection attempt got no response. Check host and port in --nvcf-base-url, and firewalls",
    Obstacle.PROXY: "the configured proxy refused the connection. Check HTTPS_PROXY and NO_PROXY",
    Obstacle.OTHER: "could not connect. Check --nvcf-base-url, and any proxy or firewall in between",
}

NOT_NVCF = "Check the path in --nvcf-base-url, --nvcf-host-header, and proxies in between"

NEW_KEY = "a new or changed key can take 15 minutes to take effect"


def with_key_hint(text: str, key: str) -> str:
    """A text about a key that NVCF refuses, with what looks like a mistake in the key."""
    hint = hints.oddity(key)
    return text if hint is None else f"{text.rstrip('. ')}. Possible cause: {hint}"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 version`, `2 versions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def error_text(error: NvcfError) -> str:
    """What happened and what to do, in one line without a full stop at its end."""
    detail = error.detail.rstrip(". ")
    match error:
        case errors.Unreachable():
            return f"{detail}: {_OBSTACLES[error.obstacle]}"
        case errors.OutcomeUnknown():
            return f"{detail}. Try again; --timeout gives it more time"
        case errors.Redirected():
            return detail
        case errors.InvalidAnswer() if error.status is None or error.status < 300:
            return f"the response did not come from NVCF: {detail}. {NOT_NVCF}"
        case errors.ServerFault() if not error.foreign:
            return f"NVCF returned an error ({error.status}: {detail}). Try again later"
        case errors.Throttled():
            return f"too many calls (429: {detail}). Try again later"
        case _ if error.foreign:
            return f"the {error.status} response did not come from NVCF: {detail}. {NOT_NVCF}"
        case errors.Unauthorized():
            return f"NVCF does not accept the key (401: {detail}). Put a valid key into the file; {NEW_KEY}"
        case errors.Forbidden():
            return f"the key may not do this (403: {detail})"
        case errors.NotFound() if error.unknown_path:
            return f"there is no such path (404: {detail}). {NOT_NVCF}"
        case errors.NotFound():
            return f"not found (404: {detail})"
        case _:
            return f"NVCF answered {error.status}: {detail}. Try again later"
