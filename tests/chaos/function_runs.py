"""A run about a CloudFunction, what happens in it, and how it ended, in a form in which two runs can be compared."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION
from tests.chaos.environment import NAME, Run
from tests.support.functions import function_manifest, mark_of

Json = dict[str, Any]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_LOST_WITH_A_CRASH = ("lastWrite", "retry")
"""Members of the status that count: what a crash has lost of them harms nobody."""


class FunctionRun(Run):
    """One run."""

    kind = CLOUD_FUNCTION
    end = "Deleted"

    def register(self, **spec: Any) -> None:
        """Apply a manifest."""
        self._did("the manifest is applied")
        collection = self.path.rpartition("/")[0]
        self.kube.create(collection, function_manifest(NAME, **{"name": f"{self.name}-llama", **spec}))

    def versions_there(self) -> list[Json]:
        """The versions that the resource's function has in NVCF, the oldest first."""
        found = [item for item in self.simulator.state()["functions"] if item["name"] == f"{self.name}-llama"]
        return sorted(found, key=lambda item: str(item["createdAt"]))

    def until_versions(self, number: int) -> None:
        """Wait until so many versions are there."""
        self.eventually(lambda: len(self.versions_there()), lambda found: found == number, f"{number} versions")

    def clean_up(self) -> None:
        """End the operator and take away what the run made."""
        super().clean_up()
        for version in self.versions_there():
            self.simulator.remove(version["versionId"])


@dataclass(frozen=True)
class FunctionOutcome:
    """The end of a run."""

    resource: str
    """Finalizers and status, or that it is gone."""
    versions: str
    """The versions in NVCF, with what their marks say."""
    posts: int
    """How many registrations NVCF has carried out, or may have, since the scenario began."""

    @classmethod
    def of(cls, run: FunctionRun, cursor: int) -> "FunctionOutcome":
        """Look at a run that began at this cursor of NVCF's log."""
        there, found = run.versions_there(), run.find()
        names = {item["versionId"]: f"<version-{number}>" for number, item in enumerate(there, 1)}
        names |= {item["id"]: "<function>" for item in there} | {run.name: "<run>"}
        marks = [(mark_of(item) or "").split(":") for item in there]
        names |= {part: "<token>" for mark in marks for part in mark[4:5]}
        if found is not None:
            uid = found["metadata"]["uid"]
            names |= {uid: "<uid>", uid.replace("-", ""): "<uid>"}
            names |= {token: "<token>" for token in [found["status"].get("intent", {}).get("token")] if token}
        posts = [entry for entry in run.asked(cursor) if entry["operation"] in ("createFunction", "createVersion")]
        versions = [{"version": item["versionId"], "mark": mark} for item, mark in zip(there, marks, strict=True)]
        return cls(_named(_shown(found), names), _named(versions, names), len(posts))


def _shown(found: Json | None) -> object:
    if found is None:
        return "gone"
    status = {name: value for name, value in found.get("status", {}).items() if name not in _LOST_WITH_A_CRASH}
    status.pop("credential", None)
    return {"finalizers": found["metadata"].get("finalizers", []), "status": status}


def _named(value: object, names: Mapping[str, str]) -> str:
    text = _TIME.sub("<time>", json.dumps(value, indent=1, sort_keys=True))
    for known, name in sorted(names.items(), key=lambda item: -len(item[0])):
        text = text.replace(known, name)
    return text


@dataclass(frozen=True)
class FunctionScenario:
    """One thing that happens to a CloudFunction."""

    play: Callable[[FunctionRun], object]
    prepare: Callable[[FunctionRun], object] = lambda run: None


def register(run: FunctionRun, **spec: Any) -> None:
    """A manifest is applied."""
    run.register(**spec)
    run.until_ready()


def another_version(run: FunctionRun) -> None:
    """The template changes; the former version stays registered."""
    run.edit(template={"containerImage": "nvcr.io/org/llama:2"})
    run.until_ready()


def replaced_version(run: FunctionRun) -> None:
    """The template changes, and the former version is deleted."""
    another_version(run)
    run.until_versions(1)
    run.until(lambda found: len(found["status"]["versions"]) == 1, "the record has forgotten it")


def delete(run: FunctionRun) -> None:
    """The resource is deleted."""
    run.delete()
    run.until_gone()


FUNCTION_SCENARIOS: Mapping[str, FunctionScenario] = {
    "register": FunctionScenario(register),
    "replace": FunctionScenario(replaced_version, lambda run: register(run, history={"limit": 0})),
    "delete": FunctionScenario(delete, register),
}
