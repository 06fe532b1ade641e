"""NVCF's functions API in front of the model of its registry, beside the deployments of the same account."""

import json
from dataclasses import dataclass
from typing import Any

from nvcf_client import errors
from nvcf_client.requests import Request
from nvcf_operator.accounts.account import Account
from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.flowcontrol.limiters import Admission
from tests.property.chance import READS, WRITES
from tests.property.cluster_model import Cluster, copied
from tests.property.nvcf_api import Door, Process
from tests.property.nvcf_model import Account as Nvcf
from tests.property.registry_model import HANGS_UP, LATEST, Registry, Version

READ = ("list_functions", "list_function_versions", "get_function")
REGISTERS = ("create_function", "create_function_version")


@dataclass(slots=True)
class FunctionWrite:
    """A change of versions that was asked for in NVCF, and how the world really was then."""

    at: float
    kind: str
    """POST or DELETE."""
    key: Key | None
    """The CloudFunction that was reconciled; None for one that is gone."""
    latest: dict[str, Any] | None
    """That object as it really was."""
    objects: tuple[tuple[Key, dict[str, Any]], ...]
    """All objects as they really were."""
    process: int
    tampered: bool
    body: dict[str, Any]
    """Of a POST."""
    function_id: str | None
    version: Version | None
    """Which one a DELETE is about."""
    deployed: bool
    """Whether NVCF had a deployment of it."""
    rows: tuple[Version, ...]
    """The versions that showed."""
    coming: tuple[Version, ...]
    """The versions whose POSTs still ran."""


class RegistryDoor(Door):
    """One process's way to NVCF, functions included."""

    def __init__(self, account: Account, nvcf: Nvcf, cluster: Cluster, process: Process, registry: Registry) -> None:
        super().__init__(account, nvcf, cluster, process)
        self._registry = registry
        self.written: list[FunctionWrite] = []

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
            return self._answer(request, {"function": self._registry.shown(found)})
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
        chance.interferes(process.looking)
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
        return self._answer(request, {"function": registry.shown(made)})

    def _delete(self, request: Request[Any]) -> Any:
        chance, version_id = self._process.chance, request.path.split("/")[-1]
        chance.boundary()
        self._noted("DELETE", version_id=version_id)
        fault = chance.fault_of(WRITES)
        chance.interferes(self._process.looking)
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

    @staticmethod
    def _answer(request: Request[Any], body: dict[str, Any]) -> Any:
        return request.result(json.dumps(body).encode())

    def _noted(
        self,
        kind: str,
        *,
        body: dict[str, Any] | None = None,
        function_id: str | None = None,
        version_id: str | None = None,
    ) -> FunctionWrite:
        process, registry, looking = self._process, self._registry, self._process.looking
        key = looking if looking is not None and looking.kind is CLOUD_FUNCTION else None
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
            deployed=deployment is not None and deployment.is_live,
            rows=tuple(registry.visible),
            coming=tuple(registry.coming),
        )
        self.written.append(write)
        return write
