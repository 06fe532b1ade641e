"""What can go wrong in a call to the Kubernetes API, by what it means for the caller."""

# ruff: noqa: N818  the names say what happened, and read well in `except Conflict`

from collections.abc import Mapping
from typing import Any

from nvcf_client.text import shorten
from nvcf_operator.kube.absence import Asked

MOST_MESSAGE = 512
"""Characters of the API server's message that are kept: a refused object may be repeated in it."""


class KubeError(Exception):
    """A call failed. The text holds no token and no data of a Secret.

    Attributes:
        status: the HTTP status; None when no answer came.
        reason: the API server's one word, such as `Conflict`; may be empty.
        message: its sentence, or what happened on the way.
        retry_after: seconds that the server asks to wait; None when it does not say.

    """

    def __init__(
        self, message: str, *, status: int | None = None, reason: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    @property
    def refuses(self) -> bool:
        """Whether the API server does not take what was to be written, or not from us, however often it is asked.

        That a webhook cannot be reached is told as a fault of the API server (500), and lasts as long as that does.
        """
        return self.status == 500 and "failed calling webhook" in self.message


class Conflict(KubeError):
    """409, and 422 that blames the uid: the object is a newer one than was read, or another one of that name."""


class Denied(KubeError):
    """403: RBAC does not allow it, or the namespace is going away.

    An API server that starts forbids everything until it has read its rules, some 100 ms.
    """

    @property
    def refuses(self) -> bool:
        """True: see the class. Admission webhooks and quotas answer so, too."""
        return True

    @property
    def namespace_is_ending(self) -> bool:
        """Whether nothing can be created any more because the namespace is being deleted."""
        return "because it is being terminated" in self.message


class Invalid(KubeError):
    """400, 413, 422: the API server does not take such an object.

    Or no longer: a new finalizer on one that is going.
    """

    @property
    def refuses(self) -> bool:
        """True: see the class. Admission policies answer so, too."""
        return True


class Missing(KubeError):
    """404 with a `Status` that names the object: it is gone. For an object to be made: its namespace is."""


class Unavailable(KubeError):
    """No usable answer: 401, 410, 429, 5xx, anything unforeseen, timeouts, broken connections. Try again.

    A 401 is here because it tells of our own identity and not of what was asked for; a new token may cure it. So is a
    404 that does not name what was asked for: something on the way may have said it.
    """


class NotLeading(KubeError):
    """Another replica may lead: the write, to Kubernetes or to NVCF, was held back and nothing was sent."""


_BY_STATUS: Mapping[int, type[KubeError]] = {
    400: Invalid,
    403: Denied,
    409: Conflict,
    413: Invalid,
    422: Invalid,
}

_UID = "metadata.uid"

NO_FIELD_BLAMED = "the server rejected our request due to an error in our request"
"""All that the API server says when a JSON patch cannot be applied, such as when its `test` fails or a path is missing.

Which of these it was, it does not say.
"""


def of_answer(
    status: int, answer: Mapping[str, Any], *, asked: Asked, raw: bytes = b"", retry_after: float | None = None
) -> KubeError:
    """The error that an answer means.

    Args:
        status: the HTTP status.
        answer: the API server's `Status` object; empty when it sent none.
        asked: what was asked for: a 404 is believed only if it names that.
        raw: the answer's body as it came.
        retry_after: seconds that the server asks to wait.

    """
    kind = _BY_STATUS.get(status, Unavailable)
    message = str(answer.get("message") or f"the API server answered with HTTP {status}")
    if status == 404:
        absent = asked.is_absent_by(answer)
        kind, message = (Missing, message) if absent else (Unavailable, asked.refused_by_a_stranger(answer, raw))
    elif status == 422 and _UID in _fields(answer):
        kind, message = Conflict, "another object has this name now"
    reason = str(answer.get("reason") or "")
    return kind(shorten(message, MOST_MESSAGE), status=status, reason=reason, retry_after=retry_after)


def _fields(answer: Mapping[str, Any]) -> set[str]:
    """The fields that the API server blames."""
    details = answer.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    return {str(cause.get("field")) for cause in causes or () if isinstance(cause, Mapping)}
