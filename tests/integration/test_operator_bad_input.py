"""What a user sees who got something wrong: a condition that says what, where, and what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from hack.controlplane import ControlPlane, KubectlError
from tests.support.cluster import Namespace, condition_of, manifest
from tests.support.process import Operator
from tests.support.simulator import KEY, OTHER_KEY, Simulator
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

NOBODY = "nvapi-nobody"


@pytest.fixture
def keyless(control_plane: ControlPlane, namespace: str, simulator: Simulator, operator: Operator) -> Tenant:
    """As `tenant`, without a Secret."""
    function, version = simulator.add_function()
    return Tenant(Namespace(control_plane, namespace), simulator, function, version, simulator.cursor)


def message(tenant: Tenant, reason: str, *, condition: str = "CredentialsValid", status: str = "False") -> str:
    found = tenant.namespace.wait_for("echo", condition, status, reason=reason)
    return str(condition_of(found, condition)["message"])


def test_without_any_secret_the_condition_names_the_one_to_make(keyless: Tenant) -> None:
    keyless.namespace.apply(keyless.manifest())
    said = message(keyless, "NoCredentials")
    assert f"Secret {keyless.namespace.name}/nvcf-credentials" in said
    assert "NGC_API_KEY" in said
    keyless.namespace.secret(KEY)
    keyless.namespace.wait_for("echo", within=60)


def test_a_key_of_the_secret_that_is_missing_is_not_replaced_by_another(keyless: Tenant) -> None:
    keyless.namespace.secret(KEY)
    keyless.namespace.apply(keyless.manifest(credentials={"secretRef": {"name": "nvcf-credentials", "key": "OTHER"}}))
    assert "no key OTHER" in message(keyless, "SecretInvalid")
    assert keyless.writes() == []


def test_a_named_secret_that_is_missing_is_named(keyless: Tenant) -> None:
    keyless.namespace.apply(keyless.manifest(credentials={"secretRef": {"name": "nvcf-credentials"}}))
    assert f"{keyless.namespace.name}/nvcf-credentials" in message(keyless, "SecretNotFound")


def test_a_secret_that_rbac_does_not_cover_says_what_to_set(keyless: Tenant) -> None:
    keyless.namespace.secret(KEY, name="my-own")
    keyless.namespace.apply(keyless.manifest(credentials={"secretRef": {"name": "my-own"}}))
    assert "resourceNames" in message(keyless, "SecretNotPermitted")
    assert keyless.simulator.log(keyless.cursor, functionVersionId=keyless.version) == []


@pytest.mark.parametrize(
    ("key", "word"),
    [
        pytest.param("", "empty", id="an empty key"),
        pytest.param("two words", "visible ASCII", id="a key with a space"),
        pytest.param("x" * 5000, "5000 characters", id="a key that is too long"),
    ],
)
def test_what_cannot_be_a_key_is_never_sent(keyless: Tenant, key: str, word: str) -> None:
    keyless.namespace.secret(key)
    keyless.namespace.apply(keyless.manifest())
    said = message(keyless, "SecretInvalid")
    assert word in said
    assert "two words" not in said


def test_a_base_url_that_was_not_allowed_gets_no_key(keyless: Tenant) -> None:
    keyless.namespace.secret(KEY, NVCF_BASE_URL="https://evil.example/v2/nvcf")
    keyless.namespace.apply(keyless.manifest())
    said = message(keyless, "BaseURLNotAllowed")
    assert "https://evil.example/v2/nvcf" in said
    assert "--allowed-base-urls" in said


def test_an_unknown_key_is_reported_and_probed_by_one_call_at_a_time(keyless: Tenant) -> None:
    other = keyless.simulator.add_function("other")
    keyless.namespace.secret(NOBODY)
    keyless.namespace.apply(keyless.manifest(), manifest("other", *other))
    said = message(keyless, "Unauthorized")
    assert NOBODY not in said
    assert "list_functions" in said
    keyless.namespace.secret(KEY)
    keyless.namespace.wait_for("echo", within=60)
    assert NOBODY not in str(keyless.namespace.get("echo"))


@pytest.mark.parametrize("scope", ["deploy_function", "list_functions"])
def test_a_key_without_a_scope_is_reported_with_the_scope(keyless: Tenant, scope: str) -> None:
    token = f"nvapi-lacks-{scope.partition('_')[0]}"
    others = ["deploy_function", "list_functions", "queue_details"]
    keyless.simulator.add_key(f"lacks-{scope}", token, scopes=[item for item in others if item != scope])
    keyless.namespace.secret(token)
    keyless.namespace.apply(keyless.manifest())
    assert scope in message(keyless, "MissingScope")
    assert keyless.writes() == []


def test_a_key_for_other_functions_fails_this_resource_alone(keyless: Tenant) -> None:
    mine, my_version = keyless.simulator.add_function("mine")
    keyless.simulator.add_key("limited", "nvapi-limited", resources=[f"function:{mine}/*"])
    keyless.namespace.secret("nvapi-limited")
    keyless.namespace.apply(keyless.manifest(), manifest("mine", mine, my_version))
    found = keyless.namespace.wait_for("echo", "Stalled", reason="Forbidden")
    assert condition_of(found, "CredentialsValid")["status"] == "True"
    keyless.namespace.wait_for("mine")


def test_an_unknown_function_is_named(tenant: Tenant) -> None:
    nothing = "00000000-0000-4000-8000-000000000009"
    tenant.namespace.apply(manifest("echo", nothing, nothing))
    said = message(tenant, "FunctionNotFound", condition="Stalled", status="True")
    assert nothing in said
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")


def test_a_gpu_that_nvcf_does_not_have_is_reported_in_its_own_words(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(gpu={"gpu": "Z9"}))
    assert "Z9" in message(tenant, "Rejected", condition="Stalled", status="True")
    tenant.namespace.scale("echo", gpu="L40S")
    tenant.namespace.wait_for("echo")


def test_a_missing_instance_type_is_reported_where_the_server_asks_for_it(tenant: Tenant) -> None:
    body = tenant.manifest()
    del body["spec"]["deploymentSpecifications"][0]["instanceType"]
    tenant.namespace.apply(body)
    assert "instanceType" in message(tenant, "Rejected", condition="Stalled", status="True")


def test_min_above_max_is_refused_by_the_api_server(tenant: Tenant) -> None:
    with pytest.raises(KubectlError, match="minInstances"):
        tenant.namespace.apply(tenant.manifest(gpu={"minInstances": 3, "maxInstances": 2}))


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("502", {"status": 502}, "NVCFUnavailable"),
    ("a proxy's page", {"status": 200, "body": "<html>hello</html>", "contentType": "text/html"}, "InvalidAnswer"),
    ("an empty answer", {"status": 200, "envelope": "empty"}, "InvalidAnswer"),
    ("a broken connection", {"reset": True}, "NVCFUnavailable"),
    ("429", {"status": 429, "retryAfter": 1}, "Throttled"),
]


@pytest.mark.parametrize(("fault", "reason"), [pytest.param(*case[1:], id=case[0]) for case in FAULTS])
def test_an_outage_is_reported_once_and_goes_on_automatically(
    own: Callable[[], Tenant], fault: dict[str, Any], reason: str
) -> None:
    tenant = own()
    tenant.simulator.fault(functionVersionId=tenant.version, operation="getDeployment", **fault)
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason=reason)
    tenant.simulator.clear_faults()
    tenant.namespace.wait_for("echo", within=60)
    assert tenant.writes() == [("createDeployment", 200)]


@pytest.fixture
def own(tenant: Tenant) -> Callable[[], Tenant]:
    """The test's tenant with a key, and so an account and a breaker, of its own."""

    def made() -> Tenant:
        token = f"nvapi-own-{tenant.namespace.name}"
        tenant.simulator.add_key(tenant.namespace.name, token)
        tenant.namespace.secret(token)
        return tenant

    return made


def test_another_accounts_key_deletes_and_creates_nothing(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.add_function("theirs", ncaId="globex")
    tenant.namespace.secret(OTHER_KEY)
    tenant.namespace.annotate("echo", reconcile_requested_at="now")
    found = tenant.namespace.wait_for("echo", "Stalled", reason="AccountMismatch")
    assert "acme" in condition_of(found, "Stalled")["message"]
    tenant.namespace.delete("echo")
    tenant.namespace.wait_for("echo", "DeletionBlocked", reason="AccountMismatch")
    assert tenant.writes() == [("createDeployment", 200)]
    tenant.namespace.secret(KEY)
    tenant.namespace.wait_gone("echo", within=60)
    assert not [item for item in tenant.simulator.allocations() if item["functionVersionId"] == tenant.version]


def test_force_delete_releases_what_is_blocked_and_names_what_it_leaves(tenant: Tenant, operator: Operator) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.add_function("theirs", ncaId="globex")
    tenant.namespace.secret(OTHER_KEY)
    tenant.namespace.annotate("echo", reconcile_requested_at="now")
    tenant.namespace.wait_for("echo", "Stalled", reason="AccountMismatch")
    tenant.namespace.delete("echo")
    tenant.namespace.wait_for("echo", "DeletionBlocked")
    left = operator.metric("nvcf_operator_deletions_left_behind_total")
    tenant.namespace.annotate("echo", force_delete="true")
    tenant.namespace.wait_gone("echo")
    assert tenant.version in tenant.simulator.deployments()
    eventually(
        lambda: operator.metric("nvcf_operator_deletions_left_behind_total"),
        lambda number: number == left + 1,
        within=15,
        what="it is counted",
    )
    events = eventually(
        lambda: tenant.namespace.events("echo"),
        lambda seen: any(reason == "LeftBehind" for _, reason, _ in seen),
        within=15,
        what="the Event that names what is left",
    )
    assert any(reason == "LeftBehind" and tenant.version in text for _, reason, text in events)


def test_a_namespace_goes_though_its_secret_went_first(tenant: Tenant, control_plane: ControlPlane) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    control_plane.kubectl("-n", tenant.namespace.name, "delete", "secret", "nvcf-credentials")
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert not [item for item in tenant.simulator.allocations() if item["functionVersionId"] == tenant.version]


def test_a_misspelt_place_is_reported_with_all_that_may_be_meant(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(gpu={"clusters": ["ncp-cluster-l"], "regions": ["us-east-1"]}))
    said = message(tenant, "Rejected", condition="Stalled", status="True")
    meant = "gpu L40S; instanceType NCP.GPU.L40S_1x; clusters ncp-cluster-l; regions us-east-1"
    assert f"deploymentSpecifications[0] ({meant})" in said
    tenant.namespace.scale("echo", clusters=["ncp-cluster-1"])
    tenant.namespace.wait_for("echo")
