"""Plans against a simulator: each word of a plan by what NVCF has, with as few reads as the operator makes."""

import asyncio
import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from nvcf_client.requests import Request
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, SECRETS_REQUESTED_ANNOTATION, Key
from nvcf_operator.commands.plan.engine import Planner
from nvcf_operator.commands.plan.entries import UNREAD
from nvcf_operator.commands.plan.loop.channel import ReadOnlyChannel
from nvcf_operator.commands.plan.loop.ports import GivenKey
from nvcf_operator.commands.plan.model import CHANGES, FAILED, UNCHANGED, Action, Amount, Basis, Manifest, Plan, Source
from nvcf_operator.commands.read_only_client import ReadOnlyClient
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.settings import Settings
from nvcf_operator.settings.options import AccountSettings
from tests.support.cluster import SPECIFICATION, follower, manifest
from tests.support.functions import function_manifest
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

Json = dict[str, Any]

ODD = "größe <&> \"'`"


def given(*documents: Json, recorded: Mapping[Key, Json] | None = None) -> list[Manifest]:
    """Manifests as they are read from one file, with the objects of the cluster that they are of."""
    found = []
    for number, document in enumerate(documents, 1):
        document = {**document, "metadata": {"namespace": "team", **document["metadata"]}}
        known = (recorded or {}).get(Key("team", document["metadata"]["name"]))
        basis = Basis.MERGED if known is not None else Basis.NEW
        found.append(Manifest(Source(f"{ODD}.yaml", number), document, known, basis))
    return found


def planned(
    simulator: Simulator, manifests: Sequence[Manifest], others: Sequence[Json] = ()
) -> tuple[Plan, dict[Key, Json]]:
    """The plan, and the objects as they are in memory after it."""
    account = AccountSettings.model_construct(nvcf_base_url=simulator.url, nvcf_host_header=None, nvcf_ca_file=None)

    def connect(credential: Credential) -> ReadOnlyClient:
        return ReadOnlyClient(account, credential.api_key, timeout=30.0)

    async def made() -> tuple[Plan, dict[Key, Json]]:
        settings = Settings(nvcf_base_url=simulator.url)
        planner = Planner(settings, GivenKey(simulator.url, KEY), connect, gpus=lambda gpu, kind: 2)
        plan = await planner.plan(manifests, others)
        await planner.close()
        return plan, copy.deepcopy(planner.operation.api.objects)

    return asyncio.run(made())


def deployed(simulator: Simulator, count: int = 1, **specification: Any) -> list[tuple[str, str]]:
    """Functions that somebody has deployed."""
    found = simulator.add_functions(ODD, count)
    for _, version in found:
        simulator.deploy(version, {**SPECIFICATION, **specification})
    versions = {version for _, version in found}
    eventually(
        lambda: {item["versionId"] for item in simulator.state()["functions"] if item["status"] == "ACTIVE"},
        lambda active: versions <= active,
        within=60.0,
        what="all are ACTIVE",
    )
    return found


def test_the_words_of_a_plan(current: Simulator) -> None:
    idle, there, scaled, refused, held = (ids for ids in deployed(current, 5))
    current.undeploy(idle[1])
    gone = (idle[0], "7c1e0000-0000-4000-8000-000000000001")
    plan, _ = planned(
        current,
        given(
            manifest("idle", *idle, gpu={"instanceType": "NCP.GPU.L40S_1x", "maxInstances": 3}),
            manifest("there", *there),
            manifest("scaled", *scaled, gpu={"maxInstances": 7}),
            manifest("other-gpu", *refused, gpu={"gpu": "H100", "instanceType": "NCP.GPU.H100_1x"}),
            manifest("strangers", *held, adoptionPolicy="Refuse"),
            manifest("gone", *gone),
            manifest("second", *there),
            follower("nothing-of-that-name"),
            function_manifest(
                "llama", tags=["grade:a"], template={"containerEnvironment": [{"key": "A", "value": ODD}]}
            ),
            follower("llama", gpu={"unknown": {"<&>": None}}),
        ),
    )
    assert {item.name if item.kind == "FunctionDeployment" else item.kind: item.action for item in plan.planned} == {
        "idle": Action.DEPLOY,
        "there": Action.ADOPT,
        "scaled": Action.PATCH,
        "other-gpu": Action.REFUSE,
        "strangers": Action.REFUSE,
        "gone": Action.NOT_FOUND,
        "second": Action.CONFLICT,
        "nothing-of-that-name": Action.NOT_FOUND,
        "CloudFunction": Action.REGISTER,
        "llama": Action.DEPLOY,
    }, [item.message for item in plan.planned if item.kind == "CloudFunction"]
    by_name = {item.title.split("/")[-1]: item for item in plan.planned if item.kind == "FunctionDeployment"}
    assert by_name["scaled"].adopts
    assert [(item.path, item.before, item.after) for item in by_name["scaled"].changes] == [
        ("deploymentSpecifications[0].maxInstances", 2, 7)
    ]
    assert by_name["scaled"].first_write is not None
    assert by_name["scaled"].first_write.body == {"minInstances": 1, "maxInstances": 7}
    assert {item.path for item in by_name["other-gpu"].changes} >= {"deploymentSpecifications[0].gpu"}
    assert by_name["other-gpu"].reason == "ImmutableFieldChanged"
    assert len(by_name["other-gpu"].ways_out) == 3
    assert by_name["strangers"].reason == "AlreadyDeployed"
    assert by_name["llama"].after == "llama"
    assert by_name["llama"].first_write is not None
    assert by_name["llama"].first_write.path == "/deployments/functions/<new function>/versions/<new version>"
    assert by_name["idle"].orders.then == Amount(1, 3, 2, 6)
    assert plan.orders.now == Amount(3, 6, 6, 12), "what others have deployed is not these resources'"
    assert plan.exit_code == FAILED


def test_what_is_recorded_and_in_order_costs_one_list_and_one_read_each(current: Simulator) -> None:
    ids = deployed(current, 30)
    documents = [manifest(f"m{number}", *one) for number, one in enumerate(ids)]
    adopted, objects = planned(current, given(*documents))
    assert adopted.counts == {Action.ADOPT: 30}
    assert adopted.exit_code == CHANGES
    before = current.cursor
    again, _ = planned(current, given(*documents, recorded=objects))
    assert again.counts == {Action.UNCHANGED: 30}
    assert again.exit_code == UNCHANGED
    assert Counter(entry["operation"] for entry in current.log(before)) == {"listFunctions": 1, "getDeployment": 30}
    documents[7]["spec"]["deploymentSpecifications"][0]["maxInstances"] = 9
    changed, _ = planned(current, given(*documents, recorded=objects))
    assert changed.counts == {Action.UNCHANGED: 29, Action.PATCH: 1}


def test_what_somebody_has_changed_in_nvcf_is_changed_back(current: Simulator) -> None:
    ((function, version),) = deployed(current)
    document = manifest("echo", function, version)
    _, objects = planned(current, given(document))
    current.undeploy(version)
    current.deploy(version, {**SPECIFICATION, "maxInstances": 9})
    eventually(
        lambda: current.state()["functions"][0]["status"], lambda status: status == "ACTIVE", within=60.0, what="ACTIVE"
    )
    (found,) = planned(current, given(document, recorded=objects))[0].planned
    assert (found.action, found.orders.now.max_instances, found.orders.then.max_instances) == (Action.PATCH, 9, 2)


def test_another_version_is_rolled_out_and_another_gpu_redeployed(current: Simulator) -> None:
    (function, version), other = *deployed(current), current.add_function(ODD)[1]
    _, second = current.add_function(ODD, functionId=function)
    documents = [manifest("echo", function, version, rollout={"immutableChange": "Redeploy"})]
    _, objects = planned(current, given(*documents))
    documents[0]["spec"]["functionVersionId"] = second
    (rolled,) = planned(current, given(*documents, recorded=objects))[0].planned
    assert (rolled.action, rolled.orders.now, rolled.orders.during, rolled.orders.then) == (
        Action.ROLLOUT,
        Amount(1, 2, 2, 4),
        Amount(2, 4, 4, 8),
        Amount(1, 2, 2, 4),
    )
    assert (rolled.changes[0].path, rolled.changes[0].before, rolled.changes[0].after) == (
        "functionVersionId",
        version,
        second,
    )
    documents[0]["spec"]["rollout"]["versionChange"] = "Recreate"
    (recreated,) = planned(current, given(*documents, recorded=objects))[0].planned
    assert (recreated.action, recreated.downtime) == (Action.REDEPLOY, True)
    assert recreated.first_write is not None
    assert recreated.first_write.method == "DELETE"
    documents[0]["spec"]["functionVersionId"] = version
    documents[0]["spec"]["deploymentSpecifications"][0] |= {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x"}
    (redeployed,) = planned(current, given(*documents, recorded=objects))[0].planned
    assert (redeployed.action, redeployed.downtime) == (Action.REDEPLOY, True)
    assert redeployed.orders.during == Amount(1, 2, 2, 4)
    assert other


def test_a_record_that_a_crash_has_left_open_is_waited_out_by_no_clock(current: Simulator) -> None:
    function, version = current.add_function(ODD)
    (one,) = given(manifest("echo", function, version))
    _, objects = planned(current, [one])
    open_intent = objects[Key("team", "echo")]
    assert open_intent["status"]["intent"]["functionVersionId"] == version
    (planned_again,) = planned(current, given(one.document, recorded=objects))[0].planned
    assert planned_again.action == Action.DEPLOY
    assert planned_again.waits >= 125.0


def test_too_many_that_are_gone_at_once_are_not_deployed_again(current: Simulator) -> None:
    ids = deployed(current, 8)
    documents = [manifest(f"m{number}", *one) for number, one in enumerate(ids)]
    _, objects = planned(current, given(*documents))
    for _, version in ids:
        current.undeploy(version)
    plan, _ = planned(current, given(*documents, recorded=objects))
    assert {(item.action, item.reason) for item in plan.planned} == {(Action.REFUSE, "MassAbsence")}
    (alone,) = planned(current, given(documents[0], recorded=objects))[0].planned
    assert (alone.action, alone.waits >= 75.0) == (Action.DEPLOY, True)


def test_secrets_that_are_not_read_are_taken_to_be_there_and_shown_to_nobody(current: Simulator) -> None:
    secrets = [{"name": "TOKEN", "secretRef": {"name": "llama-secrets", "key": "token"}, "format": "JSON"}]
    (found,) = planned(current, given(function_manifest(secrets=secrets)))[0].planned
    assert (found.action, found.notes) == (Action.REGISTER, (UNREAD,)), found.message
    assert found.first_write is not None
    assert found.first_write.body["secrets"] == [{"name": "TOKEN", "value": "<hidden>"}]


def carried_out(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, *manifests: Manifest) -> dict[Key, Json]:
    """The objects after the operator has done all that there is to do."""
    account = AccountSettings.model_construct(nvcf_base_url=simulator.url, nvcf_host_header=None, nvcf_ca_file=None)

    def connect(credential: Credential) -> ReadOnlyClient:
        return ReadOnlyClient(account, credential.api_key, timeout=30.0)

    async def send(channel: ReadOnlyChannel, request: Request[Any], admission: Any) -> Any:
        return await channel._client._client.send(request)  # type: ignore[attr-defined]

    async def made() -> dict[Key, Json]:
        planner = Planner(Settings(nvcf_base_url=simulator.url), GivenKey(simulator.url, KEY), connect)
        await planner.plan(manifests)
        await planner.close()
        return copy.deepcopy(planner.operation.api.objects)

    with monkeypatch.context() as patch:
        patch.setattr(ReadOnlyChannel, "send", send)
        return asyncio.run(made())


@pytest.fixture
def changing() -> Iterator[Simulator]:
    """A simulator in which calls may change something."""
    with Simulator.start({"functions": []}) as running:
        yield running


def test_secrets_that_are_not_read_hide_nothing_else(changing: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [{"name": "TOKEN", "secretRef": {"name": "llama-secrets", "key": "token"}}]
    one = function_manifest(secrets=secrets)
    key = Key("team", "llama", CLOUD_FUNCTION)
    objects = carried_out(changing, monkeypatch, *given(one))
    objects[key]["status"]["versions"][0]["served"] = True
    one["spec"]["template"]["containerImage"] = "nvcr.io/org/llama:2"
    (second,) = given(one)
    objects = carried_out(changing, monkeypatch, replace(second, recorded=objects[key], basis=Basis.MERGED))
    recorded = objects[key]
    assert len(recorded["status"]["versions"]) == 2
    for version in recorded["status"]["versions"]:
        version["secrets"] = "0123456789abcdef"  # of a Secret that a plan may not read

    def plan_for(annotations: Json, **spec: Any) -> Action:
        document = {**one, "metadata": {**one["metadata"], "annotations": annotations}, "spec": {**one["spec"], **spec}}
        (item,) = given(document)
        (found,) = planned(changing, [replace(item, recorded=recorded, basis=Basis.MERGED)])[0].planned
        assert UNREAD in found.notes
        return found.action

    assert plan_for({}) == Action.UNCHANGED
    assert plan_for({}, tags=["grade:a"]) == Action.UPDATE_IN_PLACE
    assert plan_for({}, history={"limit": 0}) == Action.DELETE
    assert plan_for({SECRETS_REQUESTED_ANNOTATION: "<&>"}) == Action.UPDATE_IN_PLACE


def test_objects_of_the_cluster_beside_the_manifests_count(current: Simulator) -> None:
    (ids,) = deployed(current)
    (older,) = given(manifest("older", *ids))
    _, objects = planned(current, [older])
    there = objects[Key("team", "older", FUNCTION_DEPLOYMENT)]
    (found,) = planned(current, given(manifest("younger", *ids)), [there])[0].planned
    assert (found.action, "team/older" in found.message) == (Action.CONFLICT, True)


@pytest.mark.parametrize("key", ["refused", "without scopes"])
def test_a_key_that_is_not_good_is_an_error(current: Simulator, key: str) -> None:
    current.change_key("default", **({"revoked": True} if key == "refused" else {"scopes": ["list_functions"]}))
    plan, _ = planned(current, given(manifest("echo", *current.add_function(ODD)), function_manifest()))
    assert plan.exit_code == FAILED
    assert plan.planned[0].action == Action.ERROR
    assert plan.planned[0].message
