"""What can go wrong in a call to NVCF, by what it means for the caller.

::

    NvcfError
    +-- NotFound            404
    +-- Rejected            the server's no: 400, 402, 406, 409, 413, 415, 422, every other 4xx
    |   +-- MethodNotAllowed    405
    |   +-- Redirected          3xx; redirects are never followed
    +-- Unauthorized        401
    +-- Forbidden           403
    +-- Throttled           429
    +-- ServerFault         5xx and 408, answered in a form that NVCF uses
    +-- Unreachable         the request was certainly never received
    +-- OutcomeUnknown      the request was sent; what became of it is not known
    +-- NotAvailable        the base URL has no such call; nothing was sent
    +-- InvalidAnswer       a reading call got an answer that is not NVCF's, or cannot be read

A status counts only in an answer without a body, or in a form that NVCF uses: the 403 of a firewall's page is not about
the key. It is `InvalidAnswer` to a reading call and `OutcomeUnknown` to a write. What does count from whomever it
comes: 3xx, 408, 429, and 404 or 405 to PATCH. 407 is a proxy's, and `Unreachable`.

Texts are short and hold no key, no header and no dump of an answer's body.
"""

# ruff: noqa: N818  the names say what happened, and read well in `except nvcf_client.NotFound`

from enum import StrEnum
from importlib import import_module
from typing import Any

from nvcf_client.answers import Received
from nvcf_client.text import shorten

MAX_MESSAGE = 512
"""No message is longer, in characters."""


class NvcfError(Exception):
    """A call to NVCF failed.

    Under the names of the SDK `nvidia_cloud_functions`: `ApiError`, with `status_code`, `body` and `response`.

    Attributes:
        operation: name of the call, such as `create_deployment`.
        method: its HTTP method.
        path: its path below the base URL.
        status: the HTTP status, None if no answer came.
        detail: the server's own words, or what happened on the way; one line.
        request_id: the id under which the server's operators find this call, if it gave one.
        retry_after: seconds that the server asks to wait before the next try, if it does.
        foreign: the answer has a body in no form that NVCF uses, so something in between may have answered.
        formed: the answer has a body in a form that NVCF uses. Of one without a body neither is true.
        received: the answer, without keys and values; None if none came.

    """

    meaning = "failed"

    def __init__(
        self,
        *,
        operation: str,
        method: str,
        path: str,
        detail: str,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        foreign: bool = False,
        formed: bool = False,
        received: Received | None = None,
    ) -> None:
        super().__init__(operation, method, path, status, detail)
        self.operation = operation
        self.method = method
        self.path = path
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after
        self.foreign = foreign
        self.formed = formed
        self.received = received

    @property
    def status_code(self) -> int | None:
        """The HTTP status, None if no answer came."""
        return self.status

    @property
    def body(self) -> Any:
        """The body of the answer, if it is JSON, without keys and values of secrets; else None."""
        return None if self.received is None else self.received.body

    @property
    def response(self) -> Any:
        """The answer as an `httpx.Response`, without keys and values of secrets.

        Raises:
            AttributeError: no answer came, so `status_code` is None.

        """
        if self.received is None:
            raise AttributeError(f"there is no response: {self}")
        # By name, when it is asked for: who only distinguishes errors needs no HTTP library.
        return import_module("nvcf_client.http.response").response_of(self.received, self.method, self.path)

    @property
    def maybe_done(self) -> bool:
        """Whether the call may have taken effect all the same. If so, read before you repeat a write."""
        return False

    def __str__(self) -> str:
        status = "" if self.status is None else f" ({self.status})"
        tail = "" if self.request_id is None else f" [request {self.request_id}]"
        head = f"{self.operation} {self.meaning}{status}: "
        place = f" ({self.method} {shorten(self.path, 160, '...')})"
        room = MAX_MESSAGE - len(head) - len(place) - len(tail)
        return shorten(f"{head}{shorten(self.detail, room, '...')}{place}{tail}", MAX_MESSAGE, "...")

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross process borders (test workers) whole, in spite of keyword-only arguments."""
        return _rebuild, (type(self), dict(vars(self)))


def _rebuild(kind: type[NvcfError], attributes: dict[str, object]) -> NvcfError:
    error = kind.__new__(kind)
    vars(error).update(attributes)
    return error


class NotFound(NvcfError):
    """404. Not there, or not for this key's account, or a dependency of the server said 404: NVCF does not say which.

    Attributes:
        unknown_path: the answer has none of the marks by which NVCF itself speaks of a missing object, so the route
            may be unknown: a wrong base URL, a proxy in between, or a server without this call.

    """

    meaning = "found nothing"

    def __init__(self, *, unknown_path: bool = False, **failure: Any) -> None:
        super().__init__(**failure)
        self.unknown_path = unknown_path


class Rejected(NvcfError):
    """The server understood the call and says no. Not always the caller's fault, and a 400 not always permanent."""

    meaning = "was rejected"


class MethodNotAllowed(Rejected):
    """405: the server knows the path but not this method on it, as servers do that are older than the call."""

    meaning = "is not offered by this server"


class Redirected(Rejected):
    """3xx. Redirects are never followed, for a key goes to no host but its own: set the base URL to the new place."""

    meaning = "was redirected"


class Unauthorized(NvcfError):
    """401: the key is missing, malformed, expired or (through the NGC gateway) unknown."""

    meaning = "was not authenticated"


class Forbidden(NvcfError):
    """403: the key is unknown or revoked, lacks the scope, or its policy excludes this function."""

    meaning = "was forbidden"


class Throttled(NvcfError):
    """429: too many calls. `retry_after` holds what the server asked for, if it did.

    Attributes:
        asked: seconds of the pause that this answer belongs to, for texts that must not change while it lasts; the
            wish of this answer until somebody who paces the calls sets it.

    """

    meaning = "was throttled"

    def __init__(self, **failure: Any) -> None:
        super().__init__(**failure)
        self.asked: float | None = self.retry_after

    @property
    def maybe_done(self) -> bool:
        """Whether something in between has said it, which may have passed a write on."""
        return self.foreign


class ServerFault(NvcfError):
    """The server answered that it, or something behind it, failed (5xx, or 408).

    It promises nothing about a write: part of the work may be done, or may still be running behind the answer.
    """

    meaning = "failed in the server"

    @property
    def maybe_done(self) -> bool:
        """True: see the class."""
        return True


class Obstacle(StrEnum):
    """What stood between the client and the server."""

    NAME = "name"
    """The host's name has no address."""
    REFUSED = "refused"
    """Nothing listens there, or a firewall says no."""
    TLS = "tls"
    """The server is not trusted, or does not speak TLS."""
    TIMEOUT = "timeout"
    """Nobody answered the attempt to connect."""
    PROXY = "proxy"
    """A proxy of the environment opened no way."""
    OTHER = "other"


class Unreachable(NvcfError):
    """The request was certainly never received, so nothing can have come of it.

    Name resolution, a refused connection, TLS, a proxy that opened no tunnel, the connect timeout, and waiting too long
    for a free connection of our own pool.

    Attributes:
        obstacle: what it was.

    """

    meaning = "did not reach the server"

    def __init__(self, *, obstacle: Obstacle = Obstacle.OTHER, **failure: Any) -> None:
        super().__init__(**failure)
        self.obstacle = obstacle


class NotAvailable(NvcfError):
    """The call does not exist at the client's base URL, so nothing was sent: only NGC's organisation URLs have it."""

    meaning = "is not available here"


class OutcomeUnknown(NvcfError):
    """The request was (at least partly) sent and no usable answer came; for a write, anything may have happened.

    Exactly: the read, write or total timeout; a connection reset or closed; an answer that breaks HTTP, cannot be
    decompressed or exceeds the size limit; and, for mutating calls only, a 2xx whose body is not what the call
    promises, or a 4xx or 5xx whose body is in no form that NVCF uses (so something in between answered).
    `status` is set in the last two cases.
    """

    meaning = "has an unknown outcome"

    @property
    def maybe_done(self) -> bool:
        """True: see the class."""
        return True


class InvalidAnswer(NvcfError):
    """A reading call got a 2xx with something else than it promises, or a 4xx in no form of NVCF's: a proxy's page."""

    meaning = "got an unreadable answer"
