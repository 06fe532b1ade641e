"""A run about a CloudFunction, what happens in it, and how it ended, in a form in which two runs can be compared."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION
from tests.chaos.environment import NAME, Run
from tests.support.cluster import Namespace
from tests.support.function_secrets import NAME as SECRET
from tests.support.function_secrets import allow_reading, put_secret, taken
from tests.support.functions import MARK, function_manifest, mark_of

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
        """The versions that the resource's function has in NVCF, in the order in which they were registered.

        `createdAt` cannot order two versions of one second: the simulator shows it with any number of digits, or none.
        """
        return [item for item in self.simulator.state(alive=True)["functions"] if item["name"] == f"{self.name}-llama"]

    def keep_secret(self, value: str) -> None:
        """Have the Secret, which the operator may read, hold a value, and have it read now."""
        self._did("the Secret gets a value")
        namespace = Namespace(self.environment.plane, self.namespace)
        allow_reading(namespace, SECRET)
        put_secret(namespace, {"token": value}, allow=NAME)

    def until_sent(self, value: str) -> None:
        """Wait until all versions have that value of the secret."""
        self.eventually(
            lambda: [self.simulator.has_secrets(item["versionId"], TOKEN=value) for item in self.versions_there()],
            lambda found: bool(found) and all(found),
            "the value is sent",
        )

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
        """Observe a run that began at this cursor of NVCF's log."""
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
        versions = [
            {
                "version": item["versionId"],
                "mark": mark,
                "tags": sorted(tag for tag in item.get("tags", ()) if not tag.startswith(MARK)),
                "rateLimit": item.get("rateLimit"),
                "secrets": run.simulator.secrets(item["versionId"]),
            }
            for item, mark in zip(there, marks, strict=True)
        ]
        return cls(_named(_shown(found), names), _named(versions, names), len(posts))


def _shown(found: Json | None) -> object:
    if found is None:
        return "gone"
    status = {name: value for name, value in found.get("status", {}).items() if name not in _LOST_WITH_A_CRASH}
    status.pop("credential", None)
    for item in (*status.get("versions", ()), status.get("intent", {})):
        if "secrets" in item:
            item["secrets"] = "<sources>"  # a digest of uid and version of a Secret, which each run has of its own
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


def change(run: FunctionRun) -> None:
    """Tags and rate limit change."""
    run.edit(tags=["team:b", "grade=2"], rateLimit={"perUserRate": "10-S"})
    run.until_ready()


OLD_VALUE, NEW_VALUE = "alt <&>", "Schlüssel „neu“ <&>"


def with_secret(run: FunctionRun) -> None:
    """Begin with a version that has a secret."""
    run.keep_secret(OLD_VALUE)
    register(run, secrets=[taken("TOKEN", "token")])
    run.until_sent(OLD_VALUE)


def rotate(run: FunctionRun) -> None:
    """The value of a secret changes."""
    run.keep_secret(NEW_VALUE)
    run.annotate(reconcile_requested_at="rotated")
    run.until_sent(NEW_VALUE)
    run.until_ready()
    run.until(lambda found: found["status"].get("lastHandledReconcileAt") == "rotated", "the request is answered")


def of_somebody(run: FunctionRun) -> None:
    """Begin with a function that somebody else has registered, with the content of the manifest."""
    details = {"inferenceUrl": "/v1/chat", "containerImage": "nvcr.io/org/llama:1", "tags": ["owner=ops"]}
    run.simulator.add_function(f"{run.name}-llama", ncaId=run.name, details=details)


def adopt(run: FunctionRun) -> None:
    """A manifest adopts it."""
    run.register(adoptionPolicy="Adopt")
    run.until_ready()


FUNCTION_SCENARIOS: Mapping[str, FunctionScenario] = {
    "register": FunctionScenario(register),
    "replace": FunctionScenario(replaced_version, lambda run: register(run, history={"limit": 0})),
    "delete": FunctionScenario(delete, register),
    "change": FunctionScenario(change, lambda run: register(run, tags=["team:a"])),
    "rotate": FunctionScenario(rotate, with_secret),
    "adopt": FunctionScenario(adopt, of_somebody),
}
