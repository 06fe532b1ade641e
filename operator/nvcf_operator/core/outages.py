"""What a resource says while NVCF does not answer: the cause, and what to do about it. One text for one outage."""

from nvcf_operator.nvcf import errors
from nvcf_operator.nvcf.errors import Obstacle

ADVICE = {
    Obstacle.NAME: "Check the host in the base URL, and DNS where the operator runs",
    Obstacle.REFUSED: "Nothing listens there, or a firewall refuses it: check host and port of the base URL",
    Obstacle.TLS: "For a certificate of your own authority set --nvcf-ca-file, or correct the file: it is read again "
    "when it changes; else check the host, and whether that port speaks https",
    Obstacle.TIMEOUT: "Nobody answers the attempt to connect: check host and port of the base URL, firewalls and "
    "NetworkPolicies, and whether HTTPS_PROXY is needed",
    Obstacle.PROXY: "Check HTTPS_PROXY and NO_PROXY of the operator, and whether the proxy lets it pass",
    Obstacle.OTHER: "Check the base URL, and what stands between the operator and NVCF",
}
"""What to do about what kept a call from being sent."""

AGAIN = "The operator tries again with growing waits."

STRANGER = "Something between the operator and NVCF, such as a proxy or a firewall,"
"""Who answered, where it was not NVCF."""

UNKNOWN = f"NVCF cannot be reached or fails. {AGAIN}"
"""Where nothing is known of the cause."""


def told(error: errors.NvcfError | None) -> str:
    """The message for a failure that is the server's, or of the way to it.

    Nothing of the call that met it stands there, so that all calls that meet the same say the same.
    """
    if error is None:
        return UNKNOWN
    detail = error.detail.rstrip(". ")
    if isinstance(error, errors.Unreachable):
        return f"NVCF cannot be reached: {detail}. {ADVICE[error.obstacle]}. {AGAIN}"
    if error.status is None:
        return f"NVCF does not answer: {detail}. {AGAIN}"
    if error.foreign:
        return f"{STRANGER} answered with {error.status}: {detail}. Check that, and the base URL. {AGAIN}"
    # What it says of one function is for those alone who may see that function.
    words = f": {detail}" if detail and error.operation == "list_functions" else ""
    return f"NVCF fails: it answers with {error.status}{words}. {AGAIN}"
