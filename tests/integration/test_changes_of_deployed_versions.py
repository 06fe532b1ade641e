"""Tags and rate limits of versions that FunctionDeployments deploy, take back, or do not get up."""

import pytest

from tests.integration.changes_in_place import changes, drifts, shown, tags, until_tags
from tests.support.cluster import follower
from tests.support.functions import Functions
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


@pytest.fixture
def functions(tenant: Tenant) -> Functions:
    """The CloudFunctions of the tenant."""
    return Functions.of(tenant.namespace, tenant.simulator)


def test_a_former_version_is_brought_up_to_date_before_it_is_deployed_again(
    tenant: Tenant, functions: Functions
) -> None:
    functions.apply(history={"limit": 1}, tags=["one"], rateLimit={"rateLimit": "1-S"})
    tenant.namespace.apply(follower("llama"))
    tenant.namespace.wait_for("llama", within=60)
    first = functions.latest()
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama", within=60)
    functions.until_deployed_alone(functions.latest())
    tenant.namespace.wait_for("llama", within=60)
    functions.namespace.edit("llama", tags=["two"], rateLimit={"rateLimit": "2-S"})
    until_tags(functions, {"two"})
    functions.namespace.wait_for("llama", within=60)
    assert tags(functions, first) == {"one"}, "what is only kept stays as it is"
    posts = functions.posts()
    functions.change(containerImage="nvcr.io/org/llama:1")
    functions.until_deployed_alone(first)
    functions.namespace.wait_for("llama", within=60)
    tenant.namespace.wait_for("llama", within=60)
    assert (functions.latest(), functions.posts()) == (first, posts)
    assert (tags(functions, first), shown(functions, first)["rateLimit"]["rateLimit"]) == ({"two"}, "2-S")
    order = [name for name in functions.simulator.operations(first) if name != "createFunction"]
    assert order.count("updateFunction") == 1
    assert order[-2:] == ["updateFunction", "createDeployment"]
    assert functions.simulator.overlapping(first) == []
    assert drifts(functions) == 0


def test_a_former_version_that_is_pinned_is_brought_up_to_date_before_it_is_deployed(
    tenant: Tenant, functions: Functions
) -> None:
    functions.apply(revision="1-0", history={"limit": 1}, tags=["one"])
    tenant.namespace.apply(follower("llama"))
    tenant.namespace.wait_for("llama", within=60)
    first = functions.latest()
    functions.namespace.edit("llama", revision="2-0", template={"containerImage": "nvcr.io/org/llama:2"})
    functions.namespace.wait_for("llama", within=60)
    functions.until_deployed_alone(functions.latest())
    functions.namespace.edit("llama", tags=["two"])
    until_tags(functions, {"two"})
    functions.namespace.wait_for("llama", within=60)
    tenant.namespace.wait_for("llama", within=60)
    tenant.namespace.edit("llama", functionRef={"name": "llama", "revision": "1-0"})
    functions.until_deployed_alone(first)
    functions.namespace.wait_for("llama", within=60)
    order = [name for name in functions.simulator.operations(first) if name != "createFunction"]
    assert order[-2:] == ["updateFunction", "createDeployment"]
    assert tags(functions, first) == {"two"}
    assert drifts(functions) == 0


def test_a_change_reaches_the_version_that_serves_while_a_rollout_fails(tenant: Tenant, functions: Functions) -> None:
    functions.apply(history={"limit": 1}, tags=["one"])
    tenant.namespace.apply(follower("llama"))
    tenant.namespace.wait_for("llama", within=60)
    first = functions.latest()
    tenant.namespace.edit("llama", suspend=True)  # so that the fate of the next version is settled before it starts
    functions.change(containerImage="nvcr.io/org/llama:broken")
    eventually(functions.latest, lambda version: version != first, within=60, what="another version is registered")
    functions.simulator.instance_behaviour(functions.latest(), outcome="fail", error="broken: <&>")
    tenant.namespace.edit("llama", suspend=False)
    tenant.namespace.wait_for("llama", "Stalled", reason="RolloutFailed", within=60)
    functions.namespace.edit("llama", tags=["two"])
    until_tags(functions, {"two"}, first)
    until_tags(functions, {"two"})
    functions.namespace.wait_for("llama", within=60)
    assert set(functions.simulator.deployments()) & set(functions.ids()) == {first}
    assert changes(functions).count("updateFunction") == 2


def test_a_change_reaches_the_version_that_serves_while_its_template_is_refused(functions: Functions) -> None:
    functions.apply(tags=["one"])
    functions.namespace.wait_for("llama")
    image = f"nvcr.io/org/{functions.called()}:2"
    functions.simulator.artifacts({image: {"status": 404}})
    functions.namespace.edit("llama", tags=["two"], template={"containerImage": image})
    functions.namespace.wait_for("llama", status="False", reason="ArtifactRejected")
    until_tags(functions, {"two"})
    functions.namespace.wait_for("llama", status="False", reason="ArtifactRejected")
    assert changes(functions) == ["updateFunction"]
