"""NVCF's functions API in front of the model of its registry, beside the deployments of the same account."""

import json
from typing import Any

from nvcf_client import errors
from nvcf_client.requests import Request
from nvcf_operator.accounts.account import Account
from nvcf_operator.api.names import CLOUD_FUNCTION
from nvcf_operator.flowcontrol.limiters import Admission
from tests.property.chance import READS, WRITES, Write
from tests.property.cluster_model import Cluster, copied
from tests.property.function_writes import DeploymentAsked, FunctionWrite, RowAsItWas
from tests.property.nvcf_api import Door, Process
from tests.property.nvcf_model import Account as Nvcf
from tests.property.registry_model import HANGS_UP, LATEST, Registry, Version

READ = ("list_functions", "list_function_versions", "get_function")
REGISTERS = ("create_function", "create_function_version")
CHANGES = {
    "update_function": "PUT",
    "update_function_metadata": "PUT",
    "delete_rate_limit": "DELETE rate limit",
    "update_function_secrets": "PUT secrets",
}
"""Changes in place, by operation; the words are those of `FunctionWrite.kind`."""

CHANGE_TAKES = 0.2
"""Seconds for a change in place."""

CHANGE_HANGS_UP = 30.0
"""Seconds after which the client gives up a change in place."""


class RegistryDoor(Door):
    """One process's way to NVCF, functions included."""

    def __init__(self, account: Account, nvcf: Nvcf, cluster: Cluster, process: Process, registry: Registry) -> None:
        super().__init__(account, nvcf, cluster, process)
        self._registry = registry
        self.written: list[FunctionWrite] = []
        self.asked: list[DeploymentAsked] = []
        """What was true of the version at each change of a deployment, in the order of the process's `writes`."""

    async def send(self, request: Request[Any], admission: Admission) -> Any:
        """Answer a call by the models."""
        if request.operation in READ:
            self._process.called()
            return self._read(request)
        if request.operation in REGISTERS:
            self._process.called()
            return self._register(request)
        if request.operation == "delete_function":
            self._process.called()
            return self._delete(request)
        if request.operation in CHANGES:
            self._process.called()
            return self._change_in_place(request, CHANGES[request.operation])
        return await super().send(request, admission)

    def _read(self, request: Request[Any]) -> Any:
        chance, parts = self._process.chance, request.path.split("/")
        if request.operation == "get_function":
            chance.boundary()
            if (fault := chance.fault_of(READS)) == "500":
                raise self._error(request, errors.ServerFault, 500)
            if fault == "another account's key":
                self._elsewhere, self._account.listing = True, None
            found = self._registry.there(parts[-1])
            if found is None or self._elsewhere:
                raise self._error(request, errors.NotFound, 404)
            with_details = {**self._shown_with_secrets(found), "activeInstances": []}
            return self._answer(request, {"function": with_details})
        if self._elsewhere:
            stranger = {"id": "x", "versionId": "another", "ncaId": "other", "status": "INACTIVE", "name": "x"}
            return self._answer(request, {"functions": [stranger]})
        shown = [self._registry.shown(item) for item in self._registry.visible]
        if request.operation == "list_function_versions":
            shown = [item for item in shown if item["id"] == parts[-2]]
            if not shown:
                raise self._error(request, errors.NotFound, 404)
        return self._answer(request, {"functions": shown})

    def _register(self, request: Request[Any]) -> Any:
        chance, nvcf, registry, process = self._process.chance, self._nvcf, self._registry, self._process
        function_id = request.path.split("/")[-2] if request.operation == "create_function_version" else None
        body = json.loads(request.body or b"{}")
        chance.boundary()
        write = self._noted("POST", body=body, function_id=function_id)
        uid = write.latest["metadata"]["uid"] if write.latest is not None else ""
        fault = chance.fault_of(WRITES)
        chance.interferes(process.reconciling)
        if fault is None and "POST" in nvcf.failing:
            raise self._error(request, errors.ServerFault, 500)
        if fault is None and body.get("containerImage") in registry.unpushed:
            chance.boundary()
            raise self._error(request, errors.NotFound, 404)
        if fault is None and registry.lost:
            fault = registry.lost.pop(0)
        if fault == "refused":
            chance.boundary()
            raise self._error(request, errors.Rejected, 400)
        made: Version | None = None
        match fault:
            case "lost, not done":
                pass
            case "lost, runs on":
                after = registry.chance.choice(
                    (registry.chance.uniform(1.0, 60.0), registry.chance.uniform(1.0, LATEST))
                )
                registry.register(function_id, body, made_for=uid, process=process.number, after=after)
                nvcf.advance(registry.chance.choice((0.0, HANGS_UP)))
            case _:
                made = registry.register(function_id, body, made_for=uid, process=process.number)
        chance.boundary()
        if fault is not None:
            raise self._error(request, errors.OutcomeUnknown, None)
        if made is None:
            raise self._error(request, errors.NotFound, 404)
        return self._answer(request, {"function": self._shown_with_secrets(made)})

    def _delete(self, request: Request[Any]) -> Any:
        chance, version_id = self._process.chance, request.path.split("/")[-1]
        chance.boundary()
        self._noted("DELETE", version_id=version_id)
        fault = chance.fault_of(WRITES)
        chance.interferes(self._process.reconciling)
        done = False
        if fault is None and "DELETE" in self._nvcf.failing:
            raise self._error(request, errors.ServerFault, 500)
        if fault == "refused":
            raise self._error(request, errors.Rejected, 400)
        if fault not in ("lost, not done", "lost, runs on"):
            done = self._registry.delete(version_id)
        chance.boundary()
        if fault is not None:
            raise self._error(request, errors.OutcomeUnknown, None)
        if not done:
            raise self._error(request, errors.NotFound, 404)
        return request.result(b"")

    def _change_in_place(self, request: Request[Any], kind: str) -> Any:
        """Change a row or the values of secrets, or lose the answer, or go on with it for a while."""
        chance, registry, process = self._process.chance, self._registry, self._process
        version_id, body = request.path.split("/")[-1], json.loads(request.body or b"{}")
        chance.boundary()
        write = self._noted(kind, body=body, version_id=version_id)
        uid = write.latest["metadata"]["uid"] if write.latest is not None else ""
        fault = chance.fault_of(WRITES)
        chance.interferes(process.reconciling)
        self._nvcf.advance(CHANGE_TAKES)  # so that a list of before is older
        if fault is None and registry.slow:
            fault = registry.slow.pop(0)
        if fault == "refused":
            chance.boundary()
            raise self._error(request, errors.Rejected, 400)
        found = registry.there(version_id)
        if fault is None and found is None:
            chance.boundary()
            raise self._error(request, errors.NotFound, 404)
        refused = False
        if found is not None and fault != "lost, not done":
            fields = {"rateLimit": None} if kind == "DELETE rate limit" else body
            values = {item["name"]: item["value"] for item in body.get("secrets", ())}
            if kind == "PUT secrets" and fault == "lost, runs on" and found.secrets:
                registry.races.send_slowly(version_id, values, uid, process.number)
                self._nvcf.advance(registry.chance.choice((0.0, CHANGE_HANGS_UP)))
            elif kind == "PUT secrets":
                refused = not registry.set_secrets(found, values)
            elif fault == "lost, runs on":
                registry.races.change_slowly(version_id, fields, uid, process.number)
                self._nvcf.advance(registry.chance.choice((0.0, CHANGE_HANGS_UP)))
            else:
                registry.races.change(version_id, fields)
        chance.boundary()
        if fault is not None:
            raise self._error(request, errors.OutcomeUnknown, None)
        if refused:
            raise self._error(request, errors.Rejected, 400)
        if kind != "PUT":
            return request.result(b"")
        assert found is not None, "what is not there is answered with 404"
        return self._answer(request, {"function": registry.shown(found)})

    def _post_slowly(self, version: str, specifications: list[dict[str, Any]], uid: str) -> None:
        """Go on with a POST; what it has read of the version, it writes back at its end."""
        running = len(self._nvcf.running)
        super()._post_slowly(version, specifications, uid)
        for post in self._nvcf.running[running:]:
            self._registry.races.posting(post)

    def _shown_with_secrets(self, item: Version) -> dict[str, Any]:
        """A version as reads of it and the answer to its registration show it."""
        return self._registry.shown(item) | ({"secrets": sorted(item.secrets)} if item.secrets else {})

    @staticmethod
    def _answer(request: Request[Any], body: dict[str, Any]) -> Any:
        return request.result(json.dumps(body).encode())

    def _note(self, kind: str, version: str, specification: str | None, *, graceful: bool) -> Write:
        """Write down a change of a deployment, and what was true of its version."""
        found = self._registry.rows.get(version)
        self.asked.append(
            DeploymentAsked(
                found,
                RowAsItWas.of(found) if found is not None else None,
                tuple((key, copied(obj)) for key, obj in self._cluster.objects.items()),
                self._registry.races.of(version),
                self._process.number,
            )
        )
        return super()._note(kind, version, specification, graceful=graceful)

    def _noted(
        self,
        kind: str,
        *,
        body: dict[str, Any] | None = None,
        function_id: str | None = None,
        version_id: str | None = None,
    ) -> FunctionWrite:
        process, registry, reconciling = self._process, self._registry, self._process.reconciling
        key = reconciling if reconciling is not None and reconciling.kind is CLOUD_FUNCTION else None
        latest = self._cluster.read(key) if key is not None else None
        uid = latest["metadata"]["uid"] if latest is not None else ""
        version = registry.rows.get(version_id) if version_id is not None else None
        deployment = self._nvcf.rows.get(version_id) if version_id is not None else None
        write = FunctionWrite(
            at=self._nvcf.now,
            kind=kind,
            key=key,
            latest=latest,
            objects=tuple((other, copied(obj)) for other, obj in self._cluster.objects.items()),
            process=process.number,
            tampered=uid in process.tampered,
            body=body or {},
            function_id=function_id,
            version=version,
            row=RowAsItWas.of(version) if version is not None else None,
            deployed=deployment is not None and deployment.is_live,
            rows=tuple(registry.visible),
            coming=tuple(registry.coming),
            secrets=self._cluster.secrets,
            changing=registry.races.of(version_id or ""),
            posting=tuple((post.made_for, post.process) for post in self._nvcf.running if post.version == version_id),
        )
        self.written.append(write)
        return write
