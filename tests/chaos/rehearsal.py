"""What users are about to do in a scenario, done to copies: the objects as they will have applied them.

A scenario's steps are played with nothing behind them: writes to the cluster change copies in memory, nothing happens
in NVCF, and nothing is waited for.
"""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from nvcf_operator.api.names import KINDS, Kind
from tests.chaos.environment import NAME, Run
from tests.chaos.followed_runs import FollowedRun
from tests.support.cluster import resource_path
from tests.support.kube_api import KubeApi

Json = dict[str, Any]


class Anything:
    """Stands for whatever a step asks for: it has every member, item and call, and they are no different."""

    def __getattr__(self, name: str) -> "Anything":
        return self

    def __getitem__(self, name: object) -> "Anything":
        return self

    def __call__(self, *of: object, **more: object) -> "Anything":
        return self

    def __iter__(self) -> "Iterator[Anything]":
        return iter(())


class Copies:
    """The API server, as far as a scenario's steps use it, over copies of what it has."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube
        self.objects: dict[str, Json | None] = {}

    def get(self, path: str, **query: str) -> Json | None:
        if path not in self.objects:
            self.objects[path] = copy.deepcopy(self._kube.get(path))
        return self.objects[path]

    def create(self, path: str, body: Json) -> None:
        self.objects[f"{path}/{body['metadata']['name']}"] = copy.deepcopy(body)

    def merge(self, path: str, body: Json) -> Json | None:
        found = self.get(path)
        if found is None:
            return None
        merged: Json = _merged(found, body)
        if merged["spec"] != found["spec"]:
            merged["metadata"]["generation"] += 1
        self.objects[path] = merged
        return merged

    def delete(self, path: str) -> None:
        found = self.get(path)
        assert found is not None, "there is something to delete"
        found["metadata"]["deletionTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        found["metadata"]["generation"] += 1


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


class Rehearsal(FollowedRun):
    """A run in which nothing happens but to copies."""

    kube: Any
    simulator: Any

    def __init__(self, run: Run) -> None:
        self.__dict__.update(run.__dict__)
        self._run = run
        self.kube, self.simulator, self.steps = Copies(run.kube), Anything(), []
        self.secret: str | None = None
        """The value that the Secret of a function gets."""

    def objects(self) -> dict[Kind, Json]:
        """The resources after what was done, and those to which nothing was done."""
        paths = {kind: resource_path(self.namespace, NAME, kind) for kind in KINDS}
        return {kind: found for kind, path in paths.items() if (found := self.kube.get(path)) is not None}

    def eventually(self, *of: Any, **more: Any) -> Any:
        return Anything()

    def until(self, *of: Any, **more: Any) -> Any:
        return Anything()

    def registered(self) -> list[str]:
        """The function and its versions, and one that is yet to come."""
        known = self._run.registered() if isinstance(self._run, FollowedRun) else ["a function"]
        return [*known, "another version"]

    def use_key(self) -> str:
        return "another key"

    def keep_secret(self, value: str) -> None:
        self.secret = value
