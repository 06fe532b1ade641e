"""The object or collection that a request targets, and whether a 404 is about it.

Load balancers, aggregators and API servers that do not serve a version (yet) respond with 404, too. Only a `Status`
that names the requested object proves that it does not exist.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvcf_operator.api import names

_PATH: Final = re.compile(
    r"/(?:api|apis/(?P<group>[^/?]+))/[^/?]+(?:/namespaces/(?P<namespace>[^/?]+))?"
    r"/(?P<plural>[^/?]+)(?:/(?P<name>[^/?]+))?(?:/(?P<part>[^/?]+))?(?:\?.*)?"
)

_NOUNS: Final[Mapping[str, str]] = {names.PLURAL: "resource", "secrets": "Secret", "leases": "Lease", "events": "Event"}

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
        noun = _NOUNS.get(self.plural, self.plural)
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
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
