"""A CloudFunction registers its template, follows it and deletes what it registered."""

from typing import Any

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION
from tests.support.cluster import condition_of
from tests.support.functions import Functions
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


@pytest.fixture
def functions(tenant: Tenant) -> Functions:
    """The CloudFunctions of the tenant."""
    return Functions.of(tenant.namespace, tenant.simulator)


def test_a_manifest_makes_one_function_with_one_version_and_a_second_pass_writes_nothing(functions: Functions) -> None:
    cloud = functions.namespace
    functions.apply(tags=["team-a"])
    found = cloud.wait_for("llama")
    [version] = functions.versions()
    status = found["status"]
    assert (status["functionId"], status["latest"]["versionId"]) == (version["id"], version["versionId"])
    assert CLOUD_FUNCTION.finalizer in found["metadata"]["finalizers"]
    assert functions.marked() == [version["versionId"]]
    cloud.annotate("llama", reconcile_requested_at="now")
    cloud.wait_until("llama", lambda it: it["status"].get("lastHandledReconcileAt") == "now", what="answered")
    assert functions.operations() == ["createFunction"]


def test_deleting_the_resource_deletes_its_versions_and_with_the_last_one_the_function(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert functions.ids() == []
    assert functions.operations() == ["createFunction", "deleteFunction"]


def test_a_retained_function_stays(functions: Functions) -> None:
    functions.apply(deletionPolicy="Retain")
    found = functions.namespace.wait_for("llama")
    assert not found["metadata"].get("finalizers")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert functions.operations() == ["createFunction"]


def test_a_new_image_makes_one_new_version_and_the_unused_former_one_is_deleted(functions: Functions) -> None:
    functions.apply(history={"limit": 0})
    functions.namespace.wait_for("llama")
    first, function = functions.latest(), functions.status()["functionId"]
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama")
    assert functions.latest() != first
    eventually(functions.ids, lambda ids: ids == [functions.latest()], within=40, what="the former one is deleted")
    assert functions.status()["functionId"] == function
    assert functions.operations() == ["createFunction", "createVersion", "deleteFunction"]


def model(name: str) -> dict[str, str]:
    """A model of the template."""
    return {"name": name, "version": "1", "uri": f"https://api.ngc.nvidia.com/v2/org/o/models/{name}/1/files"}


@pytest.mark.parametrize(
    ("given", "same"),
    [
        pytest.param({}, {"apiBodyFormat": "CUSTOM", "functionType": "DEFAULT"}, id="defaults are written out"),
        pytest.param(
            {"models": [model("a"), model("b")]}, {"models": [model("b"), model("a")]}, id="models are reordered"
        ),
    ],
)
def test_a_template_of_the_same_meaning_makes_no_version(
    functions: Functions, given: dict[str, Any], same: dict[str, Any]
) -> None:
    functions.apply(template=given)
    functions.namespace.wait_for("llama")
    functions.change(**same)
    functions.namespace.wait_for("llama")
    assert functions.operations() == ["createFunction"]


def test_a_field_taken_out_of_the_template_makes_a_version_without_it(functions: Functions) -> None:
    functions.apply(template={"containerArgs": "--tp 2"})
    functions.namespace.wait_for("llama")
    functions.change(containerArgs=None)
    functions.namespace.wait_for("llama")
    assert functions.operations()[:2] == ["createFunction", "createVersion"]
    [newest] = [item for item in functions.versions() if item["versionId"] == functions.latest()]
    assert "containerArgs" not in newest.get("details", newest)


def test_back_to_a_deleted_template_registers_it_again_under_the_same_hash(functions: Functions) -> None:
    functions.apply(history={"limit": 0})
    functions.namespace.wait_for("llama")
    first = functions.status()["latest"]
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama")
    eventually(functions.ids, lambda ids: first["versionId"] not in ids, within=40, what="the former one is deleted")
    functions.change(containerImage="nvcr.io/org/llama:1")
    functions.namespace.wait_for("llama")
    again = functions.status()["latest"]
    assert again["hash"] == first["hash"]
    assert again["versionId"] != first["versionId"]


def test_an_image_that_is_not_in_the_registry_is_retried_and_the_key_stays_valid(functions: Functions) -> None:
    image = f"nvcr.io/org/{functions.called()}:1"
    functions.simulator.artifacts({image: {"status": 404}})
    functions.apply(template={"containerImage": image})
    found = functions.namespace.wait_for("llama", status="False", reason="ArtifactRejected")
    assert condition_of(found, "CredentialsValid")["status"] == "True"
    functions.simulator.artifacts({image: None})
    functions.namespace.annotate("llama", reconcile_requested_at="pushed")
    functions.namespace.wait_for("llama")
    assert len(functions.ids()) == 1


def test_all_versions_deleted_outside_make_no_new_function(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    functions.simulator.remove_function(functions.status()["functionId"])
    functions.namespace.wait_for("llama", "Stalled", reason="FunctionGone", within=60)
    assert functions.operations() == ["createFunction"]
    functions.namespace.annotate("llama", new_function_requested_at="again")
    functions.namespace.wait_for("llama")
    assert functions.operations() == ["createFunction", "createFunction"]


def test_a_revision_that_is_registered_with_another_template_is_refused(functions: Functions) -> None:
    functions.apply(revision="1-0")
    functions.namespace.wait_for("llama")
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama", "Stalled", reason="RevisionReused")
    assert functions.operations() == ["createFunction"]


def test_a_function_of_that_name_which_is_not_ours_is_left_alone(functions: Functions) -> None:
    theirs, version = functions.simulator.add_function(functions.called())
    functions.apply()
    found = functions.namespace.wait_for("llama", "Stalled", reason="AlreadyExists")
    assert theirs in condition_of(found, "Ready")["message"]
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert functions.ids() == [version]


def test_what_is_not_ours_in_our_function_is_never_deleted(functions: Functions) -> None:
    functions.apply(history={"limit": 0})
    functions.namespace.wait_for("llama")
    ours, function = functions.latest(), functions.status()["functionId"]
    _, foreign = functions.simulator.add_function(functions.called(), functionId=function)
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama")
    eventually(functions.ids, lambda ids: ours not in ids, within=40, what="our former one is deleted")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert functions.ids() == [foreign]


def test_a_latest_version_that_is_deleted_outside_is_registered_again_after_the_settle(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    first = functions.status()
    functions.simulator.add_function(functions.called(), functionId=first["functionId"])
    functions.simulator.remove(first["latest"]["versionId"])
    functions.namespace.wait_until(
        "llama",
        lambda it: it["status"]["latest"]["versionId"] != first["latest"]["versionId"],
        what="another version",
        within=60,
    )
    functions.namespace.wait_for("llama")
    again = functions.status()
    assert (again["functionId"], again["latest"]["hash"]) == (first["functionId"], first["latest"]["hash"])
    assert functions.operations() == ["createFunction", "createVersion"]
    assert any(reason == "Drift" for _, reason, _ in functions.namespace.events("llama"))


@pytest.mark.parametrize("stopped", [{"suspend": True}, {"managementPolicy": "Observe"}])
def test_nothing_is_registered_while_nothing_may_be_written(functions: Functions, stopped: dict[str, Any]) -> None:
    functions.apply(**stopped)
    reason = "Suspended" if "suspend" in stopped else "Observing"
    functions.namespace.wait_for("llama", status="False", reason=reason)
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert functions.operations() == []


def test_a_key_that_may_not_make_a_function_hears_which_policy_is_missing(functions: Functions) -> None:
    functions.simulator.add_key(
        "narrow", "nvapi-test-narrow", resources=["function:00000000-0000-4000-8000-000000000000/*"]
    )
    functions.namespace.secret("nvapi-test-narrow")
    functions.apply()
    found = functions.namespace.wait_for("llama", status="False", reason="Forbidden")
    assert "account-functions:*" in condition_of(found, "Ready")["message"]
    assert condition_of(found, "CredentialsValid")["status"] == "True"
