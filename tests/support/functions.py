"""CloudFunctions as a user handles them, and what the simulator holds of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nvcf_operator.api.names import API_VERSION, CLOUD_FUNCTION
from tests.support.cluster import Namespace
from tests.support.control import Control
from tests.support.waiting import eventually

Json = dict[str, Any]

MARK = "nvcf-operator:1:"
REGISTRATIONS = ("createFunction", "createVersion")


def function_manifest(name: str = "llama", /, *, template: Mapping[str, Any] | None = None, **spec: Any) -> Json:
    """A small manifest; `template` changes its template, where None removes a field, and `spec` the rest."""
    content = {"inferenceUrl": "/v1/chat", "containerImage": "nvcr.io/org/llama:1", **(template or {})}
    return {
        "apiVersion": API_VERSION,
        "kind": CLOUD_FUNCTION.name,
        "metadata": {"name": name},
        "spec": {"name": name, "template": {k: v for k, v in content.items() if v is not None}, **spec},
    }


@dataclass(frozen=True)
class Functions:
    """The CloudFunctions of one namespace, and their versions in a simulator, under names that nobody else uses."""

    namespace: Namespace
    simulator: Control
    cursor: int = 0

    @classmethod
    def of(cls, namespace: Namespace, simulator: Control) -> "Functions":
        """Those of a namespace; what was asked of the simulator before does not count."""
        return cls(replace(namespace, kind=CLOUD_FUNCTION), simulator, simulator.cursor)

    def called(self, name: str = "llama") -> str:
        """The name in NVCF of the function that a resource of that name manages."""
        return f"{name}-{self.namespace.name}"

    def manifest(self, name: str = "llama", /, *, template: Mapping[str, Any] | None = None, **spec: Any) -> Json:
        """A small manifest; `template` changes its template, where None removes a field, and `spec` the rest."""
        return function_manifest(name, template=template, **{"name": self.called(name), **spec})

    def apply(self, name: str = "llama", /, *, template: Mapping[str, Any] | None = None, **spec: Any) -> None:
        """Apply that manifest."""
        self.namespace.apply(self.manifest(name, template=template, **spec))

    def change(self, name: str = "llama", **template: Any) -> None:
        """Change fields of the template; None removes one."""
        self.namespace.edit(name, template=template)

    def status(self, name: str = "llama") -> Json:
        """The status of a resource."""
        found: Json = self.namespace.get(name)["status"]
        return found

    def latest(self, name: str = "llama") -> str:
        """The latest version of a resource."""
        return str(self.status(name)["latest"]["versionId"])

    def versions(self, name: str = "llama") -> list[Json]:
        """The versions that its function has in NVCF, the oldest first."""
        found = [item for item in self.simulator.state()["functions"] if item["name"] == self.called(name)]
        return sorted(found, key=lambda item: str(item["createdAt"]))

    def ids(self, name: str = "llama") -> list[str]:
        """The ids of those versions."""
        return [item["versionId"] for item in self.versions(name)]

    def marked(self, name: str = "llama") -> list[str]:
        """The ids of those that bear a mark."""
        return [item["versionId"] for item in self.versions(name) if mark_of(item)]

    def operations(self) -> list[str]:
        """The changes that were asked for in NVCF for these functions, the oldest first."""
        return [entry["operation"] for entry in self.log() if entry["mutating"]]

    def posts(self) -> int:
        """How many registrations were asked for."""
        return sum(entry["operation"] in REGISTRATIONS for entry in self.log())

    def log(self) -> list[Json]:
        """The requests for functions of this namespace, the oldest first."""
        entries = self.simulator.log(self.cursor)
        registered = [entry for entry in entries if self.namespace.name in str(entry["body"])]
        ids = {entry["functionId"] for entry in registered if entry["functionId"]}
        return [entry for entry in entries if entry in registered or entry["functionId"] in ids]

    def until_deployed_alone(self, version: str) -> None:
        """Wait until a version is the only one of these functions that is deployed."""
        eventually(
            lambda: set(self.simulator.deployments()) & set(self.ids()),
            lambda found: found == {version},
            within=60,
            what="it is deployed alone",
        )

    def until_polled(self, times: int = 3) -> None:
        """Wait until the functions were listed so many times from now on."""
        since = self.simulator.cursor
        eventually(
            lambda: len(self.simulator.log(since, operation="listFunctions")),
            lambda number: number >= times,
            within=30,
            what=f"{times} polls",
        )


def mark_of(version: Json) -> str | None:
    """The mark of a version as the simulator's state shows it."""
    tags = (version.get("details") or version).get("tags") or ()
    return next((tag for tag in tags if tag.startswith(MARK)), None)
