"""What a path asks for, and whether an answer of 404 speaks of it.

Load balancers, aggregators and API servers that do not serve a version (yet) say 404, too. Only a `Status` that names
the very thing that was asked for is the API server's word that it is not there.
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
class Asked:
    """What a call asks for: an object, a part of one, or a collection.

    Attributes:
        method: the HTTP method.
        group: of the API; empty for the core's.
        plural: the name of the objects' kind as it stands in paths.
        namespace: where; empty for all.
        name: the object's; empty for the collection, also when one is made in it.
        part: the subresource; empty for the whole object.

    """

    method: str
    group: str
    plural: str
    namespace: str = ""
    name: str = ""
    part: str = ""

    @classmethod
    def by(cls, method: str, path: str) -> "Asked":
        """Read a path of the API server's, with its query or without."""
        if path.startswith("/openapi/"):
            return cls(method, "", "schemas")
        found = _PATH.fullmatch(path)
        assert found is not None, f"no path of an object or a collection: {path}"
        return cls(method, **{part: text or "" for part, text in found.groupdict().items()})

    def is_absent_by(self, answer: Mapping[str, Any]) -> bool:
        """Whether the body of a 404 says that it is not there.

        For what is to be made, that is the word that its namespace is not there.
        """
        details = answer.get("details")
        if answer.get("kind") != "Status" or not isinstance(details, Mapping):
            return False
        named = (details.get("group") or "", details.get("kind"), details.get("name"))
        if self.method in ("POST", "PUT") and named == ("", "namespaces", self.namespace):
            return True
        return bool(self.name) and named == (self.group, self.plural, self.name)

    def refused_by_a_stranger(self, answer: Mapping[str, Any], raw: bytes) -> str:
        """The sentence about a 404 that does not speak of it."""
        noun = _NOUNS.get(self.plural, self.plural)
        if self.name:
            place, it = f"{self.namespace}/{self.name}", f"this {noun}"
            place = f"{self.part} of {place}" if self.part else f"{noun} {place}"
        elif self.method == "POST":
            place, it = f"{noun} in {self.namespace}", "this namespace"
        else:
            place, it = f"{self.plural} in {self.namespace or 'all namespaces'}", "them"
        words = words_of(answer, raw)
        return f"{self.method} {place} got a 404 from something that does not mention {it}: {words}"


def words_of(answer: Mapping[str, Any], raw: bytes) -> str:
    """What an answer says; of a text that is no `Status` only its size, for a request may be repeated in it."""
    if answer.get("kind") == "Status" and answer.get("message"):
        return str(answer["message"])
    return _PLAIN.decode() if raw.strip() == _PLAIN else f"{len(raw)} bytes that are no Status"


def read_answer(raw: bytes) -> dict[str, Any] | None:
    """An answer's JSON object; None for a proxy's own page, an answer cut short, and any other JSON."""
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
