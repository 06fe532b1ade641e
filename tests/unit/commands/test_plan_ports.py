"""No write passes the ports of a plan, whoever asks for it and by which method."""

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from nvcf_client import endpoints, errors
from nvcf_client.models import FunctionDefinition, GpuSpecification
from nvcf_client.requests import Request
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.commands.plan.loop.accounts import PlannedAccount, PlannedAccounts
from nvcf_operator.commands.plan.loop.channel import HIDDEN, ReadOnlyChannel, RefusedWrite
from nvcf_operator.commands.plan.loop.ports import GivenKey, PlannedSecrets
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.kube.secrets import Absent, Denied, SecretRead
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.ports import Nvcf

ID = "7c1e0000-0000-4000-8000-000000000001"
KEYS = [Key("team-ä", "echo", kind) for kind in (FUNCTION_DEPLOYMENT, CLOUD_FUNCTION)]
CALLER = Caller(Priority.HIGH, "team-ä")


class Reads:
    """NVCF, which answers nothing and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request[Any]] = []

    async def call(self, request: Request[Any]) -> Any:
        self.asked.append(request)
        raise errors.Forbidden(
            operation=request.operation, method=request.method, path=request.path, detail="«nein»", status=403
        )

    async def __aexit__(self, *of: object) -> None:
        """Nothing is open."""


def requests() -> Iterator[Request[Any]]:
    """A request of each endpoint of the client, with arguments by their names."""
    given: dict[str, Any] = {
        "function_id": ID,
        "function_version_id": ID,
        "deployment_specifications": [GpuSpecification(gpu="L40S", min_instances=0, max_instances=1)],
        "secrets": [{"name": "TOKEN", "value": "sehr geheim"}],
        "visibility": "private",
        "graceful": True,
        "tags": ["a"],
        "rate_limit": {"rateLimit": "5-S"},
        "authorized_party": {"ncaId": "größe"},
        "authorized_parties": [{"ncaId": "größe"}],
        "max_instances": 2,
        "min_instances": 1,
    }
    for name in endpoints.__all__:
        make = getattr(endpoints, name)
        if not inspect.isfunction(make):
            continue
        arguments = {}
        for item in inspect.signature(make).parameters.values():
            if item.name in given:
                arguments[item.name] = given[item.name]
            elif item.default is inspect.Parameter.empty and item.kind is not inspect.Parameter.VAR_KEYWORD:
                arguments[item.name] = _made(item.name, item.annotation)
        made = make(**arguments)
        if isinstance(made, Request):
            yield made


def _made(name: str, annotation: Any) -> Any:
    if "FunctionDefinition" in str(annotation):
        return FunctionDefinition.model_validate({"name": "größe", "inferenceUrl": "/", "containerImage": "a/b:1"})
    return ID


WRITES = [request for request in requests() if request.mutating]


@pytest.fixture
def reads() -> Reads:
    return Reads()


@pytest.fixture
def account(reads: Reads) -> PlannedAccount:
    accounts = PlannedAccounts(lambda credential: reads, Metrics(), lambda: iter(()), lambda: 1.0, set())
    return accounts.of(KEYS[0], Credential("https://nvcf/v2/nvcf", "nvapi-ä", "a file"))


def test_there_are_writes_of_both_kinds() -> None:
    paths = {request.path.split("/")[1] for request in WRITES}
    assert {"deployments", "functions"} <= paths
    assert {request.method for request in WRITES} >= {"POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize("request_", WRITES, ids=lambda item: item.operation)
@pytest.mark.parametrize("method", ["call", "send"])
async def test_no_write_passes(account: PlannedAccount, reads: Reads, request_: Request[Any], method: str) -> None:
    more: Any = CALLER if method == "call" else Admission(Priority.HIGH, 0, account.limiter)
    with pytest.raises(RefusedWrite) as refused:
        await getattr(account, method)(request_, more)
    assert refused.value.request is request_
    assert refused.value.write.method == request_.method
    assert refused.value.write.path.startswith(request_.path)
    assert reads.asked == []


async def test_no_method_of_the_port_sends_a_write_by_itself(account: PlannedAccount, reads: Reads) -> None:
    """Those that take a request are tried above; all others are called here, whatever they answer."""
    takes_request = {"call", "send"}
    forbidden = errors.Forbidden(operation="o", method="POST", path="/p", detail="«nein»", status=403)
    arguments: dict[str, tuple[Any, ...]] = {
        "fresh_listing": (0.0, CALLER),
        "forbidden": (forbidden, CALLER),
        "registering": (forbidden, CALLER),
        "lacking": (forbidden, "a scope", CALLER),
    }
    methods = {name for name, member in vars(Nvcf).items() if inspect.iscoroutinefunction(member)}
    assert methods == takes_request | arguments.keys()
    for name, of in arguments.items():
        await getattr(account, name)(*of)
    assert reads.asked
    assert not any(request.mutating for request in reads.asked)


async def test_a_channel_of_any_account_refuses_writes_and_makes_a_read_once(account: PlannedAccount) -> None:
    class Answers(Reads):
        async def call(self, request: Request[Any]) -> Any:
            self.asked.append(request)
            return "an answer"

    found = Answers()
    channel = ReadOnlyChannel(account, found, {"unborn"})
    admission = Admission(Priority.LOW, 0, account.limiter)
    read = endpoints.get_deployment(function_id=ID, function_version_id=ID)
    answers: list[Any] = [await channel.send(read, admission) for _ in range(3)]
    assert answers == ["an answer"] * 3
    assert len(found.asked) == channel.reads == 1
    with pytest.raises(errors.NotFound):
        await channel.send(endpoints.get_deployment(function_id=ID, function_version_id="unborn"), admission)
    assert len(found.asked) == 1
    await channel.close()


def test_values_of_secrets_are_not_in_a_write() -> None:
    body = {"secrets": [{"name": "ä", "value": {"user": "sehr", "token": "geheim"}}], "tags": ["secrets"], "x": [1]}
    send = cast(Callable[[bytes], object], lambda answer: None)
    request = Request("o", "PUT", "/p", send, "s", query=(("a", "b"),), body=json.dumps(body).encode())
    write = RefusedWrite(request).write
    assert write.path == "/p?a=b"
    assert write.body == {"secrets": [{"name": "ä", "value": HIDDEN}], "tags": ["secrets"], "x": [1]}
    assert "geheim" not in f"{write}{RefusedWrite(request)!r}"


async def test_a_given_key_is_every_secrets() -> None:
    credential = await GivenKey("https://nvcf", "nvapi-ä").resolve(SecretName("team", "any", "KEY", named=True))
    assert isinstance(credential, Credential)
    assert "nvapi" not in repr(credential)


class Stored:
    """A store with one Secret, another one that may not be read, and no further one."""

    async def read(self, namespace: str, name: str, *, max_age: float) -> SecretRead:
        known: dict[str, SecretRead] = {"there": StoredSecret({"token": b"1"}), "hidden": Denied("«nein»")}
        return known.get(name, Absent())


@pytest.mark.parametrize(("name", "unread"), [("there", False), ("hidden", True), ("missing", False)])
async def test_a_secret_that_cannot_be_read_is_taken_to_be_there(name: str, unread: bool) -> None:
    secrets = [{"name": "TOKEN", "secretRef": {"name": name, "key": "token"}}]
    spec = {"name": "llama", "template": {"inferenceUrl": "/", "containerImage": "a/b:1"}, "secrets": secrets}
    resource = CloudFunction.read({"kind": "CloudFunction", "metadata": {"namespace": "t", "name": "l"}, "spec": spec})
    assert resource.spec is not None, resource.spec_error
    store = PlannedSecrets(Stored())
    found = await store.read("t", name, max_age=0.0)
    assert store.lacks(resource) is unread
    assert isinstance(found, Absent) is (name == "missing")
    if unread:
        assert isinstance(found, StoredSecret)
        assert json.loads(found.data.get("whatever") or b"") == {"hidden": "hidden"}
    assert not PlannedSecrets().lacks(None)
