"""Whose each deployment is, and which of them are rightly left running: what no single part of the world knows."""

import re
from dataclasses import dataclass, field
from typing import Any

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.reasons import Reason
from tests.property.cluster_model import Cluster, deployments_named, on_record
from tests.property.nvcf_model import VERSIONS, Account
from tests.property.operator_process import OperatorProcess


@dataclass(slots=True)
class Books:
    """Kept by the story beside the models."""

    cluster: Cluster
    nvcf: Account
    left: set[str] = field(default_factory=set)
    """Deployments that a user has left running, knowing or not, and those that a crash has made nobody's."""
    adopted: set[str] = field(default_factory=set)
    """Strangers' deployments that became a resource's."""
    let_go: set[str] = field(default_factory=set)
    """Uids of objects whose finalizer a user has taken off, or has asked the operator to drop."""
    named: dict[str, set[str]] = field(default_factory=dict)
    """What the status of each object has named last, by uid."""
    unsure: set[str] = field(default_factory=set)
    """Uids of objects with an intent that was open when a process ended: an old list does not show it to the next."""
    read: int = 0

    def keep(self, operator: OperatorProcess) -> None:
        """Take in how the world stands."""
        alive = set()
        for obj in self.cluster.objects.values():
            uid, named = obj["metadata"]["uid"], deployments_named(obj)
            alive.add(uid)
            self.named[uid] = named
            spec = obj["spec"]
            if spec.get("deletionPolicy") == "Retain" or spec.get("managementPolicy") == "Observe":
                self.left |= named | self._of({spec["functionVersionId"], *on_record(obj)})
            else:
                held = obj["status"].get("deploymentId")
                self.left.discard(held)
                self.adopted |= named
        for uid in self.let_go - alive:
            self.left |= self.named.get(uid, set())
            if uid in self.unsure:
                self.left |= {row.deployment_id for row in self.nvcf.rows.values() if row.made_for == uid}
        for resource, note in operator.notes.taken[self.read :]:
            if note.reason == Reason.LEFT_BEHIND and resource.uid in self.let_go:
                self.left |= self._of(set(re.findall(r"[0-9a-f-]{36}", note.message)))
        self.read = len(operator.notes.taken)

    def process_ended(self) -> None:
        """A process is gone, and with it what it alone knew: the POSTs of objects that are gone."""
        alive = {obj["metadata"]["uid"] for obj in self.cluster.objects.values()}
        lost = self.let_go - alive
        for obj in self.cluster.objects.values():
            if (intent := obj["status"].get("intent")) is not None and not intent.get("answered"):
                self.unsure.add(obj["metadata"]["uid"])
        self.left |= {row.deployment_id for row in self.nvcf.rows.values() if row.made_for in lost}
        self.left |= {post.deployment_id for post in self.nvcf.running if post.made_for in lost}

    def wiped(self, key: Key) -> None:
        """A user takes an object's status away, and with it the record of all but the version that it wants."""
        self.left |= self._of(on_record(self.cluster.objects[key])) | deployments_named(self.cluster.objects[key])

    def leaked(self, wanted: set[str]) -> set[str]:
        """The deployments that run though no resource wants their version, nobody has left them, and they are ours."""
        return {
            row.deployment_id
            for version, row in self.nvcf.rows.items()
            if version not in wanted
            and row.deployment_id not in self.left
            and (row.made_for is not None or (not row.stale and row.deployment_id in self.adopted))
        }

    def released_too_early(self, obj: dict[str, Any]) -> set[str]:
        """What an object has left running that went by the operator's hand, and was to take it along."""
        spec, uid = obj["spec"], obj["metadata"]["uid"]
        retains = spec.get("deletionPolicy") == "Retain" or spec.get("managementPolicy") == "Observe"
        if retains or uid in self.let_go:
            return set()
        others = set().union(*(deployments_named(item) for item in self.cluster.objects.values()))
        rows = [row for row in self.nvcf.rows.values() if row.ghost_until is None and not row.stale]
        named = self.named.get(uid, ())
        ours = {row.deployment_id for row in rows if row.made_for == uid or row.deployment_id in named}
        return ours - others - self.left

    def _of(self, versions: set[str]) -> set[str]:
        known: set[Any] = versions & set(VERSIONS)
        return set().union(*(self.nvcf.held_or_coming(version) for version in known)) if known else set()
