"""Rows of versions that NVCF rewrites as a whole, by the PUT of a tag as by the POST of a deployment: who writes last
undoes what the other has written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.property.nvcf_model import COMES_UP, Account, Running

FIELDS = ("tags", "rateLimit")
"""What is changed in place."""

LONGEST_CHANGE = 50.0
"""Seconds that the server works on a change of a row at most."""


class HasBody(Protocol):
    """A version, as far as its row goes."""

    body: dict[str, Any]
    secrets: dict[str, Any]
    touched_at: float


@dataclass(slots=True)
class Change:
    """A change of a row that the server works on, though its caller has heard nothing."""

    lands_at: float
    version_id: str
    fields: dict[str, Any]
    """What it sets; None takes it away."""
    read_inactive: bool
    """Whether it has read a version that was not deployed, and writes it back so."""
    made_for: str
    process: int
    secrets: dict[str, Any] = field(default_factory=dict)
    """Values that it sets, beside the row."""


@dataclass(slots=True)
class Rows:
    """What is under way with rows."""

    nvcf: Account
    versions: Mapping[str, HasBody]
    running: list[Change] = field(default_factory=list)
    """Changes that the server works on."""
    read: list[tuple[Running, dict[str, Any]]] = field(default_factory=list)
    """POSTs of deployments that the server works on, and what they have read of the version before."""
    undoing: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    """Changes that the server's loop undoes: when, of which version, to what."""
    quiet: bool = False

    def change(self, version_id: str, fields: Mapping[str, Any]) -> None:
        """Change a row at once. While the version comes up, the server's loop may undo it."""
        row, version = self.nvcf.rows.get(version_id), self.versions[version_id]
        before = _row_of(version)
        version.body.update(fields)
        comes_up = row is not None and row.status == "DEPLOYING" and not self.quiet
        if row is not None and comes_up and self.nvcf.chance.random() < 0.4:
            self.undoing.append((row.since + COMES_UP, version_id, before))

    def change_slowly(self, version_id: str, fields: Mapping[str, Any], made_for: str, process: int) -> None:
        """Go on with a change whose caller hung up, or died: what it has read is of this moment."""
        inactive = version_id not in self.nvcf.rows
        lands_at = self.nvcf.now + self.nvcf.chance.uniform(1.0, LONGEST_CHANGE)
        self.running.append(Change(lands_at, version_id, dict(fields), inactive, made_for, process))

    def send_slowly(self, version_id: str, secrets: Mapping[str, Any], made_for: str, process: int) -> None:
        """Go on with values of secrets whose caller hung up. They are merged into what is there by then."""
        lands_at = self.nvcf.now + self.nvcf.chance.uniform(1.0, LONGEST_CHANGE)
        self.running.append(Change(lands_at, version_id, {}, False, made_for, process, dict(secrets)))

    def posting(self, post: Running) -> None:
        """Note what a POST of a deployment has read, whose caller hung up."""
        if (version := self.versions.get(post.version)) is not None:
            self.read.append((post, _row_of(version)))

    def of(self, version_id: str) -> tuple[Change, ...]:
        """The changes of a version's row that the server works on."""
        return tuple(item for item in self.running if item.version_id == version_id and not item.secrets)

    @property
    def due(self) -> float:
        """When something happens next."""
        return min(
            (*(item.lands_at for item in self.running), *(item[0] for item in self.undoing)), default=float("inf")
        )

    def work(self) -> None:
        """Let what is due happen."""
        for change in [item for item in self.running if item.lands_at <= self.nvcf.now]:
            self.running.remove(change)
            if change.secrets and (version := self.versions.get(change.version_id)) is not None:
                version.secrets.update(change.secrets)
            elif change.fields:
                self._set(change.version_id, change.fields)
            if change.read_inactive:  # the server's clean-up finds an INACTIVE version with a deployment, and ends that
                self.nvcf.undeploy_outside(change.version_id)
        for post, before in [item for item in self.read if item[0] not in self.nvcf.running]:
            self.read.remove((post, before))
            if post.version in self.nvcf.rows:
                self._set(post.version, before)
        for undo in [item for item in self.undoing if item[0] <= self.nvcf.now]:
            self.undoing.remove(undo)
            self._set(undo[1], undo[2])

    def _set(self, version_id: str, fields: Mapping[str, Any]) -> None:
        if (version := self.versions.get(version_id)) is not None:
            version.body.update(fields)
            version.touched_at = self.nvcf.now


def _row_of(version: HasBody) -> dict[str, Any]:
    return {name: version.body.get(name) for name in FIELDS}
