"""The durable intent to POST: written before the request, answered in status, so that a crash between the two is seen.

An intent lives in the annotation ``nvcf-operator.io/intent`` as compact JSON. It is *open* while ``status.intent`` does
not repeat its token; an intent that carries another object's uid came with a copied or restored manifest and is none.
"""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intent:
    """One intended POST: for which object, of which version, and the token that its answer will repeat."""

    uid: str
    function_version_id: str
    token: str

    def dump(self) -> str:
        """Render the annotation's value."""
        return json.dumps(
            {"uid": self.uid, "functionVersionId": self.function_version_id, "token": self.token},
            separators=(",", ":"),
        )

    @classmethod
    def parse(cls, text: str | None, *, uid: str) -> "Intent | None":
        """Read the annotation's value; None when there is none, it cannot be read, or it speaks of another object."""
        if not text:
            return None
        try:
            value = json.loads(text)
            intent = cls(str(value["uid"]), str(value["functionVersionId"]), str(value["token"]))
        except (ValueError, TypeError, KeyError):
            return None
        return intent if intent.uid == uid else None
