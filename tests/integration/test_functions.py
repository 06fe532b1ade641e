"""A CloudFunction registers its template, follows it and deletes what it registered."""

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION
from tests.support.functions import Functions
from tests.support.tenant import Tenant


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
    assert functions.writes() == [("createFunction", 200)]


def test_deleting_the_resource_deletes_its_versions_and_with_the_last_one_the_function(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert functions.versions() == []
    assert [name for name, _ in functions.writes()] == ["createFunction", "deleteFunction"]


def test_a_new_image_makes_one_new_version(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    first = functions.latest()
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama")
    assert functions.ids() == [first, functions.latest()] or functions.ids() == [functions.latest()]
    assert [name for name, _ in functions.writes()][:2] == ["createFunction", "createVersion"]


def test_a_retained_function_stays(functions: Functions) -> None:
    functions.apply(deletionPolicy="Retain")
    found = functions.namespace.wait_for("llama")
    assert not found["metadata"].get("finalizers")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert len(functions.ids()) == 1
