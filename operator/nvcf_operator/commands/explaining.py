"""Failed calls in plain words: what it means for the person at the terminal, and what to do."""

from nvcf_client import errors
from nvcf_client.errors import NvcfError, Obstacle
from nvcf_operator.core import key_hints

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


def of_key(words: str, key: str) -> str:
    """These words about a key that NVCF refuses, with what looks like a mistake in it."""
    hint = key_hints.oddity(key)
    return words if hint is None else f"{words.rstrip('. ')}. Possible cause: {hint}"


def in_words(error: NvcfError) -> str:
    """What happened and what to do, in one line without a full stop at its end."""
    told = error.detail.rstrip(". ")
    match error:
        case errors.Unreachable():
            return f"{told}: {_OBSTACLES[error.obstacle]}"
        case errors.OutcomeUnknown():
            return f"{told}. Try again; --timeout gives it more time"
        case errors.Redirected():
            return told
        case errors.InvalidAnswer() if error.status is None or error.status < 300:
            return f"the response did not come from NVCF: {told}. {NOT_NVCF}"
        case errors.ServerFault() if not error.foreign:
            return f"NVCF returned an error ({error.status}: {told}). Try again later"
        case errors.Throttled():
            return f"too many calls (429: {told}). Try again later"
        case _ if error.foreign:
            return f"the {error.status} response did not come from NVCF: {told}. {NOT_NVCF}"
        case errors.Unauthorized():
            return f"NVCF does not accept the key (401: {told}). Put a valid key into the file; {NEW_KEY}"
        case errors.Forbidden():
            return f"the key may not do this (403: {told})"
        case errors.NotFound() if error.unknown_path:
            return f"there is no such path (404: {told}). {NOT_NVCF}"
        case errors.NotFound():
            return f"not found (404: {told})"
        case _:
            return f"NVCF answered {error.status}: {told}. Try again later"
