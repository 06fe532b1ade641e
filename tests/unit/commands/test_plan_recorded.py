"""What `plan` reads of a cluster under rights of every kind, and what it does without."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.commands.plan.input.reading import STDIN, InputError
from nvcf_operator.commands.plan.input.reading import read as input_of
from nvcf_operator.commands.plan.input.recorded import MANAGER, Recorded, applier, recorded
from nvcf_operator.commands.plan.input.secrets import ClusterCredentials
from nvcf_operator.commands.plan.model import Basis, Manifest, Source
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.kube.errors import Denied, Invalid, KubeError, NotServed, Unavailable
from nvcf_operator.kube.secrets import Absent, SecretRead
from nvcf_operator.kube.secrets import Denied as SecretDenied
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.settings import Settings
from tests.support.cluster import follower, manifest
from tests.support.functions import function_manifest

ID = "b0e1c9a4-6b7f-4a34-9c0e-2f1d5e8a7c61"
MAY_NOT = Denied(
    'functiondeployments "x" is forbidden: User "ü" cannot patch resource "functiondeployments"', status=403
)


@dataclass
class Api:
    """An API server that lets an identity do some things."""

    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    may_list: str = "all"
    """`all` namespaces, `own` ones, or `none`; then objects are read one by one."""
    may_get: bool = True
    apply: KubeError | None = MAY_NOT
    tried: list[tuple[Key, str]] = field(default_factory=list)
    sent: list[Mapping[str, Any]] = field(default_factory=list)

    async def list_resources(
        self, namespaces: Sequence[str] = (), *, kind: Kind = FUNCTION_DEPLOYMENT
    ) -> list[dict[str, Any]]:
        if self.may_list == "unserved":
            raise NotServed("the API server serves no such thing", status=404)
        if self.may_list == "none" or (self.may_list == "own" and not namespaces):
            raise Denied("may not list", status=403)
        return [
            obj
            for key, obj in self.objects.items()
            if key.kind == kind and key.namespace in (namespaces or [key.namespace])
        ]

    async def get_resource(self, key: Key) -> dict[str, Any] | None:
        if not self.may_get:
            raise Denied("may not get", status=403)
        found = self.objects.get(key)
        return {name: value for name, value in found.items() if name != "kind"} if found else None

    async def try_apply(self, key: Key, document: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        self.tried.append((key, manager))
        self.sent.append(document)
        if self.apply is not None:
            raise self.apply
        return {**document, "spec": {**document["spec"], "suspend": True}, "status": {"phase": "Active"}}


def stored(obj: dict[str, Any], namespace: str, *managers: str) -> tuple[Key, dict[str, Any]]:
    kind = CLOUD_FUNCTION if obj["kind"] == CLOUD_FUNCTION.name else FUNCTION_DEPLOYMENT
    fields = [{"manager": name, "operation": "Apply", "fieldsV1": {"f:spec": {}}} for name in managers]
    metadata = {**obj["metadata"], "namespace": namespace, "managedFields": fields}
    return Key(namespace, obj["metadata"]["name"], kind), {**obj, "metadata": metadata}


def given(*objects: dict[str, Any], namespace: str = "größe") -> list[Manifest]:
    return [
        Manifest(Source("a.yaml", number), {**obj, "metadata": {**obj["metadata"], "namespace": namespace}})
        for number, obj in enumerate(objects, 1)
    ]


async def read(api: Api, *manifests: Manifest) -> Recorded:
    return await recorded(manifests, api)  # type: ignore[arg-type]  # what of a client is used


ECHO = manifest("echo", ID, ID)


@pytest.mark.parametrize("may_list", ["all", "own", "none"])
async def test_objects_are_found_whatever_may_be_listed(may_list: str) -> None:
    objects = dict(
        [
            stored(ECHO, "größe"),
            stored(function_manifest("llama"), "größe"),
            stored(manifest("twin", ID, ID), "elsewhere"),
        ]
    )
    found = await read(Api(objects, may_list), *given(ECHO, follower("x", {"name": "llama"})))
    assert [item.recorded and item.recorded["metadata"]["name"] for item in found.manifests] == ["echo", None]
    assert [item.basis for item in found.manifests] == [Basis.MERGED, Basis.NEW]
    assert found.manifests[0].recorded is not None
    assert found.manifests[0].recorded["kind"] == "FunctionDeployment"
    names = [item["metadata"]["name"] for item in found.others]
    assert names == (["twin", "llama"] if may_list == "all" else ["llama"])
    unseen = [note for note in found.notes if "conflicts with those in other namespaces are not detected" in note]
    assert len(unseen) == (0 if may_list == "all" else 2)


async def test_without_any_right_it_says_which_are_needed() -> None:
    with pytest.raises(InputError, match="Grant the right to get and list functiondeployments in größe"):
        await read(Api(may_list="none", may_get=False), *given(ECHO))


async def test_a_cluster_without_the_crds() -> None:
    found = await read(Api(may_list="unserved"), *given(ECHO))
    assert [item.basis for item in found.manifests] == [Basis.NEW]
    assert "All functiondeployments were planned as new objects." in found.notes[0]


async def test_an_apply_is_tried_once_where_rbac_forbids_it() -> None:
    api = Api(dict([stored(ECHO, "größe", "flux")]))
    found = await read(api, *given(ECHO, manifest("two", ID, ID), function_manifest("llama")))
    assert [(key.name, manager) for key, manager in api.tried] == [("echo", "flux"), ("llama", MANAGER)]
    assert [note.split(" in größe")[0] for note in found.notes] == [
        "The identity may not patch cloudfunctions",
        "The identity may not patch functiondeployments",
    ]


async def test_a_tried_apply_is_taken_over() -> None:
    found = await read(Api(dict([stored(ECHO, "größe", "flux")]), apply=None), *given(ECHO, manifest("new", ID, ID)))
    there, new = found.manifests
    assert there.recorded is not None
    assert (there.basis, there.recorded["spec"]["suspend"], there.recorded["status"]) == (
        Basis.DRY_RUN,
        True,
        {"phase": "Active"},
    )
    assert (new.basis, new.recorded, new.document["spec"]["suspend"]) == (Basis.NEW, None, True)
    assert found.notes == ()


async def test_no_default_is_tried_over_what_others_have_set() -> None:
    documents = {**ECHO, "spec": {**ECHO["spec"], "größe": 1, "rollout": {"immutableChange": None}}}
    given_manifests = input_of([STDIN], namespace="team", stdin=json.dumps(documents).encode).manifests
    assert given_manifests[0].document["spec"]["rollout"]["immutableChange"] == "Reject"
    api = Api(apply=None)
    await read(api, *given_manifests)
    assert api.sent[0]["spec"] == {**ECHO["spec"], "rollout": {}}


@pytest.mark.parametrize(
    "error",
    [Invalid("spec.größe: no", status=422), Denied("admission webhook denied the request", status=403)],
)
async def test_what_the_api_server_refuses_is_an_error_with_its_place(error: KubeError) -> None:
    with pytest.raises(InputError) as refused:
        await read(Api(apply=error), *given(ECHO, manifest("two", ID, ID)))
    assert refused.value.lines == (
        f"a.yaml#1: FunctionDeployment größe/echo: the API server rejects it: {error}",
        f"a.yaml#2: FunctionDeployment größe/two: the API server rejects it: {error}",
    )


@pytest.mark.parametrize("status", [404, 500, None])
async def test_no_answer_to_a_tried_apply_is_a_note(status: int | None) -> None:
    found = await read(Api(apply=Unavailable("nothing", status=status)), *given(ECHO))
    assert [item.basis for item in found.manifests] == [Basis.NEW]
    (note,) = found.notes
    assert "nothing" in note


async def test_rules_about_changes_are_kept_without_a_dry_run() -> None:
    other = manifest("echo", ID.replace("b", "c"), ID)
    with pytest.raises(InputError, match=r"a\.yaml#1: FunctionDeployment größe/echo: spec\.functionId: .*immutable"):
        await read(Api(dict([stored(other, "größe")])), *given(ECHO))


def test_who_applied() -> None:
    assert applier(stored(ECHO, "a", "flux")[1]) == "flux"
    assert applier(stored(ECHO, "a", "flux", "someone")[1]) is None
    assert applier(stored(ECHO, "a")[1]) is None


class Store:
    def __init__(self, answer: SecretRead) -> None:
        self.answer = answer

    async def read(self, namespace: str, name: str, *, max_age: float) -> SecretRead:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "named", "key", "notes"),
    [
        (StoredSecret({"NGC_API_KEY": b"nvapi-aus-dem-secret"}), False, "nvapi-aus-dem-secret", 0),
        (StoredSecret({}), False, None, 0),
        (Absent(), True, None, 0),
        (Absent(), False, "nvapi-gegeben", 1),
        (SecretDenied("nein."), True, "nvapi-gegeben", 1),
    ],
)
async def test_keys(answer: SecretRead, named: bool, key: str | None, notes: int) -> None:
    redacted: list[str] = []
    found = ClusterCredentials(
        Store(answer),  # type: ignore[arg-type]  # what of it is used
        Settings(),
        "nvapi-gegeben",
        redact=redacted.append,
    )
    for _ in range(2):
        credential = await found.resolve(SecretName("größe", "geheim", "NGC_API_KEY", named))
        assert isinstance(credential, Failure if key is None else Credential)
        assert key is None or (isinstance(credential, Credential) and credential.api_key == key)
    assert len(found.notes) == notes
    assert redacted == ([key] * 2 if key == "nvapi-aus-dem-secret" else [])
    assert not any("nvapi" in note for note in found.notes)
