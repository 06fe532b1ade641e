"""One random life: a resource with its account and operator, a neighbour that nothing may touch, and what was left."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos import user_actions
from tests.chaos.environment import NAME, Run
from tests.support.cluster import manifest

Json = dict[str, Any]

VERSIONS = 3
NEIGHBOUR = "neighbour"
MANIFEST = [
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 3},
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 0, "maxInstances": 4},
]
"""GPU specifications; a resource has the first one, two, or all."""


@dataclass
class Life:
    """A run, and what its story has to remember.

    Attributes:
        specifications: how many GPU specifications the manifests have.
        neighbour: version of another resource, which holds it all the time.
        first: copy of the resource as it was when it was born.
        forced: versions of resources that were forced away.
        left: those that nobody undeploys or reports: no operator ran then, or it was killed before it had.
        ghosts: versions whose rows the server's own loop has brought back.
        failed: whether instances have failed.

    """

    run: Run
    specifications: int = 1
    neighbour: str = ""
    first: Mapping[str, Any] = field(default_factory=dict)
    forced: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    ghosts: set[str] = field(default_factory=set)
    failed: bool = False

    def begin(self) -> None:
        """Have a neighbour from now on."""
        self.neighbour = self.run.add_version()
        self.run.versions.remove(self.neighbour)
        self.run.kube.create(user_actions.path_of(self.run, ""), manifest(NEIGHBOUR, self.run.function, self.neighbour))

    def be_born(self) -> None:
        """Apply a manifest, with versions that no resource before it has had: of those a crash forgets the last
        moments.
        """
        for _ in range(VERSIONS):
            self.run.add_version()
        version, several = self.run.versions[-VERSIONS], MANIFEST[: self.specifications]
        self.run.apply(functionVersionId=version, deploymentSpecifications=several)
        self.first = user_actions.saved(self.run)

    def there(self) -> list[str]:
        """The versions of the run that NVCF has a deployment of."""
        return sorted(set(self.run.versions) & set(self.run.simulator.deployments()))

    def reports(self) -> str:
        """What Events say was left behind, by whichever object of the namespace."""
        found = self.run.kube.get(f"/api/v1/namespaces/{self.run.namespace}/events")
        events = found["items"] if found is not None else []
        return "\n".join(event["message"] for event in events if event["reason"] == "LeftBehind")

    def not_reported(self) -> list[str]:
        """Deployments that the server has lost from sight, with instances that run, and that no Event names."""
        mine = [item for item in self.run.simulator.leaked() if item["functionId"] == self.run.function]
        reports = self.reports() if mine else ""
        return sorted({item["deploymentId"] for item in mine if item["deploymentId"] not in reports})

    def strays(self) -> list[str]:
        """The versions that are deployed for nobody, are not on their way out, and that no Event names."""
        deployed, reports = self.run.simulator.deployments(), self.reports()
        rows = {version: deployed[version] for version in self.run.versions if version in deployed}
        stays = {version for version, row in rows.items() if row["functionStatus"] != "INACTIVE"}
        excepted = self.left | self.ghosts | {version for version in rows if version in reports}
        return sorted(stays - excepted)

    def force_away(self) -> None:
        """Delete the resource and strip its finalizers."""
        self.note_end()
        user_actions.force_away(self.run)

    def note_end(self) -> None:
        """Note that the resource goes without the operator."""
        found = self.run.find() or {"spec": {}}
        status = found.get("status", {})
        known = [
            found["spec"],
            status,
            *status.get("retiring", []),
            *(status.get(n, {}) for n in ("incoming", "intent")),
        ]
        self.forced |= {item["functionVersionId"] for item in known if item and "functionVersionId" in item}

    def kill(self) -> None:
        """Kill the operator, which takes along what it alone knew of resources that are gone, and start another one."""
        found = self.run.find() or {"spec": {}}
        posts = self.run.asked(self.run.cursor, operation="createDeployment", inFlight=True)
        self.run.restart()
        stray = {*self.strays(), *(entry["functionVersionId"] for entry in posts)}
        self.left |= stray & self.forced - {found["spec"].get("functionVersionId")}

    def clean_up(self) -> None:
        """Take away what the run does not know of: the neighbour, and copies that are still there."""
        run = self.run
        found = run.kube.get(user_actions.path_of(run, "")) or {"items": []}
        for item in found["items"]:
            if (name := item["metadata"]["name"]) != NAME:
                run.kube.delete(user_actions.path_of(run, name))
                run.kube.merge(user_actions.path_of(run, name), dict(user_actions.STRIPPED))
        run.versions.append(self.neighbour)


Drawn = tuple[str, Callable[[Life], object]]
"""What is done, and how."""
