"""The client's calls on the real API server, by the operator's own ServiceAccount."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from kube_cluster import Hands

from controlplane import ControlPlane, read_audit_log
from nvcf_operator.api.names import FINALIZER, INTENT_ANNOTATION, RECONCILE_REQUESTED_ANNOTATION
from nvcf_operator.kube import client as module
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import connect
from nvcf_operator.kube.errors import Conflict, Denied, Invalid, Missing
from nvcf_operator.kube.status import merge_patch

OTHERS = "example.com/held"
"""A finalizer of somebody else's."""


@pytest.fixture
def hands(control_plane: ControlPlane, operator_identity: Path, namespace: str) -> Hands:
    return Hands(control_plane, namespace)


@pytest.fixture
async def kube(operator_identity: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeClient]:
    monkeypatch.setenv("KUBECONFIG", str(operator_identity))
    connection = await connect(user_agent="nvcf-operator/test")
    yield KubeClient(connection)
    await connection.close()


async def test_finalizer_and_intent_are_set_in_one_patch_whose_answer_is_the_new_object(
    kube: KubeClient, hands: Hands
) -> None:
    hands.create("echo")
    before = await kube.get_resource(hands.key("echo"))
    assert before is not None
    after = await kube.patch_metadata(
        hands.key("echo"),
        uid=before["metadata"]["uid"],
        resource_version=before["metadata"]["resourceVersion"],
        finalizers=(FINALIZER,),
        annotations={INTENT_ANNOTATION: "token"},
    )
    found = hands.get("fd", "echo")
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert found["metadata"]["annotations"][INTENT_ANNOTATION] == "token"
    assert found["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    assert found["spec"] == before["spec"]
    assert found["metadata"]["generation"] == 1


async def test_none_removes_one_annotation_and_leaves_a_persons(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    hands.kubectl("annotate", "fd", "echo", f"{INTENT_ANNOTATION}=old", f"{RECONCILE_REQUESTED_ANNOTATION}=now")
    meta = hands.get("fd", "echo")["metadata"]
    await kube.patch_metadata(
        hands.key("echo"),
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        annotations={INTENT_ANNOTATION: None},
    )
    assert hands.get("fd", "echo")["metadata"]["annotations"] == {RECONCILE_REQUESTED_ANNOTATION: "now"}


async def test_a_patch_of_an_older_version_is_a_conflict(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    meta = hands.get("fd", "echo")["metadata"]
    hands.kubectl("annotate", "fd", "echo", "a=b")
    with pytest.raises(Conflict):
        await kube.patch_metadata(
            hands.key("echo"), uid=meta["uid"], resource_version=meta["resourceVersion"], finalizers=(FINALIZER,)
        )
    assert "finalizers" not in hands.get("fd", "echo")["metadata"]


@pytest.mark.parametrize("version", ["the old one's", "the new one's"])
async def test_metadata_of_a_namesake_made_anew_are_not_written(kube: KubeClient, hands: Hands, version: str) -> None:
    hands.create("echo")
    old = hands.get("fd", "echo")["metadata"]
    hands.recreate("echo")
    of = old if version == "the old one's" else hands.get("fd", "echo")["metadata"]
    with pytest.raises(Conflict):
        await kube.patch_metadata(
            hands.key("echo"), uid=old["uid"], resource_version=of["resourceVersion"], finalizers=(FINALIZER,)
        )
    assert "finalizers" not in hands.get("fd", "echo")["metadata"]


async def test_the_status_of_a_namesake_made_anew_is_not_written(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    old = hands.get("fd", "echo")["metadata"]
    hands.recreate("echo")
    with pytest.raises(Conflict, match="another object has this name now"):
        await kube.patch_status(hands.key("echo"), uid=old["uid"], status={"phase": "Active"})
    assert "phase" not in hands.get("fd", "echo")["status"]


async def test_a_resource_that_is_gone_is_missing(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    meta = hands.get("fd", "echo")["metadata"]
    hands.kubectl("delete", "fd", "echo")
    assert await kube.get_resource(hands.key("echo")) is None
    with pytest.raises(Missing):
        await kube.patch_status(hands.key("echo"), uid=meta["uid"], status={"phase": "Active"})
    with pytest.raises(Missing):
        await kube.patch_metadata(hands.key("echo"), uid=meta["uid"], resource_version=meta["resourceVersion"])


async def test_a_finalizer_is_not_added_once_deletion_has_begun_and_can_be_taken_off(
    kube: KubeClient, hands: Hands
) -> None:
    hands.create("echo", finalizers=(OTHERS,))
    hands.begin_deleting("echo")
    meta = hands.get("fd", "echo")["metadata"]
    which = {"uid": meta["uid"], "resource_version": meta["resourceVersion"]}
    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being deleted"):
        await kube.patch_metadata(hands.key("echo"), **which, finalizers=(OTHERS, FINALIZER))
    await kube.patch_metadata(hands.key("echo"), **which, finalizers=())
    assert await kube.get_resource(hands.key("echo")) is None, "the last finalizer lets it go"


async def test_a_status_is_changed_member_by_member(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    made = hands.get("fd", "echo")
    uid, status = made["metadata"]["uid"], made["status"]
    for wanted in (
        {"observedGeneration": 1, "phase": "Deploying", "retry": {"attempts": 2, "reason": "Unreachable"}},
        {"observedGeneration": 1, "phase": "Active", "retry": {"attempts": 3}},
        {"observedGeneration": 1, "phase": "Active"},
    ):
        patch = merge_patch(status, wanted)
        assert patch is not None
        status = (await kube.patch_status(hands.key("echo"), uid=uid, status=patch))["status"]
        assert status == wanted
        assert merge_patch(status, wanted) is None
    found = hands.get("fd", "echo")
    assert (found["status"], found["metadata"]["generation"]) == (status, 1)


async def test_a_status_is_written_whatever_a_person_does_to_the_manifest_meanwhile(
    kube: KubeClient, hands: Hands
) -> None:
    hands.create("echo")
    uid = hands.get("fd", "echo")["metadata"]["uid"]
    hands.kubectl("patch", "fd", "echo", "--type=merge", "--patch", '{"spec": {"suspend": true}}')
    after = await kube.patch_status(hands.key("echo"), uid=uid, status={"observedGeneration": 1})
    assert after["spec"]["suspend"] is True


async def test_a_status_that_says_what_is_there_makes_no_new_version(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    uid = hands.get("fd", "echo")["metadata"]["uid"]
    first = await kube.patch_status(hands.key("echo"), uid=uid, status={"phase": "Active"})
    second = await kube.patch_status(hands.key("echo"), uid=uid, status={"phase": "Active", "intent": None})
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


async def test_a_status_against_the_schema_is_invalid(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    uid = hands.get("fd", "echo")["metadata"]["uid"]
    with pytest.raises(Invalid, match=r"status\.conditions"):
        await kube.patch_status(hands.key("echo"), uid=uid, status={"conditions": "none"})


async def test_writes_bear_the_operators_name(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    uid = hands.get("fd", "echo")["metadata"]["uid"]
    await kube.patch_status(hands.key("echo"), uid=uid, status={"phase": "Active"})
    shown = json.loads(hands.kubectl("get", "fd", "echo", "-o", "json", "--show-managed-fields"))
    managers = {entry["manager"]: entry.get("subresource") for entry in shown["metadata"]["managedFields"]}
    assert managers["nvcf-operator"] == "status"


async def test_all_resources_are_listed_however_many_pages_they_take(
    kube: KubeClient, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {f"echo-{number}" for number in range(7)}
    hands.create(*wanted)
    monkeypatch.setattr(module, "CHUNK", 3)
    found = await kube.list_resources([hands.namespace])
    assert {item["metadata"]["name"] for item in found} == wanted
    assert found.resource_version >= max(int(item["metadata"]["resourceVersion"]) for item in found)
    pages = [
        event
        for event in read_audit_log(hands.plane.audit_log)
        if event.verb == "list" and event.namespace == hands.namespace and event.resource == "functiondeployments"
    ]
    assert len(pages) == 3
    assert wanted <= {item["metadata"]["name"] for item in await kube.list_resources()}


async def test_only_the_named_namespaces_are_listed(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    assert await kube.list_resources(["default"]) == []
    assert len(await kube.list_resources([hands.namespace, "default", hands.namespace])) == 1


async def test_the_secret_of_the_operators_name_is_read_and_no_other(kube: KubeClient, hands: Hands) -> None:
    assert await kube.get_secret(hands.namespace, "nvcf-credentials") is None
    for name in ("nvcf-credentials", "other"):
        hands.kubectl("create", "secret", "generic", name, "--from-literal=NGC_API_KEY=nvapi-test")
    assert await kube.get_secret(hands.namespace, "nvcf-credentials") == {"NGC_API_KEY": b"nvapi-test"}
    with pytest.raises(Denied, match='secrets "other" is forbidden') as caught:
        await kube.get_secret(hands.namespace, "other")
    assert "nvapi-test" not in str(caught.value)
    assert b64encode(b"nvapi-test").decode() not in str(caught.value)


async def test_many_calls_at_once_share_few_connections(kube: KubeClient, hands: Hands) -> None:
    hands.create("echo")
    async with asyncio.timeout(30):
        found = await asyncio.gather(*(kube.get_resource(hands.key("echo")) for _ in range(300)))
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
    token_file: tuple[Path, str], hands: Hands
) -> None:
    file, token = token_file
    connection = await connect(user_agent="nvcf-operator/test")
    try:
        file.write_text(token)
        assert await KubeClient(connection).list_resources([hands.namespace]) == []
    finally:
        await connection.close()
