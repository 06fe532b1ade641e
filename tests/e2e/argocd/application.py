"""An Argo CD Application as users handle it: refreshed, watched, acted on, deleted."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hack.controlplane import ControlPlane, KubectlError
from nvcf_operator.api.names import API_VERSION, KIND
from tests.e2e.argocd.argocd import NAMESPACE, ArgoCD
from tests.support.waiting import eventually

_RESOURCE = "applications.argoproj.io"


@dataclass(frozen=True)
class Application:
    """One of them, by its name."""

    name: str
    plane: ControlPlane
    argocd: ArgoCD

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Create or replace it."""
        self.plane.kubectl("-n", NAMESPACE, "apply", "-f", "-", input=json.dumps(manifest))

    def find(self) -> dict[str, Any] | None:
        """Read it; None when it is not there."""
        self.argocd.check()
        try:
            text = self.plane.kubectl("-n", NAMESPACE, "get", _RESOURCE, self.name, "-o", "json")
        except KubectlError as error:
            if "NotFound" in str(error):
                return None
            raise
        value: dict[str, Any] = json.loads(text)
        return value

    def refresh(self) -> None:
        """Have it read git now, as the button does."""
        mark = "argocd.argoproj.io/refresh=normal"
        self.plane.kubectl("-n", NAMESPACE, "annotate", "--overwrite", _RESOURCE, self.name, mark)

    def settle(self, *, within: float = 60) -> None:
        """Wait until it was found Synced after the last sync, and no refresh is asked for."""

        def rest(found: Mapping[str, Any]) -> bool:
            status, finished = found["status"], operation(found)["finishedAt"]
            asked = "argocd.argoproj.io/refresh" in found["metadata"].get("annotations", {})
            if status["sync"]["status"] == "Synced" and status["reconciledAt"] > finished and not asked:
                return True
            if not asked:
                self.refresh()
            return False

        eventually(lambda: self.find() or {}, rest, within=within, what=f"Application {self.name} rests")

    def wait(self, sync: str, health: str, *, revision: str | None = None, within: float = 90) -> None:
        """Wait until it is so, of that commit when one is named."""
        self.wait_until(
            lambda found: state(found) == (sync, health) and revision in (None, synced_revision(found)),
            what=f"{sync} and {health}" + (f" at {revision[:7]}" if revision else ""),
            within=within,
        )

    def wait_until(self, met: Callable[[dict[str, Any]], bool], *, what: str, within: float = 90) -> None:
        """Wait for anything about it."""
        eventually(
            lambda: _state(self.find()),
            met,
            within=within,
            what=f"Application {self.name}: {what}",
        )

    def wait_gone(self, *, within: float = 90) -> None:
        """Wait until it is gone."""
        eventually(self.find, lambda found: found is None, within=within, what=f"Application {self.name} is gone")

    def delete(self) -> None:
        """Ask for its deletion with all that it made, without waiting for the end."""
        self.plane.kubectl("-n", NAMESPACE, "delete", _RESOURCE, self.name, "--wait=false")

    def shown(self, name: str, kind: str = KIND) -> tuple[str, str]:
        """Health and message that Argo CD shows for a resource; empty when it shows none."""
        tree = self.argocd.ask("GET", f"/api/v1/applications/{self.name}/resource-tree")
        for node in tree.get("nodes") or []:
            if node["kind"] == kind and node["name"] == name:
                health = node.get("health", {})
                return health.get("status", ""), health.get("message", "")
        return "", ""

    def wait_shown(self, name: str, status: str, saying: str = "", *, within: float = 60) -> None:
        """Wait until Argo CD shows this health for a FunctionDeployment, with a message that has these words."""
        eventually(
            lambda: self.shown(name),
            lambda seen: seen[0] == status and saying in seen[1],
            within=within,
            what=f"{name} is {status}, saying {saying!r}",
        )

    def offered(self, namespace: str, name: str) -> list[str]:
        """The actions on a FunctionDeployment that can be clicked."""
        answer = self.argocd.ask("GET", self._actions, **self._of(namespace, name))
        return sorted(action["name"] for action in answer["actions"] if not action.get("disabled"))

    def act(self, action: str, namespace: str, name: str) -> None:
        """Run one."""
        body = {**self._of(namespace, name), "name": self.name, "action": action}
        self.argocd.ask("POST", f"{self._actions}/v2", body)

    @property
    def _actions(self) -> str:
        return f"/api/v1/applications/{self.name}/resource/actions"

    @staticmethod
    def _of(namespace: str, name: str) -> dict[str, str]:
        group, version = API_VERSION.split("/")
        return {"namespace": namespace, "resourceName": name, "group": group, "version": version, "kind": KIND}


def _state(found: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is read, and shown when a wait fails."""
    found = found or {}
    annotations = found.get("metadata", {}).get("annotations", {})
    return {"metadata": {"annotations": annotations}, "status": found.get("status", {})}


def state(found: Mapping[str, Any]) -> tuple[str, str]:
    """What the list of Applications shows: sync and health."""
    status = found.get("status", {})
    return status.get("sync", {}).get("status", ""), status.get("health", {}).get("status", "")


def operation(found: Mapping[str, Any]) -> dict[str, Any]:
    """The last sync, or the one under way: its `phase`, `message` and `syncResult`."""
    value: dict[str, Any] = found.get("status", {}).get("operationState", {})
    return value


def synced_revision(found: Mapping[str, Any]) -> str | None:
    """The commit of the last sync, if that has succeeded."""
    last = operation(found)
    revision: str | None = last.get("syncResult", {}).get("revision")
    return revision if last.get("phase") == "Succeeded" else None
