"""What NVCF's errors mean to a user: outages, rate limiting, and the fields that a refused POST may be about."""

import re
from collections.abc import Sequence

from nvcf_client import errors
from nvcf_client.errors import NvcfError, Obstacle, Rejected
from nvcf_client.text import shorten
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.diff.fields import named
from nvcf_operator.flowcontrol.pacing import MOST_FOR_OTHERS, MOST_FOR_URGENT

ADVICE = {
    Obstacle.NAME: "Check the host in the base URL, and DNS where the operator runs",
    Obstacle.REFUSED: "Nothing is listening there, or a firewall rejects the connection: check host and port of the "
    "base URL",
    Obstacle.TLS: "For a certificate from a private CA set --nvcf-ca-file, or correct the file: it is re-read when it "
    "changes; otherwise check the host, and whether that port speaks https",
    Obstacle.TIMEOUT: "The connection attempt got no response: check host and port of the base URL, firewalls and "
    "NetworkPolicies, and whether HTTPS_PROXY is needed",
    Obstacle.PROXY: "Check the operator's HTTPS_PROXY and NO_PROXY, and whether the proxy allows the connection",
    Obstacle.OTHER: "Check the base URL, and any proxy or firewall between the operator and NVCF",
}
"""What to do about what kept a call from being sent."""

AGAIN = "The operator retries with backoff."

STRANGER = "Something between the operator and NVCF, such as a proxy or a firewall,"
"""Who answered, where it was not NVCF."""

UNKNOWN = f"NVCF is unreachable or returning errors. {AGAIN}"
"""Where nothing is known of the cause."""


def outage_message(error: errors.NvcfError | None) -> str:
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
    return f"NVCF is returning errors: it answers with {error.status}{words}. {AGAIN}"


_STEPS: tuple[tuple[float, str], ...] = (
    (60, "a minute"),
    (120, "2 minutes"),
    (300, "5 minutes"),
    (900, "15 minutes"),
    (1800, "30 minutes"),
    (3600, "an hour"),
    (7200, "2 hours"),
    (21_600, "6 hours"),
    (43_200, "12 hours"),
)
"""Coarse, so that a server whose wishes vary a little is reported in one text."""


def slow_down(asked: float | None) -> str:
    """The message of `Throttled`.

    Args:
        asked: seconds that the server asked for when the pause began, never what is left of them; None if it named
            none.

    """
    if asked is None:
        return "NVCF is rate limiting this account (429). The operator waits and retries."
    length = next((f"up to {words}" for most, words in _STEPS if asked <= most), "more than 12 hours")
    pause = f"NVCF is rate limiting this account (429) for {length}."
    if asked <= MOST_FOR_URGENT:
        return f"{pause} The operator waits and retries."
    return (
        f"{pause} The operator retries after at most {MOST_FOR_OTHERS / 60:g} minutes; an edit, a "
        f"reconcile-requested-at or a deletion is tried after at most {MOST_FOR_URGENT / 60:g}."
    )


STATUSES = frozenset({400, 409})

FIELDS = ("gpu", "instanceType", "backend", "clusters", "regions", "attributes")

MOST_SPECIFICATIONS, MOST_NAMES, MOST_CHARACTERS = 3, 5, 300


def explained(message: str, error: NvcfError, wanted: Sequence[DeploymentSpecification]) -> str:
    """The message of a refused POST, with what of the manifest may be meant where NVCF names a GPU or instance type.

    NVCF selects clusters that have the GPU, are among `clusters` and `regions`, and have all `attributes`. Where none
    is left, or none has a free GPU, it says so by GPU and instance type alone (facts on NVCF, section 5).
    """
    if not isinstance(error, Rejected) or error.status not in STATUSES or not error.formed:
        return message
    meant = [
        f"deploymentSpecifications[{index}] ({_fields(item)})"
        for index, item in enumerate(wanted)
        if _names(error.detail, item.gpu) or _names(error.detail, item.instance_type)
    ]
    if not meant:
        return message
    more = f" and {len(meant) - MOST_SPECIFICATIONS} more" if len(meant) > MOST_SPECIFICATIONS else ""
    text = f"{message} The manifest fields that this may refer to: {'; '.join(meant[:MOST_SPECIFICATIONS])}{more}."
    if any(item.clusters or item.regions or item.attributes or item.backend for item in wanted):
        text += (
            " NVCF does not say whether it is a misspelt location, an attribute that no cluster has, or the lack of a "
            "free GPU."
        )
    return text


def _names(text: str, name: str | None) -> bool:
    """Whether a text names something, and not something longer that begins or ends alike."""
    if name is None or not name.strip():
        return False
    return re.search(rf"(?<![\w.-]){re.escape(name.strip())}(?!\.?[\w-])", text, re.IGNORECASE) is not None


def _fields(specification: DeploymentSpecification) -> str:
    given = specification.to_dict()
    shown = []
    for field in FIELDS:
        value = given.get(field)
        names = named(value) if isinstance(value, list) else [value] if value else []
        if names:
            more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
            shown.append(f"{field} {', '.join(names[:MOST_NAMES])}{more}")
    return shorten("; ".join(shown), MOST_CHARACTERS)
