"""The Secrets of a cluster in memory, and what each of them was before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from nvcf_operator.api import names

Place = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class SecretState:
    """One version of a Secret."""

    uid: str
    resource_version: str
    data: dict[str, bytes] = field(repr=False)
    annotations: dict[str, str] = field(default_factory=dict)

    def consents_to(self, function: str) -> bool:
        """Whether it lets a CloudFunction of that name send its values."""
        allowed = self.annotations.get(names.ALLOW_FUNCTION_ANNOTATION, "")
        return bool({function, "*"} & {item.strip() for item in allowed.split(",")})


@dataclass(slots=True)
class SecretStore:
    """All Secrets, by place."""

    there: dict[Place, SecretState] = field(default_factory=dict)
    before: list[tuple[float, Place, SecretState | None]] = field(default_factory=list, repr=False)
    """When each was changed, and what it was until then."""
    version: int = 0
    made: int = 0

    def create(self, place: Place, data: Mapping[str, bytes], *, allows: str | None, now: float) -> None:
        """Create a Secret, or replace it by another object of the name."""
        self.made += 1
        annotations = {names.ALLOW_FUNCTION_ANNOTATION: allows} if allows is not None else {}
        self._put(place, SecretState(f"uid-of-secret-{self.made}", "", dict(data), annotations), now)

    def set_value(self, place: Place, key: str, value: bytes | None, now: float) -> None:
        """Change one value, or take its key away."""
        data = {name: old for name, old in self.there[place].data.items() if name != key}
        self._put(place, replace(self.there[place], data=data | ({key: value} if value is not None else {})), now)

    def annotate(self, place: Place, annotation: str, value: str | None, now: float) -> None:
        """Set or remove an annotation."""
        others = {name: old for name, old in self.there[place].annotations.items() if name != annotation}
        annotations = others | ({annotation: value} if value is not None else {})
        self._put(place, replace(self.there[place], annotations=annotations), now)

    def delete(self, place: Place, now: float) -> None:
        """Delete a Secret."""
        self.before.append((now, place, self.there.pop(place)))

    def since(self, place: Place, moment: float) -> Iterator[SecretState | None]:
        """What a Secret is, and what it was at and after a moment."""
        yield self.there.get(place)
        yield from (old for at, of, old in self.before if of == place and at >= moment)

    def _put(self, place: Place, secret: SecretState, now: float) -> None:
        self.version += 1
        self.before.append((now, place, self.there.get(place)))
        self.there[place] = replace(secret, resource_version=f"s{self.version}")
