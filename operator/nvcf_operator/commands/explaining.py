"""Failed calls in plain words: what it means for the person at the terminal, and what to do."""

from nvcf_operator.nvcf import errors, keys
from nvcf_operator.nvcf.errors import NvcfError, Obstacle

_OBSTACLES = {
    Obstacle.NAME: "the host's name cannot be resolved. Check the host in --nvcf-base-url, and DNS",
    Obstacle.REFUSED: "nothing listens there. Check host and port in --nvcf-base-url, and firewalls",
    Obstacle.TLS: "TLS failed. For a certificate of your own authority set --nvcf-ca-file; else check the host, and "
    "whether that port speaks https",
    Obstacle.TIMEOUT: "nobody answered the attempt to connect. Check host and port in --nvcf-base-url, and firewalls",
    Obstacle.PROXY: "the proxy of the environment opened no way. Check HTTPS_PROXY and NO_PROXY",
    Obstacle.OTHER: "no connection came about. Check --nvcf-base-url, and what stands in between",
}

NOT_NVCF = "Check the path in --nvcf-base-url, --nvcf-host-header, and proxies in between"

NEW_KEY = "a key that is new or was changed can take 15 minutes to take effect"


def of_key(words: str, key: str) -> str:
    """These words about a key that NVCF refuses, with what looks like a mistake in it."""
    hint = keys.oddity(key)
    return words if hint is None else f"{words.rstrip('. ')}. It may be that {hint}"


def in_words(error: NvcfError) -> str:
    """What happened and what to do, in one line without a full stop at its end."""
    told = error.detail.rstrip(". ")
    match error:
        case errors.Unreachable():
            return f"{told}: {_OBSTACLES[error.obstacle]}"
        case errors.OutcomeUnknown():
            return f"{told}. Try again; --timeout allows it more time"
        case errors.Redirected():
            return told
        case errors.InvalidAnswer() if error.status is None or error.status < 300:
            return f"what answers is not NVCF: {told}. {NOT_NVCF}"
        case errors.ServerFault() if not error.foreign:
            return f"NVCF fails ({error.status}: {told}). Try again later"
        case errors.Throttled():
            return f"too many calls (429: {told}). Try again later"
        case _ if error.foreign:
            return f"what answers {error.status} is not NVCF: {told}. {NOT_NVCF}"
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
