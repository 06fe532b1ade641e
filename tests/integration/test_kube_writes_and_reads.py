"""The client's calls on the real API server, by the operator's own ServiceAccount."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.controlplane import ControlPlane, read_audit_log
from nvcf_operator.api.names import CRD_NAME, FINALIZER
from nvcf_operator.kube import client as module
from nvcf_operator.kube.client import KubeClient, merge_patch
from nvcf_operator.kube.connection import connect
from nvcf_operator.kube.errors import Conflict, Denied, Invalid, Missing
from tests.integration.kube_cluster import Admin
from tests.support.waiting import eventually

OTHERS = "example.com/held"
"""A finalizer of somebody else's."""


@pytest.fixture
def admin(control_plane: ControlPlane, operator_identity: Path, namespace: str) -> Admin:
    return Admin(control_plane, namespace)


@pytest.fixture
async def kube(operator_identity: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeClient]:
    monkeypatch.setenv("KUBECONFIG", str(operator_identity))
    connection = await connect(user_agent="nvcf-operator/test")
    yield KubeClient(connection)
    await connection.close()


def current(admin: Admin, name: str = "echo") -> dict[str, Any]:
    """The very object and version that is there now, as writes name it."""
    metadata = admin.get(name)["metadata"]
    return {"uid": metadata["uid"], "resource_version": metadata["resourceVersion"]}


async def test_finalizers_are_set_in_one_patch_whose_answer_is_the_new_object(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    admin.kubectl("annotate", "fd", "echo", "example.com/note=<März & Ω>")
    before = await kube.get_resource(admin.key("echo"))
    assert before is not None
    after = await kube.patch_metadata(admin.key("echo"), **current(admin), finalizers=(FINALIZER,))
    found = admin.get("echo")
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert found["metadata"]["annotations"] == {"example.com/note": "<März & Ω>"}
    assert found["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    assert found["spec"] == before["spec"]
    assert found["metadata"]["generation"] == 1


async def test_a_patch_of_an_older_version_is_a_conflict(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    meta = admin.get("echo")["metadata"]
    admin.kubectl("annotate", "fd", "echo", "a=b")
    with pytest.raises(Conflict):
        await kube.patch_metadata(
            admin.key("echo"), uid=meta["uid"], resource_version=meta["resourceVersion"], finalizers=(FINALIZER,)
        )
    assert "finalizers" not in admin.get("echo")["metadata"]


@pytest.mark.parametrize("version", ["the old one's", "the new one's"])
async def test_metadata_of_a_namesake_made_later_are_not_written(kube: KubeClient, admin: Admin, version: str) -> None:
    admin.create("echo")
    old = admin.get("echo")["metadata"]
    admin.recreate("echo")
    of = old if version == "the old one's" else admin.get("echo")["metadata"]
    with pytest.raises(Conflict):
        await kube.patch_metadata(
            admin.key("echo"), uid=old["uid"], resource_version=of["resourceVersion"], finalizers=(FINALIZER,)
        )
    assert "finalizers" not in admin.get("echo")["metadata"]


@pytest.mark.parametrize("of", ["the old one's", "the new one's"])
async def test_the_status_of_a_namesake_made_later_is_not_written(kube: KubeClient, admin: Admin, of: str) -> None:
    admin.create("echo")
    old = current(admin)
    admin.recreate("echo")
    which = old if of == "the old one's" else old | {"resource_version": current(admin)["resource_version"]}
    with pytest.raises(Conflict, match="another object has this name now"):
        await kube.patch_status(admin.key("echo"), **which, status={"phase": "Active"})
    assert admin.get("echo")["status"] == {"observedGeneration": -1}


async def test_a_resource_that_is_gone_is_missing(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    old = current(admin)
    admin.kubectl("delete", "fd", "echo")
    assert await kube.get_resource(admin.key("echo")) is None
    with pytest.raises(Missing):
        await kube.patch_status(admin.key("echo"), **old, status={"phase": "Active"})
    with pytest.raises(Missing):
        await kube.patch_metadata(admin.key("echo"), **old, finalizers=())


async def test_a_finalizer_is_not_added_once_deletion_has_begun_and_can_be_taken_off(
    kube: KubeClient, admin: Admin
) -> None:
    admin.create("echo", finalizers=(OTHERS,))
    admin.begin_deleting("echo")
    meta = admin.get("echo")["metadata"]
    which = {"uid": meta["uid"], "resource_version": meta["resourceVersion"]}
    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being deleted"):
        await kube.patch_metadata(admin.key("echo"), **which, finalizers=(OTHERS, FINALIZER))
    await kube.patch_metadata(admin.key("echo"), **which, finalizers=())
    assert await kube.get_resource(admin.key("echo")) is None, "the last finalizer lets it go"


ODD = 'pull failed: https://x/y?a=1&b=2 <nil>, can’t start März & Ω 🎉 \u2028 \\ "'
"""Text as NVCF and users write it: JSON can be written with each of its characters escaped, or not."""


async def test_a_status_is_changed_member_by_member(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    made = admin.get("echo")
    status = made["status"]
    for wanted in (
        {"observedGeneration": 1, "phase": "Deploying", "retry": {"attempts": 2, "reason": "Unreachable"}},
        {"observedGeneration": 1, "phase": "Active", "retry": {"attempts": 3}},
        {"observedGeneration": 1, "phase": "Active"},
    ):
        patch = merge_patch(status, wanted)
        assert patch is not None
        status = (await kube.patch_status(admin.key("echo"), **current(admin), status=patch))["status"]
        assert status == wanted
        assert merge_patch(status, wanted) is None
    found = admin.get("echo")
    assert (found["status"], found["metadata"]["generation"]) == (status, 1)


async def test_a_status_is_written_whatever_text_is_in_it(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    status: dict[str, Any] = {"health": [ODD], "phase": "<b>&</b>", "lastHandledReconcileAt": "Mo 3. März"}
    for wanted in (status, status | {"phase": ODD}, status | {"phase": "Active", "health": None}):
        after = await kube.patch_status(admin.key("echo"), **current(admin), status=wanted)
        assert after["status"] == {
            "observedGeneration": -1,
            **{name: item for name, item in wanted.items() if item is not None},
        }


@pytest.mark.parametrize("text", [ODD, "Active"])
async def test_a_status_made_from_an_older_version_is_a_conflict(kube: KubeClient, admin: Admin, text: str) -> None:
    admin.create("echo")
    old = current(admin)
    await kube.patch_status(admin.key("echo"), **old, status={"phase": text})
    for status in ({"phase": "Deploying"}, {"phase": text}):
        with pytest.raises(Conflict, match="the object has been modified"):
            await kube.patch_status(admin.key("echo"), **old, status=status)
    assert admin.get("echo")["status"]["phase"] == text


async def test_a_users_edit_in_between_is_a_conflict_and_is_kept(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    old = current(admin)
    admin.kubectl("patch", "fd", "echo", "--type=merge", "--patch", '{"spec": {"suspend": true}}')
    with pytest.raises(Conflict):
        await kube.patch_status(admin.key("echo"), **old, status={"observedGeneration": 1})
    after = await kube.patch_status(admin.key("echo"), **current(admin), status={"observedGeneration": 2})
    assert (after["spec"]["suspend"], after["status"]) == (True, {"observedGeneration": 2})


async def test_a_status_that_says_what_is_there_makes_no_new_version(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    first = await kube.patch_status(admin.key("echo"), **current(admin), status={"phase": ODD})
    second = await kube.patch_status(admin.key("echo"), **current(admin), status={"phase": ODD, "intent": None})
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


async def test_a_status_against_the_schema_is_invalid(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    with pytest.raises(Invalid, match=r"status\.conditions"):
        await kube.patch_status(admin.key("echo"), **current(admin), status={"conditions": "none"})


@pytest.fixture
def no_default(control_plane: ControlPlane, admin: Admin) -> Iterator[None]:
    """The CRD gives the status no default, as that of another release might; `echo` has no status then."""
    crd = json.loads(control_plane.kubectl("get", "crd", CRD_NAME, "-o", "json"))
    default = "/spec/versions/0/schema/openAPIV3Schema/properties/status/default"
    value = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["default"]

    def patch(operation: dict[str, Any]) -> None:
        control_plane.kubectl("patch", "crd", CRD_NAME, "--type=json", "--patch", json.dumps([operation]))

    def served() -> dict[str, Any]:
        admin.kubectl("delete", "fd", "echo", "--ignore-not-found")
        admin.create("echo")
        return admin.get("echo")

    patch({"op": "remove", "path": default})
    try:
        eventually(served, lambda found: "status" not in found, within=30, what="no default is given")
        yield
    finally:
        patch({"op": "add", "path": default, "value": value})
        eventually(served, lambda found: found.get("status") == value, within=30, what="the default is given again")


async def test_a_status_is_made_where_there_is_none(no_default: None, kube: KubeClient, admin: Admin) -> None:
    after = await kube.patch_status(admin.key("echo"), **current(admin), status={"phase": ODD, "intent": None})
    assert after["status"] == {"phase": ODD}
    after = await kube.patch_status(admin.key("echo"), **current(admin), status={"observedGeneration": 1})
    assert after["status"] == {"phase": ODD, "observedGeneration": 1}


async def test_writes_bear_the_operators_name(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    await kube.patch_status(admin.key("echo"), **current(admin), status={"phase": "Active"})
    shown = json.loads(admin.kubectl("get", "fd", "echo", "-o", "json", "--show-managed-fields"))
    managers = {entry["manager"]: entry.get("subresource") for entry in shown["metadata"]["managedFields"]}
    assert managers["nvcf-operator"] == "status"


async def test_all_resources_are_listed_however_many_pages_they_take(
    kube: KubeClient, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {f"echo-{number}" for number in range(7)}
    admin.create(*wanted)
    monkeypatch.setattr(module, "CHUNK", 3)
    offset = admin.plane.audit_log.stat().st_size
    found = await kube.list_resources([admin.namespace])
    assert {item["metadata"]["name"] for item in found} == wanted
    assert found.resource_version >= max(int(item["metadata"]["resourceVersion"]) for item in found)
    pages = [
        event
        for event in read_audit_log(admin.plane.audit_log, offset)
        if event.verb == "list" and event.namespace == admin.namespace and event.resource == "functiondeployments"
    ]
    assert len(pages) == 3
    assert wanted <= {item["metadata"]["name"] for item in await kube.list_resources()}


async def test_only_the_named_namespaces_are_listed(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    assert await kube.list_resources(["default"]) == []
    assert len(await kube.list_resources([admin.namespace, "default", admin.namespace])) == 1


async def test_the_secret_of_the_operators_name_is_read_and_no_other(kube: KubeClient, admin: Admin) -> None:
    assert await kube.get_secret(admin.namespace, "nvcf-credentials") is None
    for name in ("nvcf-credentials", "other"):
        admin.kubectl("create", "secret", "generic", name, "--from-literal=NGC_API_KEY=nvapi-test")
    found = await kube.get_secret(admin.namespace, "nvcf-credentials")
    assert found is not None
    assert found.data == {"NGC_API_KEY": b"nvapi-test"}
    with pytest.raises(Denied, match='secrets "other" is forbidden') as caught:
        await kube.get_secret(admin.namespace, "other")
    assert "nvapi-test" not in str(caught.value)
    assert b64encode(b"nvapi-test").decode() not in str(caught.value)


async def test_many_calls_at_once_share_few_connections(kube: KubeClient, admin: Admin) -> None:
    admin.create("echo")
    async with asyncio.timeout(30):
        found = await asyncio.gather(*(kube.get_resource(admin.key("echo")) for _ in range(300)))
    assert all(item is not None for item in found)


@pytest.fixture
def token_file(operator_identity: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """The operator's identity by a token file, whose token has run out; and the token that it should hold."""
    content = yaml.safe_load(operator_identity.read_text())
    token = content["users"][0]["user"].pop("token")
    file = tmp_path / "token"
    file.write_text("run-out")
    content["users"][0]["user"]["tokenFile"] = str(file)
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    return file, token


async def test_a_token_that_has_run_out_is_replaced_by_the_one_that_is_there_now(
    token_file: tuple[Path, str], admin: Admin
) -> None:
    file, token = token_file
    connection = await connect(user_agent="nvcf-operator/test")
    try:
        file.write_text(token)
        assert await KubeClient(connection).list_resources([admin.namespace]) == []
    finally:
        await connection.close()
