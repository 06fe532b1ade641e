"""What a request to the Kubernetes API targets, and what its failure means for the caller.

Load balancers, aggregators and API servers that do not serve a version (yet) respond with 404, too. Only a `Status`
that names the requested object proves that it does not exist.
"""

# ruff: noqa: N818  the names say what happened, and read well in `except Conflict`

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvcf_client.text import shorten
from nvcf_operator import jsons
from nvcf_operator.api import names

_PATH: Final = re.compile(
    r"/(?:api|apis/(?P<group>[^/?]+))/[^/?]+(?:/namespaces/(?P<namespace>[^/?]+))?"
    r"/(?P<plural>[^/?]+)(?:/(?P<name>[^/?]+))?(?:/(?P<part>[^/?]+))?(?:\?.*)?"
)

_NOUNS: Final[Mapping[str, str]] = {
    **dict.fromkeys((kind.plural for kind in names.KINDS), "resource"),
    "secrets": "Secret",
    "leases": "Lease",
    "events": "Event",
}

_PLAIN: Final = b"404 page not found"
"""The whole body of a Go server that does not know a path."""


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """What a request targets: an object, a subresource of one, or a collection.

    Attributes:
        method: the HTTP method.
        group: the API group; empty for the core group.
        plural: the plural name of the kind, as in paths.
        namespace: the namespace; empty for all.
        name: the object's name; empty for the collection, also when an object is created in it.
        part: the subresource; empty for the whole object.

    """

    method: str
    group: str
    plural: str
    namespace: str = ""
    name: str = ""
    part: str = ""

    @classmethod
    def of(cls, method: str, path: str) -> "RequestTarget":
        """Parse a path of the API server, with or without a query."""
        if path.startswith("/openapi/"):
            return cls(method, "", "schemas")
        found = _PATH.fullmatch(path)
        assert found is not None, f"no path of an object or a collection: {path}"
        return cls(method, **{part: text or "" for part, text in found.groupdict().items()})

    @property
    def noun(self) -> str:
        """What one of its kind is called in messages."""
        return _NOUNS.get(self.plural, self.plural)

    def is_missing_by(self, answer: Mapping[str, Any]) -> bool:
        """Whether the body of a 404 says that the target does not exist.

        For an object to be created, that is a 404 that names its namespace.
        """
        details = answer.get("details")
        if answer.get("kind") != "Status" or not isinstance(details, Mapping):
            return False
        named = (details.get("group") or "", details.get("kind"), details.get("name"))
        if self.method in ("POST", "PUT") and named == ("", "namespaces", self.namespace):
            return True
        return bool(self.name) and named == (self.group, self.plural, self.name)

    def foreign_404(self, answer: Mapping[str, Any], raw: bytes) -> str:
        """The message about a 404 that does not name the target."""
        noun = self.noun
        if self.name:
            place, it = f"{self.namespace}/{self.name}", f"this {noun}"
            place = f"{self.part} of {place}" if self.part else f"{noun} {place}"
        elif self.method == "POST":
            place, it = f"{noun} in {self.namespace}", "this namespace"
        else:
            place, it = f"{self.plural} in {self.namespace or 'all namespaces'}", "them"
        said = message_of(answer, raw)
        return f"{self.method} {place} got a 404 from something that does not mention {it}: {said}"


def message_of(answer: Mapping[str, Any], raw: bytes) -> str:
    """The message of a response; only the size of a body that is no `Status`, since it may repeat the request."""
    if answer.get("kind") == "Status" and answer.get("message"):
        return str(answer["message"])
    return _PLAIN.decode() if raw.strip() == _PLAIN else f"{len(raw)} bytes that are no Status"


def parse(raw: bytes) -> dict[str, Any] | None:
    """The JSON object of a response; None for a proxy's own page, a truncated response, and any other JSON."""
    try:
        value = jsons.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


MOST_MESSAGE = 512
"""Characters of the API server's message that are kept: it may repeat a refused object."""


class KubeError(Exception):
    """A call failed. The text holds no token and no data of a Secret.

    Attributes:
        status: the HTTP status; None if there was no response.
        reason: the API server's one word, such as `Conflict`; may be empty.
        message: its sentence, or what happened on the way.
        retry_after: seconds that the server asks to wait; None if it does not say.

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
        """Whether the API server rejects the write, or rejects it from the operator, however often it is retried.

        An unreachable webhook is reported as a fault of the API server (500), and lasts as long as that does.
        """
        return self.status == 500 and "failed calling webhook" in self.message


class Conflict(KubeError):
    """409, and 422 that blames the uid: the object has changed since it was read, or another one has its name."""


class Denied(KubeError):
    """403: RBAC does not allow it, or the namespace is being deleted.

    An API server that starts forbids everything until it has read its rules, some 100 ms.
    """

    @property
    def refuses(self) -> bool:
        """True: see the class. Admission webhooks and quotas respond with 403, too."""
        return True

    @property
    def namespace_is_ending(self) -> bool:
        """Whether nothing can be created any more because the namespace is being deleted."""
        return "because it is being terminated" in self.message


class Invalid(KubeError):
    """400, 413, 422: the API server rejects such an object.

    That includes a new finalizer on an object that is being deleted.
    """

    @property
    def refuses(self) -> bool:
        """True: see the class. Admission policies respond with 422, too."""
        return True


class Missing(KubeError):
    """404 with a `Status` that names the object: it does not exist. For an object to be created: its namespace."""


class Unavailable(KubeError):
    """No usable response: 401, 410, 429, 5xx, anything unforeseen, timeouts, broken connections. Try again.

    A 401 is here because it is about the operator's own identity and not about the target; a new token may fix it. So
    is a 404 that does not name the target: a proxy may have sent it.
    """


class NotServed(Unavailable):
    """404 for a collection: the API server does not know the kind, as without its CRD, or a proxy has sent it."""


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
"""The whole message of the API server when a JSON patch cannot be applied: its `test` failed, or a path is missing.

It does not say which.
"""


def of_response(
    status: int, answer: Mapping[str, Any], *, target: RequestTarget, raw: bytes = b"", retry_after: float | None = None
) -> KubeError:
    """The error that a response means.

    Args:
        status: the HTTP status.
        answer: the API server's `Status` object; empty if it sent none.
        target: what was requested: a 404 is believed only if it names that.
        raw: the response body as received.
        retry_after: seconds that the server asks to wait.

    """
    kind = _BY_STATUS.get(status, Unavailable)
    message = str(answer.get("message") or f"the API server answered with HTTP {status}")
    if status == 404:
        missing = target.is_missing_by(answer)
        kind, message = (Missing, message) if missing else (Unavailable, target.foreign_404(answer, raw))
    elif status == 422 and _UID in _fields(answer):
        kind, message = Conflict, "another object has this name now"
    reason = str(answer.get("reason") or "")
    return kind(shorten(message, MOST_MESSAGE), status=status, reason=reason, retry_after=retry_after)


def _fields(answer: Mapping[str, Any]) -> set[str]:
    """The fields that the API server blames."""
    details = answer.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    return {str(cause.get("field")) for cause in causes or () if isinstance(cause, Mapping)}
