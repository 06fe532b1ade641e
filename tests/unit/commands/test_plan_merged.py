"""What a manifest gives that is merged with the object of the cluster locally."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nvcf_operator.commands.plan.loop.objects import LAST_APPLIED, as_applied
from nvcf_operator.commands.plan.model import Basis, Manifest, Source
from tests.support.cluster import manifest

ID = "b0e1c9a4-6b7f-4a34-9c0e-2f1d5e8a7c61"
DEFAULTS = {"suspend": False, "rollout": {"versionChange": "BlueGreen", "immutableChange": "Reject"}}
THERE = {
    "suspend": True,
    "rollout": {"versionChange": "Recreate", "immutableChange": "Redeploy"},
    "functionRef": {"name": "größe", "revision": "<&>"},
}
"""In the cluster; of these, `rollout.immutableChange` and the reference were applied."""


def merged(*, annotation: str | None = None, fields: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    document = {**manifest("echo", ID, ID), "spec": {**DEFAULTS, **given}}
    document["spec"]["rollout"] = {**DEFAULTS["rollout"], **given.get("rollout", {})}  # type: ignore[dict-item]
    metadata: dict[str, Any] = {"namespace": "team", "name": "echo", "uid": "u", "generation": 3}
    if annotation is not None:
        metadata["annotations"] = {LAST_APPLIED: annotation}
    if fields is not None:
        metadata["managedFields"] = [
            {"manager": "operator", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}},
            {"manager": "edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:suspend": {}}}},
            {"manager": "flux", "operation": "Apply", "fieldsV1": {"f:spec": fields}},
        ]
    document["metadata"] = {"namespace": "team", "name": "echo"}
    stored = {**document, "metadata": metadata, "spec": THERE}
    item = Manifest(Source("a.yaml"), document, stored, Basis.MERGED, applied=given)
    found: dict[str, Any] = as_applied(item, datetime(2026, 1, 1, tzinfo=UTC))
    return found


APPLIED = {"rollout": {"immutableChange": "Redeploy"}, "functionRef": {"name": "größe", "revision": "<&>"}}
FIELDS: dict[str, Any] = {"f:rollout": {".": {}, "f:immutableChange": {}}, "f:functionRef": {}}


@pytest.mark.parametrize(
    "record", [{"annotation": json.dumps({"spec": APPLIED})}, {"fields": FIELDS}], ids=["client-side", "server-side"]
)
def test_what_others_have_set_stays_and_what_was_applied_goes(record: dict[str, Any]) -> None:
    found = merged(**record, rollout={}, functionRef={"name": "größe"})
    assert found["spec"] == {
        "suspend": True,
        "rollout": {"versionChange": "Recreate", "immutableChange": "Reject"},
        "functionRef": {"name": "größe"},
    }


def test_what_the_manifest_says_wins() -> None:
    found = merged(fields=FIELDS, suspend=False, rollout={"versionChange": "BlueGreen"}, functionRef={"name": "b"})
    assert (found["spec"]["suspend"], found["spec"]["functionRef"]) == (False, {"name": "b"})
    assert found["spec"]["rollout"] == {"versionChange": "BlueGreen", "immutableChange": "Reject"}


@pytest.mark.parametrize("annotation", [None, "no JSON", "[]", '{"spec": 1}'])
def test_where_no_apply_is_on_record_the_manifest_counts_alone(annotation: str | None) -> None:
    found = merged(annotation=annotation)
    assert (found["spec"], found["metadata"]["generation"]) == (DEFAULTS, 4)
