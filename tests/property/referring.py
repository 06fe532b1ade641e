"""Stories whose resources refer to CloudFunctions in place of naming ids: what holds of ids holds of them.

The books and oracles read the ids of a manifest. So they stay in the objects of the model, as those that a reference
leads to, and the operator's cache does not show them where there is a reference.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis.stateful import rule

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.decision import Undeploy
from nvcf_operator.core.model.references import FollowedFunction, RegisteredVersion
from nvcf_operator.core.rules.references import MAKES_ANEW
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import ACCOUNT, FUNCTION, VERSIONS
from tests.property.operator_process import OperatorProcess
from tests.property.story import Story, chances, version, which

REGISTERED = tuple(RegisteredVersion(version, f"h1{version[-1]}", version[-1], None) for version in VERSIONS)


class Pinning(Cluster):
    """A cluster whose manifests pin the version that they name."""

    def create(self, key: Key, spec: dict[str, Any], like: Mapping[str, Any] | None = None) -> None:
        super().create(key, spec | _reference(spec), like)

    def edit(self, key: Key, **changes: Any) -> bool:
        return super().edit(key, **changes | _reference(changes))


def _reference(spec: Mapping[str, Any]) -> dict[str, Any]:
    if "functionVersionId" not in spec:
        return {}
    return {"functionRef": {"name": "llama", "revision": spec["functionVersionId"][-1]}}


@dataclass(slots=True)
class AllRegistered:
    """A CloudFunction in each namespace, with all versions."""

    cluster: Cluster

    def function(self, key: Key) -> FollowedFunction | None:
        return FollowedFunction(
            uid=f"uid-{key}",
            generation=3,
            function_id=FUNCTION,
            account_id=ACCOUNT,
            revision=REGISTERED[-1].revision,
            latest=REGISTERED[-1],
            versions=REGISTERED,
            stalled=False,
        )

    def followers(self, function_id: str) -> Iterable[Key]:
        return tuple(self.cluster.objects)


class Pinned(Story):
    """What can happen to resources that pin versions."""

    def __init__(self) -> None:
        super().__init__()
        self.operator.close()
        self.cluster = Pinning()
        self.books.cluster = self.cluster
        self.operator = OperatorProcess(self.cluster, self.account, AllRegistered(self.cluster))


SETTLED = 6.0
"""Seconds after which a change is not young any more."""


class Registering(Cluster):
    """A cluster with a CloudFunction for each resource; another version is a change of that, not of the resource."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: dict[Key, FollowedFunction] = {}
        """By the keys of the resources that refer to them."""

    def create(self, key: Key, spec: dict[str, Any], like: Mapping[str, Any] | None = None) -> None:
        self.register(key, spec["functionVersionId"])
        super().create(key, spec | {"functionRef": {"name": key.name}}, like)

    def edit(self, key: Key, **changes: Any) -> bool:
        version = changes.pop("functionVersionId", None)
        changes = {name: value for name, value in changes.items() if name not in ("functionId", "functionRef")}
        spec = self.objects[key]["spec"]
        moved = version is not None and (version != spec["functionVersionId"] or not self.functions[key].is_registered)
        if moved:
            self.register(key, version)
            self.objects[key]["spec"] = spec | {"functionVersionId": version}
        return super().edit(key, **changes) or moved

    def change_function(self, key: Key) -> None:
        """A user's change of a CloudFunction, whose version is not registered yet."""
        self.functions[key] = replace(self.functions[key], generation=self.functions[key].generation + 1)

    def register(self, key: Key, version: str) -> None:
        """Register a version for the next change of a CloudFunction."""
        generation = self.functions[key].generation + 1 if key in self.functions else 1
        latest = RegisteredVersion(version, f"h1{version[-1]}", None, generation)
        self.functions[key] = FollowedFunction(
            uid=f"uid-{key}",
            generation=generation,
            function_id=FUNCTION,
            account_id=ACCOUNT,
            revision=None,
            latest=latest,
            versions=(),
            stalled=False,
        )

    def function(self, key: Key) -> FollowedFunction | None:
        return self.functions.get(Key(key.namespace, key.name))

    def followers(self, function_id: str) -> Iterable[Key]:
        return tuple(self.objects)


class Following(Story):
    """What can happen to resources that follow CloudFunctions."""

    cluster: Registering
    # Time passes with each step, so that writes become due.
    set_the_clock = None  # type: ignore[assignment]
    # What becomes of forged and copied records is the same as with ids.
    use_a_tool = save = copy_or_restore = forge_a_drain = forge_an_intent = None  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.operator.close()
        self.cluster = Registering()
        self.books.cluster = self.cluster
        self.operator = OperatorProcess(self.cluster, self.account, self.cluster)

    @rule(which=which, chance=chances)
    def change_function(self, which: int, chance: Chance) -> None:
        if (key := self._key(which)) is not None:
            self.cluster.change_function(key)
            self._step(f"the CloudFunction of {key} changes, and nothing is registered for it yet", chance)

    @rule(which=which, of=version, chance=chances)
    def register(self, which: int, of: str, chance: Chance) -> None:
        self._edit(which, chance, functionVersionId=of)

    def _does(self, key: Key, what: str) -> None:
        if what == "delete":
            super()._does(key, what)

    def _step(self, line: str, chance: Chance, seconds: float = 0.0, *, always: bool = False) -> None:
        super()._step(line, chance, max(seconds, SETTLED), always=always)

    def _reconcile(self, chance: Chance, *, at_all: bool) -> None:
        start, waiting = (
            len(self.operator.writes),
            {key for key, function in self.cluster.functions.items() if not function.is_registered},
        )
        super()._reconcile(chance, at_all=at_all)
        for write in self.operator.writes[start:]:
            redeploys = isinstance(write.action, Undeploy) and write.action.purpose in MAKES_ANEW
            if write.key in waiting and (write.kind == "POST" or redeploys):
                raise AssertionError(self._picture(f"{write.kind} of {write.version} before anything is registered"))

    def _end(self) -> None:
        for key, obj in self.cluster.objects.items():
            self.cluster.register(key, obj["spec"]["functionVersionId"])
        super()._end()
