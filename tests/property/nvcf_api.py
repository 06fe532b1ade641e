"""NVCF's API in front of the model of an account, as the channel of the operator's account: unpaced, and faulty."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Protocol

from pydantic import ValidationError

from nvcf_client import errors
from nvcf_client.endpoints.deployments import NOWHERE
from nvcf_client.models import Function, Instance
from nvcf_client.requests import Request
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.calls import INSTANCES
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.decision import Action, Change, Create, Undeploy
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.core.rules.flap_guard import digest
from nvcf_operator.flowcontrol.limiters import Admission, Limiters
from nvcf_operator.flowcontrol.priority import Caller
from tests.property import oddities
from tests.property.chance import OF_A_DEPENDENCY, READS, WRITES, Chance, Write
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import ACCOUNT, FUNCTION, VERSIONS, hangs_up_after
from tests.property.nvcf_model import Account as Nvcf

BASE_URL = "https://nvcf/v2/nvcf"
CREDENTIAL = Credential(BASE_URL, "nvapi-a-key", "team/nvcf-credentials")
LIMITERS = Limiters(1000.0, 100)
UNREADABLE = object()
"""The answer to a POST that was carried out."""


class Silent:
    """Metrics that nobody reads."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *of, **more: None


class Process(Protocol):
    """What the calls need to know of the process that makes them."""

    number: int
    since: float
    chance: Chance
    reconciling: Key | None
    action: Action | None
    witnessed: set[str]
    writes: list[Write]
    asked_at: dict[str, float]
    asks: Counter[str]
    tampered: set[str]

    def called(self) -> None:
        """Count a call to NVCF for the resource that is reconciled."""


class Door:
    """One process's way to NVCF. Which call fails how, the step's chance says."""

    def __init__(self, account: Account, nvcf: Nvcf, cluster: Cluster, process: Process) -> None:
        self._account = account
        self._nvcf, self._cluster, self._process = nvcf, cluster, process
        self._elsewhere = False
        """The key is another account's for the rest of this reconcile."""

    def reconcile_ends(self) -> None:
        """The key is the right one again."""
        if self._elsewhere:
            self._elsewhere, self._account.listing = False, None

    @asynccontextmanager
    async def admitted(self, caller: Caller) -> AsyncIterator[Admission]:
        """Let everybody in."""
        yield Admission(caller.priority, 0, self._account.limiter)

    async def close(self) -> None:
        """Nothing is open."""

    async def send(self, request: Request[Any], admission: Admission) -> Any:
        """Answer a call by the model."""
        self._process.called()
        if request.operation == "list_functions":
            return oddities.functions([*self._functions()], self._nvcf.odd)
        if request.operation == INSTANCES:
            return self._with_instances(request)
        if request.operation == "get_function":
            version = request.path.rsplit("/", 1)[-1]
            if self._nvcf.odd.get(version) in oddities.OF_LISTS:
                raise self._error(request, errors.InvalidAnswer, 200)
            return SimpleNamespace(function=self._function(version))
        if request.method == "GET":
            return self._get(request)
        return self._change(request)

    def _functions(self) -> list[Function]:
        if self._elsewhere:
            return [self._function("another", account="other")]
        return [self._function(version) for version in VERSIONS]

    def _function(self, version: str, account: str = ACCOUNT) -> Function:
        row = self._nvcf.rows.get(version)
        status = row.status if row is not None else "INACTIVE"
        return Function.model_construct(id=FUNCTION, version_id=version, nca_id=account, status=status)

    def _with_instances(self, request: Request[Any]) -> Any:
        version = request.path.rsplit("/", 1)[-1]
        self._process.chance.boundary()
        self._nvcf.reads.append((self._nvcf.now, version))
        if self._elsewhere or self._nvcf.hides_instances:
            found = None
        else:
            found = tuple(Instance(instance_status=state) for state in self._nvcf.instances(version))
        shown = self._function(version).model_copy(update={"active_instances": found})
        return SimpleNamespace(function=shown, passed_over=())

    def _get(self, request: Request[Any]) -> Any:
        version = request.path.rsplit("/", 1)[-1]
        if version == NOWHERE:
            raise self._error(request, errors.NotFound, 404)
        chance = self._process.chance
        chance.boundary()
        fault = chance.fault_of((*READS, OF_A_DEPENDENCY))
        chance.boundary()
        if fault == "another account's key":
            self._elsewhere, self._account.listing = True, None  # a list is of one key
        row = self._nvcf.rows.get(version)
        match fault:
            case "500":
                raise self._error(request, errors.ServerFault, 500)
            case "401":
                raise self._error(request, errors.Unauthorized, 401)
            case "403":
                raise self._error(request, errors.Forbidden, 403)
        if row is None or self._elsewhere or fault == OF_A_DEPENDENCY:
            raise self._error(request, errors.NotFound, 404)
        try:
            shown = row.shown(self._nvcf.odd.get(version))
        except ValidationError:
            raise self._error(request, errors.InvalidAnswer, 200) from None
        self._process.witnessed.add(row.appearance)
        self._nvcf.shown.append((self._nvcf.now, version))
        return SimpleNamespace(deployment=shown)

    def _change(self, request: Request[Any]) -> Any:
        parts, process, chance = request.path.split("/"), self._process, self._process.chance
        kind, version, specification = request.method, parts[-1], None
        if kind == "PATCH":
            specification, deployment = parts[-1], parts[2]
            version = next((v for v, row in self._nvcf.rows.items() if row.deployment_id == deployment), "gone")
        graceful = dict(request.query).get("graceful") != "false"
        chance.boundary()
        write = self._note(kind, version, specification, graceful=graceful)
        fault, body = chance.fault_of(WRITES), json.loads(request.body or b"{}")
        chance.interferes(process.reconciling)
        if fault is None and kind in self._nvcf.failing:
            chance.boundary()
            write.failed = True
            raise self._error(request, errors.ServerFault, 500)
        if kind == "POST" and fault is None:
            fault = self._nvcf.fate_of_post(version)
        if fault == "refused":
            chance.boundary()
            write.refused = True
            raise self._error(request, errors.Rejected, 400)
        answer: Any = None
        if kind == "POST":
            answer = self._post(version, body["deploymentSpecifications"], fault, write.uid)
        elif fault not in ("lost, not done", "lost, runs on"):
            answer = self._done(kind, version, specification, body, graceful=graceful)
        chance.boundary()
        if fault is not None or answer is UNREADABLE:
            write.failed = True
            raise self._error(request, errors.OutcomeUnknown, None)
        if answer is None:
            gone = kind == "DELETE"
            raise self._error(request, errors.NotFound if gone else errors.Rejected, 404 if gone else 400)
        write.answered = True
        return answer

    def _post(self, version: str, specifications: list[dict[str, Any]], fault: str | None, uid: str) -> Any:
        nvcf = self._nvcf
        if fault == "lost, runs on":
            self._post_slowly(version, specifications, uid)
            nvcf.advance(nvcf.chance.choice((0.0, hangs_up_after(specifications))))
            return None
        if fault == "lost, not done":
            return None
        if version in nvcf.rows:
            return None
        if not nvcf.quiet:
            nvcf.advance(nvcf.chance.choice((0.0, 0.0, 4.0, 30.0)))
        row = nvcf.post(version, specifications, made_for=uid)
        if row is None:
            return None
        self._process.witnessed.add(row.appearance)
        try:
            return SimpleNamespace(deployment=row.shown(nvcf.odd.get(version)))
        except ValidationError:
            return UNREADABLE

    def _post_slowly(self, version: str, specifications: list[dict[str, Any]], uid: str) -> None:
        self._nvcf.post_slowly(version, specifications, uid, self._process.number)

    def _done(self, kind: str, version: str, specification: str | None, body: dict[str, Any], *, graceful: bool) -> Any:
        if kind == "PATCH":
            assert specification is not None, "the path names it"
            row = self._nvcf.patch(version, specification, body)
            return SimpleNamespace() if row is not None else None
        assert kind == "DELETE", f"the model's server has no {kind}"
        return SimpleNamespace() if self._nvcf.delete(version, graceful=graceful) else None

    def _note(self, kind: str, version: str, specification: str | None, *, graceful: bool) -> Write:
        process, nvcf, row = self._process, self._nvcf, self._nvcf.rows.get(version)
        latest = self._cluster.read(process.reconciling) if process.reconciling is not None else None
        uid = latest["metadata"]["uid"] if latest is not None else ""
        action = process.action if process.reconciling is not None else None
        objects = self._cluster.objects.items()
        others = tuple(obj | {"metadata": dict(obj["metadata"])} for key, obj in objects if key != process.reconciling)
        counted = isinstance(action, Create | Change | Undeploy)
        write = Write(
            at=nvcf.now,
            uid=uid,
            kind=kind,
            version=version,
            key=process.reconciling,
            latest=latest,
            others=others,
            action=action,
            graceful=graceful,
            deployment_id=row.deployment_id if row is not None else None,
            made_for=row.made_for if row is not None else None,
            status=row.status if row is not None else None,
            since=row.since if row is not None else nvcf.now,
            drains_since=row.drains_since if row is not None else None,
            error_since=row.error_since if row is not None else None,
            stale=row is not None and row.stale,
            specifications=tuple(dict(item) for item in row.specifications) if row is not None else (),
            specification_id=specification,
            serving=frozenset(v for v, item in nvcf.rows.items() if item.status == "ACTIVE"),
            witnessed=nvcf.last.get(version) in process.witnessed,
            process_since=process.since,
            running_for=frozenset((p.made_for, p.process) for p in nvcf.running if p.version == version),
            process=process.number,
            gone_at=nvcf.gone_at.get(version),
            seen_there=row is not None and row.is_live and row.appearance in process.witnessed,
            asked_since=process.asked_at.get(uid, float("-inf")),
            asks=process.asks[uid],
            tampered=uid in process.tampered,
            digest=digest(action) if counted else None,  # type: ignore[arg-type]
        )
        process.writes.append(write)
        return write

    @staticmethod
    def _error(request: Request[Any], kind: type[errors.NvcfError], status: int | None) -> errors.NvcfError:
        return kind(
            operation=request.operation,
            method=request.method,
            path=request.path,
            detail="größe < 1 ungültig & «so»",
            status=status,
        )
