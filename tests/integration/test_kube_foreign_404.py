"""A 404 that does not name what was asked for, as proxies say it, is not taken for its absence; the API server's is."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hack.controlplane import ControlPlane
from nvcf_operator.api.names import FINALIZER, PLURAL, Key
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import connect
from nvcf_operator.kube.errors import Missing, Unavailable
from nvcf_operator.kube.leases import Leases
from nvcf_operator.kube.secrets import Absent, Secrets
from nvcf_operator.kube.secrets import Unavailable as Unanswered
from tests.integration.kube_cluster import Admin
from tests.support.faulty import PLAIN_404, FaultyApiServer
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

NOWHERE = "no-such-namespace"
SECRET = "nvcf-credentials"
LEASES = "nvcf-operator-system"
EVENT = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1"}}


@pytest.fixture
def api(
    control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path
) -> Iterator[FaultyApiServer]:
    """What the operator takes for the API server."""
    with FaultyApiServer.start(control_plane, operator_identity, namespace, tmp_path) as server:
        yield server


@pytest.fixture
async def kube(api: FaultyApiServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeClient]:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    connection = await connect(user_agent="nvcf-operator/test")
    yield KubeClient(connection)
    await connection.close()


@pytest.fixture
def admin(control_plane: ControlPlane, namespace: str) -> Admin:
    return Admin(control_plane, namespace)


@dataclass(frozen=True)
class Call:
    """A call about something that is not there."""

    name: str
    make: Callable[[KubeClient, str], Awaitable[Any]]


def _status(kube: KubeClient, namespace: str) -> Awaitable[Any]:
    return kube.patch_status(Key(namespace, "gone"), uid="u", resource_version="1", status={"phase": "<März & Ω>"})


def _finalizers(kube: KubeClient, namespace: str) -> Awaitable[Any]:
    return kube.patch_metadata(Key(namespace, "gone"), uid="u", resource_version="1", finalizers=(FINALIZER,))


READS = [
    Call("a resource", lambda kube, namespace: kube.get_resource(Key(namespace, "gone"))),
    Call("a Secret", lambda kube, namespace: kube.get_secret(namespace, SECRET)),
    Call("the Lease", lambda kube, namespace: Leases(kube, LEASES, "nvcf-operator").read()),
]
WRITES = [
    Call("a status", _status),
    Call("finalizers", _finalizers),
    Call("an Event", lambda kube, namespace: kube.patch_event(namespace, "gone", {"count": 2})),
]
IN_NO_NAMESPACE = [
    Call("a resource's status", lambda kube, _: _status(kube, NOWHERE)),
    Call("an Event that is there", lambda kube, _: kube.patch_event(NOWHERE, "gone", {"count": 2})),
    Call(
        "a new Event",
        lambda kube, _: kube.create_event(
            NOWHERE,
            EVENT | {"metadata": {"name": "e1", "namespace": NOWHERE}, "involvedObject": {"namespace": NOWHERE}},
        ),
    ),
]


@pytest.fixture
def no_lease(control_plane: ControlPlane) -> None:
    control_plane.kubectl("-n", LEASES, "delete", "lease", "nvcf-operator", "--ignore-not-found")


@pytest.mark.parametrize("call", READS, ids=lambda call: call.name)
async def test_what_the_api_server_calls_absent_is_read_as_none(
    kube: KubeClient, admin: Admin, no_lease: None, call: Call
) -> None:
    assert await call.make(kube, admin.namespace) is None


@pytest.mark.parametrize("call", [*WRITES, *IN_NO_NAMESPACE], ids=lambda call: call.name)
async def test_what_the_api_server_calls_absent_is_missing_when_written(
    kube: KubeClient, admin: Admin, call: Call
) -> None:
    with pytest.raises(Missing, match="not found"):
        await call.make(kube, admin.namespace)


@pytest.mark.parametrize("call", [*READS, *WRITES, IN_NO_NAMESPACE[-1]], ids=lambda call: call.name)
async def test_what_a_stranger_calls_absent_is_not_known(
    kube: KubeClient, api: FaultyApiServer, admin: Admin, no_lease: None, call: Call
) -> None:
    rule = api.rule(lambda request: True, **PLAIN_404)
    with pytest.raises(Unavailable, match=r"got a 404 from something that does not mention .*: 404 page not found"):
        await call.make(kube, admin.namespace)
    assert rule.met == 1


async def test_the_end_of_another_object_is_not_the_end_of_the_one_that_was_asked_for(
    kube: KubeClient, api: FaultyApiServer, admin: Admin
) -> None:
    admin.create("echo")
    api.rule(
        lambda request: request.path.endswith("/echo"),
        status=404,
        body='{"kind": "Status", "message": "functiondeployments \\"other\\" not found", "details": '
        '{"group": "nvcf-operator.io", "kind": "functiondeployments", "name": "other"}}',
    )
    with pytest.raises(Unavailable, match='"other" not found'):
        await kube.get_resource(admin.key("echo"))


async def test_a_secret_that_a_stranger_calls_absent_is_not_taken_for_withdrawn(
    kube: KubeClient, api: FaultyApiServer, admin: Admin
) -> None:
    secrets = Secrets(kube)
    api.rule(lambda request: "/secrets/" in request.path, **PLAIN_404)
    assert isinstance(await secrets.read(admin.namespace, SECRET, max_age=0), Unanswered)
    assert await secrets.read(admin.namespace, SECRET, max_age=0) == Absent()


async def test_a_version_that_is_not_served_is_reported_as_a_missing_crd(
    kube: KubeClient, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvcf_operator.api.names.API_VERSION", "nvcf-operator.io/v9")
    with pytest.raises(Unavailable, match="is the CRD installed"):
        await kube.list_resources()
    with pytest.raises(Unavailable, match="404 page not found"):
        await kube.get_resource(admin.key("echo"))


@pytest.fixture
def sandbox(api: FaultyApiServer, control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox in which the operator stands behind the proxy."""
    with Sandbox.made(control_plane, api.kubeconfig, namespace, tmp_path) as made:
        yield made


def watches(request: web.Request) -> bool:
    return request.path.endswith(f"/{PLURAL}") and request.query.get("watch") == "true"


class ListsOfKopf:
    """All lists of the resources but the first, which is the operator's own."""

    def __init__(self) -> None:
        self._seen = 0

    def __call__(self, request: web.Request) -> bool:
        if not request.path.endswith(f"/{PLURAL}") or "watch" in request.query:
            return False
        self._seen += 1
        return self._seen > 1


def discovers(request: web.Request) -> bool:
    return request.path == "/apis/nvcf-operator.io/v1alpha1"


def lists_crds(request: web.Request) -> bool:
    return request.path.endswith("/customresourcedefinitions")


EXPIRED = {"status": 410, "body": '{"kind": "Status", "code": 410, "message": "expired"}', "count": 1}
AWAY = {"status": 503, "body": "<html>no backend & no März</html>", "content_type": "text/html", "count": 2}


@pytest.mark.parametrize(
    ("asks", "answer"),
    [
        pytest.param(watches, PLAIN_404, id="a watch is answered 404"),
        pytest.param(ListsOfKopf(), PLAIN_404, id="a list is answered 404"),
        pytest.param(ListsOfKopf(), EXPIRED, id="a list is answered 410"),
        pytest.param(watches, AWAY, id="a watch is answered 503"),
        pytest.param(lists_crds, PLAIN_404, id="the list of CRDs is answered 404"),
        pytest.param(discovers, PLAIN_404, id="the question for what is served is answered 404"),
    ],
)
def test_the_watch_outlives_answers_that_are_not_about_it(
    api: FaultyApiServer, sandbox: Sandbox, asks: Callable[[web.Request], bool], answer: dict[str, Any]
) -> None:
    """What is made afterwards is seen by the watch; the operator's own next list is ten minutes away."""
    rule = api.rule(asks, **answer)
    # One that is bound to namespaces reads no CRDs.
    scope: dict[str, Any] = {"namespaces": None} if asks is lists_crds else {}
    with sandbox.operator(**scope) as operator:
        eventually(lambda: rule.met, lambda met: met == rule.count, within=30, what="the answers were given")
        began = time.monotonic()
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        assert time.monotonic() - began < 60
        assert operator.running
        output = operator.output()
        assert "Traceback" not in output
        if asks is not discovers:
            lines = [line for line in output.splitlines() if f"was answered {rule.status}, retrying in" in line]
            assert len(lines) == rule.count, output[-3000:]
