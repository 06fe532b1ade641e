"""A world of FunctionDeployments that refer to CloudFunctions, whose versions are registered when a test says so."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.core.model.references import FollowedFunction
from nvcf_operator.flowcontrol.priority import Priority
from tests.property.chance import Chance, Write
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import FUNCTION, GPU, Account
from tests.property.operator_process import OperatorProcess

LLAMA = Key("team", "llama", CLOUD_FUNCTION)
ECHO, OTHER = Key("team", "echo"), Key("team", "other")


@dataclass(slots=True)
class Functions:
    """The CloudFunctions of a cluster, as the operator's cache shows them."""

    cluster: Cluster
    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)

    def function(self, key: Key) -> FollowedFunction | None:
        obj = self.objects.get(key)
        return FollowedFunction.read(obj) if obj is not None else None

    def followers(self, function_id: str) -> Iterable[Key]:
        functions = [key for key, obj in self.objects.items() if obj["status"].get("functionId") == function_id]
        return [follower for key in functions for follower in self.followers_of(key)]

    def followers_of(self, function: Key) -> list[Key]:
        return [
            key
            for key, obj in self.cluster.objects.items()
            if key.namespace == function.namespace and obj["spec"].get("functionRef", {}).get("name") == function.name
        ]

    def edit(self, key: Key = LLAMA, **spec: Any) -> None:
        """A user's change of a manifest, which makes a CloudFunction if there is none."""
        known = self.objects.get(key)
        generation = known["metadata"]["generation"] + 1 if known is not None else 1
        metadata = {"namespace": key.namespace, "name": key.name, "uid": f"uid-{key.name}", "generation": generation}
        self.objects[key] = {
            "metadata": metadata,
            "spec": {"name": key.name, **spec},
            "status": known["status"] if known is not None else {},
        }

    def register(self, version: str, key: Key = LLAMA) -> None:
        """What the operator writes once NVCF has a version for the manifest as it is, or had one already."""
        obj = self.objects[key]
        revision, before = obj["spec"].get("revision"), obj["status"].get("versions", [])
        entry = {"versionId": version, "hash": f"h1{version[-1]}", **({"revision": revision} if revision else {})}
        obj["status"] = {
            "uid": obj["metadata"]["uid"],
            "functionId": FUNCTION,
            "accountId": "acme",
            "latest": {**entry, "generation": obj["metadata"]["generation"]},
            "versions": [entry, *(item for item in before if item["versionId"] != version)],
        }


class World:
    """One cluster, one account, one operator after another; nothing happens that a test does not ask for."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.account = Account(random.Random(0), quiet=True)
        self.functions = Functions(self.cluster)
        self.operator = OperatorProcess(self.cluster, self.account, self.functions)

    def create(self, key: Key, *, revision: str | None = None, **changes: Any) -> None:
        """A FunctionDeployment that refers to `llama`."""
        self.cluster.now = self.account.now
        ref = {"name": LLAMA.name, **({"revision": revision} if revision else {})}
        self.cluster.create(key, {"functionRef": ref, "deploymentSpecifications": [GPU], **changes})

    def edit(self, key: Key, *, gpu: str | None = None, revision: str | None = None, **changes: Any) -> None:
        """A user's change of its manifest."""
        if gpu is not None:
            changes["deploymentSpecifications"] = [{**GPU, "gpu": gpu}]
        if revision is not None:
            changes["functionRef"] = {"name": LLAMA.name, "revision": revision}
        self.cluster.now = self.account.now
        self.cluster.edit(key, **changes)

    def edit_function(self, **spec: Any) -> None:
        """A user's change of the CloudFunction, which the cache shows at once."""
        self.functions.edit(LLAMA, **spec)
        self._queue(LLAMA)

    def register(self, version: str, key: Key = LLAMA) -> None:
        """The registration of what the CloudFunction's manifest says."""
        self.functions.register(version, key)
        self._queue(key)

    def forget_function(self) -> None:
        """Take the CloudFunction away."""
        del self.functions.objects[LLAMA]
        self._queue(LLAMA)

    def live(self, seconds: float) -> None:
        """Let time pass, and the operator reconcile as often as it wants to."""
        end = self.account.now + seconds
        while True:
            self.operator.reconcile(Chance(), at_all=False)
            if self.account.now >= end:
                return
            self.account.advance(max(0.5, min(self.operator.due_in, end - self.account.now)))

    def status(self, key: Key) -> dict[str, Any]:
        """The status of a FunctionDeployment."""
        found: dict[str, Any] = self.cluster.objects[key]["status"]
        return found

    def ready(self, key: Key) -> tuple[str, str]:
        """Status and reason of Ready."""
        found = next(item for item in self.status(key)["conditions"] if item["type"] == "Ready")
        return found["status"], found["reason"]

    def writes(self, since: int = 0) -> list[tuple[str, str]]:
        """Methods and versions of the changes that were made in NVCF."""
        return [(write.kind, write.version) for write in self.operator.writes[since:]]

    def posts(self) -> list[Write]:
        """The POSTs."""
        return [write for write in self.operator.writes if write.kind == "POST"]

    def serving(self) -> set[str]:
        """Versions that answer requests."""
        return {version for version, row in self.account.rows.items() if row.status == "ACTIVE"}

    def _queue(self, function: Key) -> None:
        for key in self.functions.followers_of(function):
            self.operator.schedule.add(key, Priority.LOW, self.account.now, self.account.now)
