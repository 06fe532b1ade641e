"""What the client sends, and what it makes of each kind of answer. The server is scripted; see tests/integration for
the real one's opinions."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.kube import calls
from nvcf_operator.kube import client as module
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import connect
from nvcf_operator.kube.errors import (
    NO_FIELD_BLAMED,
    Conflict,
    Denied,
    Invalid,
    KubeError,
    Missing,
    NotServed,
    Unavailable,
)
from nvcf_operator.kube.stored_secret import StoredSecret
from tests.unit.kube.kube_server import (
    Act,
    ApiServer,
    Sent,
    breaks_off,
    kubeconfig,
    says,
    says_nothing,
    says_text,
    serving,
)

ECHO = Key("ns", "echo")
PATH = "/apis/nvcf-operator.io/v1alpha1/namespaces/ns/functiondeployments/echo"
LIST = "/apis/nvcf-operator.io/v1alpha1/functiondeployments"


@dataclass
class Stage:
    server: ApiServer
    client: KubeClient
    observed: list[tuple[str, str]] = field(default_factory=list)
    fenced: list[int] = field(default_factory=list)


Stager = Callable[..., Any]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stager:
    @asynccontextmanager
    async def staged(*acts: Act, fence: Callable[[], None] | None = None) -> AsyncIterator[Stage]:
        async with serving(*acts) as server:
            path = kubeconfig(tmp_path / "kubeconfig", server.url, user={"token": "test-token"})
            monkeypatch.setenv("KUBECONFIG", str(path))
            connection = await connect(user_agent="nvcf-operator/test")
            observed: list[tuple[str, str]] = []
            try:
                client = KubeClient(
                    connection, observe=lambda kind, code, seconds: observed.append((kind, code)), fence=fence
                )
                yield Stage(server, client, observed)
            finally:
                await connection.close()

    return staged


def page(*names: str, version: str = "7", token: str | None = None, namespace: str = "ns") -> dict[str, Any]:
    metadata = {"resourceVersion": version} | ({"continue": token} if token else {})
    return {"metadata": metadata, "items": [stored(name, namespace=namespace) for name in names]}


def stored(name: str = "echo", *, namespace: str = "ns", **metadata: Any) -> dict[str, Any]:
    """An object as the API server has it."""
    known = {"name": name, "namespace": namespace, "uid": "u1", "resourceVersion": "8"}
    return {"metadata": known | metadata}


@dataclass(frozen=True)
class Write:
    reason: str
    call: Callable[[KubeClient], Awaitable[Any]]
    kind: str
    method: str
    path: str
    content: str
    body: Any
    name: str = "echo"


MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
META = {"uid": "u1", "resourceVersion": "5"}


def added(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


VERY_ONE = [{"op": "test", "path": "/metadata/uid", "value": "u1"}, added("/metadata/resourceVersion", "5")]


def write_status(kube: KubeClient, status: dict[str, Any], **more: Any) -> Awaitable[Any]:
    return kube.patch_status(ECHO, uid="u1", resource_version="5", status=status, **more)


WRITES = [
    Write(
        "finalizers are set as a whole",
        lambda kube: kube.patch_metadata(ECHO, uid="u1", resource_version="5", finalizers=("a", "b")),
        "finalizer", "PATCH", PATH, MERGE, {"metadata": META | {"finalizers": ["a", "b"]}},
    ),
    Write(
        "the last finalizer goes",
        lambda kube: kube.patch_metadata(ECHO, uid="u1", resource_version="5", finalizers=()),
        "finalizer", "PATCH", PATH, MERGE, {"metadata": META | {"finalizers": []}},
    ),
    Write(
        "a status goes to its subresource, member by member, if the object is still that very version",
        lambda kube: write_status(kube, {"phase": "Active", "intent": None}),
        "status", "PATCH", f"{PATH}/status", JSON_PATCH,
        [*VERY_ONE, added("/status/phase", "Active"), added("/status/intent", None)],
    ),
    Write(
        "a status is compared with nothing that is in it, whatever text that is",
        lambda kube: write_status(kube, {"health": ["pull failed: <März> & 🎉"]}),
        "status", "PATCH", f"{PATH}/status", JSON_PATCH,
        [*VERY_ONE, added("/status/health", ["pull failed: <März> & 🎉"])],
    ),
    Write(
        "an intent is a status by another name",
        lambda kube: write_status(kube, {"intent": {"token": "t"}}, kind="intent"),
        "intent", "PATCH", f"{PATH}/status", JSON_PATCH, [*VERY_ONE, added("/status/intent", {"token": "t"})],
    ),
    Write(
        "an Event",
        lambda kube: kube.create_event("ns", {"kind": "Event"}),
        "event", "POST", "/api/v1/namespaces/ns/events", "application/json", {"kind": "Event"}, "e1",
    ),
    Write(
        "an Event is counted",
        lambda kube: kube.patch_event("ns", "e1", {"count": 2}),
        "event", "PATCH", "/api/v1/namespaces/ns/events/e1", MERGE, {"count": 2}, "e1",
    ),
]  # fmt: skip


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.reason)
async def test_a_write_is_one_request_in_the_operators_name(stage: Stager, write: Write) -> None:
    async with stage(says(stored(write.name))) as staged:
        assert await write.call(staged.client) == stored(write.name)
        (sent,) = staged.server.sent
    assert (sent.method, sent.path, sent.query) == (write.method, write.path, {"fieldManager": "nvcf-operator"})
    assert sent.headers["Content-Type"] == write.content
    assert sent.headers["User-Agent"] == "nvcf-operator/test"
    assert sent.authorization == "Bearer test-token"
    assert sent.body == write.body
    assert staged.observed == [(write.kind, "200")]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.reason)
async def test_no_write_passes_a_fence_that_is_closed(stage: Stager, write: Write) -> None:
    def closed() -> None:
        raise RuntimeError("the lease is lost")

    async with stage(says({}), fence=closed) as staged:
        with pytest.raises(RuntimeError, match="the lease is lost"):
            await write.call(staged.client)
        assert staged.server.sent == []
        assert staged.observed == []


async def test_reading_needs_no_lease(stage: Stager) -> None:
    def closed() -> None:
        raise RuntimeError("the lease is lost")

    async with stage(says(page()), says(stored()), fence=closed) as staged:
        await staged.client.list_resources()
        await staged.client.get_resource(ECHO)


async def test_a_resource_is_read(stage: Stager) -> None:
    async with stage(says(stored())) as staged:
        assert await staged.client.get_resource(ECHO) == stored()
        (sent,) = staged.server.sent
    assert (sent.method, sent.path, sent.query) == ("GET", PATH, {})


def gone(plural: str, name: str, group: str = "") -> Act:
    details = {"kind": plural, "name": name} | ({"group": group} if group else {})
    message = f'{plural} "{name}" not found'
    return says({"kind": "Status", "reason": "NotFound", "message": message, "details": details}, 404)


ECHO_IS_GONE = gone("functiondeployments", "echo", "nvcf-operator.io")


async def test_what_is_not_there_is_none_when_read_and_missing_when_written(stage: Stager) -> None:
    async with stage(ECHO_IS_GONE, gone("secrets", "nvcf-credentials"), ECHO_IS_GONE, ECHO_IS_GONE) as staged:
        assert await staged.client.get_resource(ECHO) is None
        assert await staged.client.get_secret("ns", "nvcf-credentials") is None
        with pytest.raises(Missing):
            await write_status(staged.client, {"phase": "Active"})
        with pytest.raises(Missing):
            await staged.client.patch_metadata(ECHO, uid="u1", resource_version="5", finalizers=())


STRANGERS = {
    "a Go server's own": says_text("404 page not found\n", 404),
    "a page": says_text("<html>nvapi-test & März</html>", 404),
    "other JSON": says({"message": "no such route", "details": {"kind": "functiondeployments", "name": "echo"}}, 404),
    "another object's": gone("functiondeployments", "other", "nvcf-operator.io"),
    "another kind's": gone("secrets", "echo"),
    "another group's": gone("functiondeployments", "echo", "example.com"),
    "a namespace's": gone("namespaces", "ns"),
    "a Status without details": says({"kind": "Status", "message": "not found"}, 404),
}
CALLS: dict[str, Callable[[KubeClient], Awaitable[Any]]] = {
    "GET resource ns/echo": lambda kube: kube.get_resource(ECHO),
    "PATCH status of ns/echo": lambda kube: write_status(kube, {"phase": "Active"}),
    "PATCH resource ns/echo": lambda kube: kube.patch_metadata(ECHO, uid="u1", resource_version="5", finalizers=()),
    "GET Secret ns/key": lambda kube: kube.get_secret("ns", "key"),
    "GET Lease ns/lease": lambda kube: kube.lease("GET", "ns", "lease"),
    "PATCH Event ns/e1": lambda kube: kube.patch_event("ns", "e1", {}),
}


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("call", CALLS)
async def test_a_404_that_does_not_name_what_was_asked_for_is_no_absence(
    stage: Stager, call: str, stranger: str
) -> None:
    async with stage(STRANGERS[stranger]) as staged:
        with pytest.raises(Unavailable) as caught:
            await CALLS[call](staged.client)
    assert caught.value.status == 404
    assert str(caught.value).startswith(f"{call} got a 404 from something that does not mention this ")
    assert "nvapi-test" not in str(caught.value)


async def test_an_event_in_a_namespace_that_is_gone_is_missing(stage: Stager) -> None:
    async with stage(gone("namespaces", "ns"), gone("namespaces", "other")) as staged:
        with pytest.raises(Missing, match='"ns" not found'):
            await staged.client.create_event("ns", {"kind": "Event"})
        with pytest.raises(Unavailable, match=r'POST Event in ns got .* this namespace: namespaces "other" not found'):
            await staged.client.create_event("ns", {"kind": "Event"})


REFUSED = says({"kind": "Status", "reason": "Invalid", "message": NO_FIELD_BLAMED, "details": {}}, 422)


def found(uid: str, status: Any) -> Act:
    return says(stored(uid=uid) | ({} if status is None else {"status": status}))


async def test_the_status_of_a_namesake_is_not_written(stage: Stager) -> None:
    async with stage(REFUSED, found("u2", {})) as staged:
        with pytest.raises(Conflict, match="another object has this name now"):
            await write_status(staged.client, {"phase": "Active"})
        assert [sent.method for sent in staged.server.sent] == ["PATCH", "GET"]


async def test_a_status_that_is_refused_while_its_object_went_is_missing(stage: Stager) -> None:
    async with stage(REFUSED, ECHO_IS_GONE) as staged:
        with pytest.raises(Missing):
            await write_status(staged.client, {"phase": "Active"})


async def test_a_status_that_is_refused_without_a_reason_is_invalid_in_the_servers_words(stage: Stager) -> None:
    async with stage(REFUSED, found("u1", {"phase": "März"})) as staged:
        with pytest.raises(Invalid, match=NO_FIELD_BLAMED):
            await write_status(staged.client, {"phase": "Active"})
        assert len(staged.server.sent) == 2


async def test_a_status_is_made_where_there_is_none(stage: Stager) -> None:
    async with stage(REFUSED, found("u1", None), says(stored())) as staged:
        assert await write_status(staged.client, {"phase": "Active", "intent": None}) == stored()
        last = staged.server.sent[-1]
    assert (last.method, last.path) == ("PATCH", f"{PATH}/status")
    assert last.body == [*VERY_ONE, added("/status", {"phase": "Active"})]
    assert staged.observed == [("status", "422"), ("get", "200"), ("status", "200")]


async def test_a_secret_is_decoded(stage: Stager) -> None:
    data = {
        "NGC_API_KEY": b64encode(b"nvapi-test").decode(),
        "empty": "",
        "bytes": b64encode(bytes(range(256))).decode(),
    }
    copied = json.dumps({"data": data})
    secret = stored(
        "nvcf-credentials",
        annotations={
            "kubectl.kubernetes.io/last-applied-configuration": copied,
            "nvcf-operator.io/allow-function": "llama",
        },
    )
    async with stage(says({**secret, "data": data})) as staged:
        found = await staged.client.get_secret("ns", "nvcf-credentials")
        assert found == StoredSecret(
            {"NGC_API_KEY": b"nvapi-test", "empty": b"", "bytes": bytes(range(256))},
            uid="u1",
            resource_version="8",
            annotations={"nvcf-operator.io/allow-function": "llama"},
        )
        assert "nvapi-test" not in repr(found)
        assert staged.server.sent[0].path == "/api/v1/namespaces/ns/secrets/nvcf-credentials"


async def test_a_secret_without_data_is_empty(stage: Stager) -> None:
    async with stage(says(stored("nvcf-credentials"))) as staged:
        assert await staged.client.get_secret("ns", "nvcf-credentials") == StoredSecret(
            {}, uid="u1", resource_version="8"
        )


async def test_a_list_is_read_in_pages(stage: Stager) -> None:
    acts = says(page("a", "b", token="t=/+&")), says(page("c", version="9"))
    async with stage(*acts) as staged:
        found = await staged.client.list_resources()
        first, second = staged.server.sent
    assert [item["metadata"]["name"] for item in found] == ["a", "b", "c"]
    assert (first.path, first.query) == (LIST, {"limit": "500"})
    assert (second.path, second.query) == (LIST, {"limit": "500", "continue": "t=/+&"})


async def test_a_list_keeps_of_each_resource_what_its_caller_wants(stage: Stager) -> None:
    async with stage(says(page("a", "b", token="t")), says(page("c"))) as staged:
        found = await staged.client.list_resources(keep=lambda item: item["metadata"]["name"])
    assert (found, found.resource_version) == (["a", "b", "c"], 7)


async def test_a_list_begins_again_when_its_snapshot_is_gone(stage: Stager) -> None:
    expired = says({"reason": "Expired", "message": "too old"}, 410)
    acts = says(page("a", token="t")), expired, says(page("b", token="u")), says(page("c"))
    async with stage(*acts) as staged:
        found = await staged.client.list_resources()
    assert [item["metadata"]["name"] for item in found] == ["b", "c"], "pages of two snapshots are no list"


async def test_a_list_that_expires_again_and_again_is_given_up(stage: Stager) -> None:
    expired = says({"reason": "Expired", "message": "too old"}, 410)
    acts = [act for _ in range(9) for act in (says(page("a", token="t")), expired)]
    async with stage(*acts) as staged:
        with pytest.raises(Unavailable, match="too old"):
            await staged.client.list_resources()
        assert len(staged.server.sent) == 2 * (1 + module.MOST_RESTARTS)


async def test_each_namespace_is_listed_once_and_the_oldest_version_holds(stage: Stager) -> None:
    acts = (
        says(page("a", version="12", namespace="one")),
        says(page("b", version="11", namespace="two")),
    )
    async with stage(*acts) as staged:
        found = await staged.client.list_resources(["one", "two", "one"])
        paths = [sent.path for sent in staged.server.sent]
    assert [item["metadata"]["name"] for item in found] == ["a", "b"]
    assert found.resource_version == 11
    assert paths == [LIST.replace("/funct", f"/namespaces/{name}/funct") for name in ("one", "two")]


async def test_a_missing_crd_is_named(stage: Stager) -> None:
    named = r"of nvcf-operator\.io/v1alpha1: is the CRD installed, and does it serve v1alpha1\?"
    async with stage(says_text("404 page not found", 404)) as staged:
        with pytest.raises(Unavailable, match=named):
            await staged.client.list_resources()


@pytest.mark.parametrize(
    ("namespaces", "path"),
    [((), LIST), (("ns", "other"), "/apis/nvcf-operator.io/v1alpha1/namespaces/ns/functiondeployments")],
    ids=["all", "some"],
)
async def test_the_clusters_version_is_read_by_one_object_and_not_from_a_cache(
    stage: Stager, namespaces: tuple[str, ...], path: str
) -> None:
    async with stage(says(page("a", version="617", token="t"))) as staged:
        assert await staged.client.current_version(namespaces) == 617
        (sent,) = staged.server.sent
    assert (sent.method, sent.path, sent.query) == ("GET", path, {"limit": "1"})


def published(*kinds: str) -> dict[str, Any]:
    """What the API server publishes of these kinds, and of types that are no kinds."""
    group = {"group": "nvcf-operator.io", "version": "v1alpha1"}
    schemas = {
        f"io.nvcf-operator.v1alpha1.{kind}": {
            "description": kind,
            "x-kubernetes-group-version-kind": [{**group, "kind": kind}],
        }
        for kind in kinds
    }
    return {"openapi": "3.0.0", "components": {"schemas": {"ObjectMeta": {"type": "object"}} | schemas}}


async def test_each_kind_is_read_and_written_at_its_own_path(stage: Stager) -> None:
    key = Key("ns", "echo", CLOUD_FUNCTION)
    acts = [says(page("a")), says(page("a", version="3")), says(stored())]
    async with stage(*acts) as staged:
        await staged.client.list_resources(["ns"], kind=CLOUD_FUNCTION)
        assert await staged.client.current_version(kind=CLOUD_FUNCTION) == 3
        await staged.client.get_resource(key)
        await staged.client.patch_metadata(key, uid="u", resource_version="1", finalizers=())
        await staged.client.patch_status(key, uid="u", resource_version="1", status={"phase": "Pending"})
        paths = [sent.path.removeprefix("/apis/nvcf-operator.io/v1alpha1/") for sent in staged.server.sent]
    one = "namespaces/ns/cloudfunctions/echo"
    assert paths == ["namespaces/ns/cloudfunctions", "cloudfunctions", one, one, f"{one}/status"]


async def test_a_kind_that_is_not_served_is_distinguished_from_an_outage(stage: Stager) -> None:
    async with stage(says_text("404 page not found", 404)) as staged:
        with pytest.raises(NotServed, match=r"kubectl get crd cloudfunctions\.nvcf-operator\.io"):
            await staged.client.list_resources(kind=CLOUD_FUNCTION)


async def test_the_published_schema_is_that_of_our_kind(stage: Stager) -> None:
    async with stage(says(published("FunctionDeploymentList", "FunctionDeployment"))) as staged:
        assert (await staged.client.served_schema())["description"] == "FunctionDeployment"
        (sent,) = staged.server.sent
    assert (sent.method, sent.path) == ("GET", "/openapi/v3/apis/nvcf-operator.io/v1alpha1")


@pytest.mark.parametrize(
    "act",
    [
        says(published("Another")),
        says({}),
        says({"components": {"schemas": ["FunctionDeployment"]}}),
        says({"components": {"schemas": {"FunctionDeployment": "object"}}}),
        says_text("404 page not found", 404),
        says({"kind": "Status"}, 403),
    ],
    ids=["not ours", "nothing", "a list of schemas", "a schema that is a text", "no such document", "forbidden"],
)
async def test_a_schema_that_is_not_published_is_an_error(stage: Stager, act: Act) -> None:
    async with stage(act) as staged:
        with pytest.raises(KubeError):
            await staged.client.served_schema()


async def test_a_trial_of_a_status_is_a_dry_run(stage: Stager) -> None:
    async with stage(says(stored())) as staged:
        await staged.client.patch_status(ECHO, uid="u1", resource_version="5", status={"phase": "Active"}, trial=True)
        (sent,) = staged.server.sent
    assert (sent.path, sent.query) == (f"{PATH}/status", {"dryRun": "All", "fieldManager": "nvcf-operator"})


@dataclass(frozen=True)
class Failure:
    reason: str
    act: Act
    means: type[KubeError]
    code: str
    text: str
    retry_after: float | None = None


def status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message}


FAILURES = [
    Failure("denied", says(status(403, "Forbidden", "may not"), 403), Denied, "403", "may not"),
    Failure("conflict", says(status(409, "Conflict", "was modified"), 409), Conflict, "409", "was modified"),
    Failure("invalid", says(status(422, "Invalid", "bad"), 422), Invalid, "422", "bad"),
    Failure("slow down", says(status(429, "TooMany", "busy"), 429, Retry_After="3"), Unavailable, "429", "busy", 3.0),
    Failure("a date to wait for", says({}, 503, Retry_After="Fri, 1 Jan 2027"), Unavailable, "503", "HTTP 503"),
    Failure("a proxy's page", says_text("<html>nvapi-test</html>", 502), Unavailable, "502", "HTTP 502"),
    Failure("success without JSON", says_text("OK"), Unavailable, "200", "HTTP 200 with no JSON object"),
    Failure("success with another JSON", says(["list"]), Unavailable, "200", "HTTP 200 with no JSON object"),
    Failure("a redirect", says({}, 302, Location="http://127.0.0.1:1/"), Unavailable, "302", "HTTP 302"),
    Failure("cut off", breaks_off, Unavailable, "unreachable", "PATCH status: Server disconnected"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.reason)
async def test_a_failure_is_raised_by_its_meaning_and_counted(stage: Stager, failure: Failure) -> None:
    async with stage(failure.act) as staged:
        with pytest.raises(KubeError) as caught:
            await write_status(staged.client, {"phase": "Active"})
    assert type(caught.value) is failure.means
    assert failure.text in str(caught.value)
    assert "nvapi-test" not in str(caught.value)
    assert caught.value.retry_after == failure.retry_after
    assert staged.observed == [("status", failure.code)]


ANY_CALL: dict[str, Callable[[KubeClient], Awaitable[Any]]] = CALLS | {
    "list of resources": lambda kube: kube.list_resources(),
    "version of the cluster": lambda kube: kube.current_version(),
    "schema": lambda kube: kube.served_schema(),
    "a new Event": lambda kube: kube.create_event("ns", {"kind": "Event"}),
    "a new Lease": lambda kube: kube.lease("POST", "ns", "lease", {}),
    "PUT Lease ns/lease": lambda kube: kube.lease("PUT", "ns", "lease", {}),
}


@pytest.mark.parametrize(
    "answer",
    [{}, {"kind": "Status", "metadata": {}, "status": "Success"}, ["nvapi-test"], "nvapi-test", None, 1],
    ids=["an empty object", "a Status", "a list", "a text", "null", "a number"],
)
@pytest.mark.parametrize("call", ANY_CALL)
async def test_success_with_json_of_something_else_is_no_answer(stage: Stager, call: str, answer: Any) -> None:
    async with stage(says(answer)) as staged:
        with pytest.raises(Unavailable) as caught:
            await ANY_CALL[call](staged.client)
    assert "nvapi-test" not in str(caught.value)


@pytest.mark.parametrize(
    "odd",
    [{"data": ["nvapi-test"]}, {"data": {"key": "nvapi-test!"}}, {"data": {"key": 1}}],
    ids=["data that is a list", "a value that is not base64", "a value that is no text"],
)
async def test_a_secret_that_cannot_be_read_is_not_taken_for_one_without_keys(stage: Stager, odd: Any) -> None:
    async with stage(says({**stored("key"), **odd})) as staged:
        with pytest.raises(Unavailable, match="GET Secret ns/key: the answer's data cannot be read") as caught:
            await staged.client.get_secret("ns", "key")
    assert "nvapi-test" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(
    stage: Stager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", aiohttp.ClientTimeout(total=0.1))
    async with stage(says_nothing) as staged:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="GET get: the API server did not answer within"):
            await staged.client.get_resource(ECHO)
        assert time.monotonic() - started < 5
    assert staged.observed == [("get", "timeout")]


async def test_a_write_has_longer_than_a_slow_admission_webhook(stage: Stager, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (calls.WRITE_TIMEOUT.total or 0.0) > 30.0, "the longest that the API server lets a webhook take"
    monkeypatch.setattr(calls, "TIMEOUT", aiohttp.ClientTimeout(total=0.1))
    monkeypatch.setattr(calls, "WRITE_TIMEOUT", aiohttp.ClientTimeout(total=5.0))

    async def slowly(sent: Sent) -> web.StreamResponse:
        await asyncio.sleep(0.4)  # the server's time, not the test's
        return await says(stored())(sent)

    async with stage(slowly) as staged:
        await write_status(staged.client, {"phase": "Active"})
    assert staged.observed == [("status", "200")]


async def test_a_call_that_is_cancelled_is_counted_as_such(stage: Stager) -> None:
    async with stage(says_nothing) as staged:
        task = asyncio.create_task(staged.client.get_resource(ECHO))
        async with asyncio.timeout(5):
            await staged.server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert staged.observed == [("get", "cancelled")]


async def test_an_api_server_that_is_away_is_unavailable(stage: Stager) -> None:
    async with stage(says({})) as staged:
        staged.client._connection.server = "http://127.0.0.1:1"
        with pytest.raises(Unavailable, match=r"GET get: Cannot connect to host 127\.0\.0\.1:1"):
            await staged.client.get_resource(ECHO)
    assert staged.observed == [("get", "unreachable")]
