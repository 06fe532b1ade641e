"""Keys of two accounts: neither resource of a pair writes towards the account of the other."""

import pytest

from tests.support.cluster import condition_of, follower
from tests.support.functions import Functions
from tests.support.simulator import KEY, OTHER_KEY
from tests.support.tenant import Tenant

OTHER = {"credentials": {"secretRef": {"name": "nvcf-credentials", "key": "OTHER"}}}


@pytest.fixture
def functions(tenant: Tenant) -> Functions:
    """The CloudFunctions of the tenant, and a Secret with the keys of two accounts that both have a function."""
    tenant.simulator.add_function("thëirs", ncaId="globex")
    tenant.namespace.secret(KEY, OTHER=OTHER_KEY)
    return Functions.of(tenant.namespace, tenant.simulator)


def test_a_deployment_whose_key_is_of_another_account_than_its_functions_writes_nothing(
    tenant: Tenant, functions: Functions
) -> None:
    functions.apply(**OTHER)
    functions.namespace.wait_for("llama")
    tenant.namespace.apply(follower("llama"))
    found = tenant.namespace.wait_for("llama", "Stalled", reason="AccountMismatch")
    assert "globex" in condition_of(found, "Stalled")["message"]
    assert functions.operations() == ["createFunction"]
    tenant.namespace.delete("llama")
    tenant.namespace.wait_gone("llama")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert functions.operations() == ["createFunction", "deleteFunction"]


def test_a_function_whose_key_changes_to_another_account_is_left_alone_there_and_here(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    before = functions.ids()
    functions.namespace.edit("llama", template={"containerImage": "nvcr.io/org/llama:2"}, **OTHER)
    found = functions.namespace.wait_for("llama", "Stalled", reason="AccountMismatch")
    for account in ("acme", "globex"):
        assert account in condition_of(found, "Stalled")["message"]
    functions.namespace.delete("llama")
    functions.namespace.wait_for("llama", "DeletionBlocked", reason="AccountMismatch")
    assert (functions.ids(), functions.operations()) == (before, ["createFunction"])
    functions.namespace.edit("llama", credentials={"secretRef": {"key": "NGC_API_KEY"}})
    functions.namespace.wait_gone("llama", within=60)
    assert functions.ids() == []


def test_a_function_of_another_account_is_not_adopted_by_its_id(functions: Functions) -> None:
    function, version = functions.simulator.add_function(functions.called(), ncaId="globex", public=True)
    functions.apply(functionId=function)
    found = functions.namespace.wait_for("llama", "Stalled", reason="FunctionGone")
    assert "another account" in condition_of(found, "Stalled")["message"]
    assert not [entry for entry in functions.simulator.log(functions.cursor, functionId=function) if entry["mutating"]]
    assert version in functions.ids()
