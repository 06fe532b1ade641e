"""The operator's tag on a version of a function: for which object, template and POST the version was registered.

It is in the very request that registers the version, so no version of ours is ever without it: what a lost answer left
behind is found by it, and nothing is deleted that does not bear it.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "nvcf-operator:1:"
"""How every mark begins. The number stands for the form of the mark and for the algorithm of the hash."""

ALGORITHM = "h1"
"""How every hash of a template begins. Only the digits behind it are in the mark."""

LONGEST = 128
"""Characters that NVCF allows in a tag."""

_FORM = re.compile(
    re.escape(PREFIX) + r"([0-9a-f]{32}):([0-9a-f]{16}):([0-9a-f]{16})(?::([A-Za-z0-9][A-Za-z0-9_-]{0,39}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the operator's tag on a version says."""

    uid: str
    """The object's uid as 32 hex digits."""
    hash: str
    """Hash of the template."""
    token: str
    """Name of the POST that registered the version, 16 hex digits."""
    revision: str | None = None

    @classmethod
    def of(cls, uid: str, hash_: str, token: str, revision: str | None = None) -> "Mark":
        """The mark for a version that is about to be registered.

        Raises:
            ValueError: a part has not the form that can be read back.

        """
        made = cls(compact(uid), hash_, token, revision)
        if parse(made.tag) != made:
            raise ValueError(f"no mark can be made of uid {uid}, hash {hash_}, token {token} and revision {revision}")
        return made

    @classmethod
    def renewed(cls, uid: str, hash_: str, version_id: str, revision: str | None = None) -> "Mark":
        """The mark for a version that is there and bears none of this object: the same one each time.

        Raises:
            ValueError: as `of`.

        """
        return cls.of(uid, hash_, hashlib.sha256(version_id.encode()).hexdigest()[:16], revision)

    @property
    def tag(self) -> str:
        """The mark as it stands among the version's tags."""
        parts = (self.uid, self.hash.removeprefix(ALGORITHM), self.token, *([self.revision] if self.revision else []))
        return PREFIX + ":".join(parts)


def compact(uid: str) -> str:
    """An object's uid as a mark holds it."""
    return uid.replace("-", "").lower()


def parse(tag: str) -> Mark | None:
    """Read one tag; None where it is no mark, or one of another form."""
    found = _FORM.fullmatch(tag) if tag.startswith(PREFIX) else None
    if found is None:
        return None
    uid, digits, token, revision = found.groups()
    return Mark(uid, ALGORITHM + digits, token, revision)


def mark_of(tags: Iterable[str] | None) -> Mark | None:
    """The mark among a version's tags; None where there is none, or where several contradict each other."""
    marks = {mark for tag in tags or () if (mark := parse(tag)) is not None}
    return marks.pop() if len(marks) == 1 else None
