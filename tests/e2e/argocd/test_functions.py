"""A tenant's commits under Argo CD, with the operator under its own identity: what users see and NVCF is asked."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hack.controlplane import writes_by_kind
from hack.e2e.argocd.reporting import say
from nvcf_operator.api.names import CLOUD_FUNCTION, PAUSED_ANNOTATION, RECONCILE_REQUESTED_ANNOTATION
from tests.e2e.argocd.application import state
from tests.e2e.argocd.argocd import NAMESPACE
from tests.e2e.argocd.environment import ROOT, Environment, Tenant
from tests.support.cluster import RESOURCE, follower, manifest
from tests.support.functions import Functions
from tests.support.waiting import eventually

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("operator")]

FLEET, SUSPENDED, ROUNDS = 50, 20, 5
PLURAL = RESOURCE.partition(".")[0]
TAKEN_OVER = "live state cache invalidated"
"""What the application controller logs when it has taken new settings over."""
DEPLOYED, PATCHED = ("createDeployment", 200), ("updateGpuSpecification", 200)


@dataclass(frozen=True)
class Figures:
    """What Argo CD and the API server have counted."""

    tenant: Tenant
    seconds: float
    refreshes: float
    """Of all Applications: `argocd_app_reconcile_count`."""
    syncs: float
    """Of the tenant's Application: `argocd_app_sync_total`."""
    status_writes: int

    @classmethod
    def now(cls, tenant: Tenant) -> "Figures":
        """Read them."""
        figures = tenant.environment.argocd.figures()
        named = f'name="{tenant.application.name}"'
        return cls(
            tenant=tenant,
            seconds=time.monotonic(),
            refreshes=sum(v for k, v in figures.items() if k.startswith("argocd_app_reconcile_count")),
            syncs=sum(v for k, v in figures.items() if k.startswith("argocd_app_sync_total") and named in k),
            status_writes=writes_by_kind(tenant.environment.plane.audit_log)["patch", f"{PLURAL}/status"],
        )

    def __sub__(self, other: "Figures") -> "Figures":
        return Figures(
            tenant=self.tenant,
            seconds=self.seconds - other.seconds,
            refreshes=self.refreshes - other.refreshes,
            syncs=self.syncs - other.syncs,
            status_writes=self.status_writes - other.status_writes,
        )

    def __str__(self) -> str:
        return (
            f"{self.seconds:.0f} s, {self.status_writes} writes of a status, "
            f"argocd_app_reconcile_count +{self.refreshes:.0f}, argocd_app_sync_total +{self.syncs:.0f}"
        )


@dataclass(frozen=True)
class Story:
    """A tenant with one function, `echo`."""

    tenant: Tenant
    function: str
    version: str
    cursor: int

    def commit(self, message: str, **changes: Any) -> str:
        """Commit the manifest with these changes."""
        return self.tenant.commit(message, {"echo": manifest("echo", self.function, self.version, **changes)})

    def up(self, **changes: Any) -> None:
        """Bring it up by a commit."""
        revision = self.commit("Deploy echo", **changes)
        self.tenant.application.wait("Synced", "Healthy", revision=revision)

    def writes(self) -> list[tuple[str, int | None]]:
        """Every change that NVCF was asked for."""
        log = self.tenant.environment.simulator.log(self.cursor, functionVersionId=self.version)
        return [(entry["operation"], entry["status"]) for entry in log if entry["mutating"]]

    def found(self) -> dict[str, Any]:
        """The resource."""
        return self.tenant.namespace.get("echo")

    def annotation(self, name: str) -> str | None:
        """One of the resource's annotations."""
        value: str | None = self.found()["metadata"].get("annotations", {}).get(name)
        return value


@pytest.fixture
def tenant(environment: Environment, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A tenant, whose Application is deleted with all it has at the end."""
    made = environment.tenant(f"team-{secrets.token_hex(3)}")
    yield made
    if request.session.testsfailed == 0:
        made.application.delete()
        made.application.wait_gone()


@pytest.fixture
def story(tenant: Tenant) -> Story:
    """A tenant with a function."""
    function, version = tenant.environment.simulator.add_function()
    return Story(tenant, function, version, tenant.environment.simulator.cursor)


def test_a_commit_is_progressing_and_then_healthy_and_an_edit_is_one_patch(story: Story) -> None:
    tenant, simulator = story.tenant, story.tenant.environment.simulator
    simulator.instance_behaviour(story.version, supply=False)
    say("commit: a new function, for which NVCF has no instance at first")
    revision = story.commit("Deploy echo")
    tenant.namespace.wait_for("echo", "Reconciling", reason="Deploying", within=60)
    tenant.application.refresh()
    tenant.application.wait("Synced", "Progressing", revision=revision)
    tenant.application.wait_shown("echo", "Progressing", "NVCF is waiting for the deployment's instances")
    simulator.instance_behaviour(story.version, supply=True)
    simulator.serve(story.version)
    tenant.application.wait("Synced", "Healthy")
    tenant.application.wait_shown("echo", "Healthy", "ACTIVE as specified")
    assert story.writes() == [DEPLOYED]
    say("commit: Synced and Progressing, then Healthy, by one POST; now an edit")
    revision = story.commit("Let echo grow", gpu={"maxInstances": 5})
    tenant.application.wait("Synced", "Healthy", revision=revision)
    eventually(story.writes, lambda seen: seen == [DEPLOYED, PATCHED], within=30, what="one PATCH")
    deployed = simulator.deployments()[story.version]["deploymentSpecifications"]
    assert [each["maxInstances"] for each in deployed] == [5]
    say("edit: one PATCH in NVCF")


def test_a_commit_of_another_image_ends_as_a_rollout(environment: Environment, tenant: Tenant) -> None:
    functions, application = Functions.of(tenant.namespace, environment.simulator), tenant.application
    say("image: a commit with a function and its deployment")
    revision = tenant.commit("Register and deploy chat", {"chat": chat(functions)})
    application.wait("Synced", "Healthy", revision=revision)
    former = tenant.namespace.wait_for("chat")["status"]["functionVersionId"]
    assert functions.ids("chat") == [former]

    say("image: a commit of another image, while the version that serves has requests in its queue")
    environment.simulator.change(former, queueDepth=2)
    revision = tenant.commit("Take another image", {"chat": chat(functions, containerImage="nvcr.io/org/chat:2")})
    application.wait("Synced", "Progressing", revision=revision)
    tenant.namespace.wait_until("chat", lambda found: bool(found["status"].get("retiring")), what="drains", within=60)
    assert application.shown("chat", CLOUD_FUNCTION.name)[0] == "Healthy", "its version is registered"
    environment.simulator.change(former, queueDepth=0)
    application.wait("Synced", "Healthy")
    newer = tenant.namespace.wait_for("chat")["status"]["functionVersionId"]
    assert functions.ids("chat") == [former, newer]
    assert [version for version in (former, newer) if version in environment.simulator.deployments()] == [newer]
    say("image: registered, deployed beside the former one, which was drained, and Healthy")

    say("image: a commit without the file")
    revision = tenant.commit("Remove chat", {"chat": None})
    for namespace in (tenant.namespace, functions.namespace):
        namespace.wait_gone("chat", within=90)
    application.wait("Synced", "Healthy", revision=revision)
    assert functions.ids("chat") == []
    assert functions.operations() == [
        "createFunction", "createDeployment",
        "createVersion", "createDeployment", "deleteDeployment",
        "deleteDeployment", "deleteFunction", "deleteFunction",
    ]  # fmt: skip
    say("image: undeployed, and then both versions and with them the function deleted")


def chat(functions: Functions, **template: Any) -> list[dict[str, Any]]:
    """A function and its deployment."""
    return [functions.manifest("chat", template=template), follower("chat")]


def test_a_broken_commit_is_degraded_with_the_operators_words_and_heals_by_the_next(story: Story) -> None:
    story.up()
    say("broken: a commit with another instance type, which NVCF cannot change in place")
    broken = story.commit("Take bigger instances", gpu={"instanceType": "NCP.GPU.L40S_2x"})
    story.tenant.application.wait("Synced", "Degraded", revision=broken)
    words = "NVCF cannot change this in place: deploymentSpecifications[0].instanceType"
    story.tenant.application.wait_shown("echo", "Degraded", words)
    assert story.writes() == [DEPLOYED]
    healed = story.commit("Take it back")
    story.tenant.application.wait("Synced", "Healthy", revision=healed)
    assert story.writes() == [DEPLOYED]
    say("broken: Degraded with the operator's message, Healthy by the next commit, nothing written to NVCF")


def test_pause_resume_and_reconcile_now_by_the_shipped_actions_survive_a_self_heal(story: Story) -> None:
    application, namespace = story.tenant.application, story.tenant.namespace.name
    story.up()
    say("actions: as a user who may run them by the line of docs/gitops.md, and nothing else")
    log_in_as_operator_of_functions(story.tenant)
    assert application.offered(namespace, "echo") == ["pause", "reconcile-now"]
    application.act("pause", namespace, "echo")
    application.wait("Synced", "Suspended")
    story.tenant.namespace.wait_for("echo", reason="Suspended")
    application.refresh()
    application.wait_shown("echo", "Suspended", "The deployment is ACTIVE.")
    assert application.offered(namespace, "echo") == ["reconcile-now", "resume"]

    say("pause: a commit reaches the resource, and not NVCF")
    revision = story.commit("Let echo grow", gpu={"maxInstances": 5})
    application.wait("Synced", "Suspended", revision=revision)
    story.tenant.namespace.wait_for("echo", status="False", reason="Suspended")
    application.refresh()
    application.wait_shown("echo", "Suspended", "maxInstances: manifest 5, deployed 2")
    say("pause: somebody edits the resource, and the self-heal takes the edit back, but not the pause")
    story.tenant.namespace.scale("echo", maxInstances=7)
    eventually(
        lambda: story.found()["spec"]["deploymentSpecifications"][0]["maxInstances"],
        lambda most: most == 5,
        within=60,
        what="the self-heal",
    )
    application.wait("Synced", "Suspended")
    assert story.annotation(PAUSED_ANNOTATION) == "true"
    assert story.writes() == [DEPLOYED]

    application.act("resume", namespace, "echo")
    application.wait("Synced", "Healthy")
    assert story.annotation(PAUSED_ANNOTATION) is None
    assert story.writes() == [DEPLOYED, PATCHED]
    application.act("reconcile-now", namespace, "echo")
    token = story.annotation(RECONCILE_REQUESTED_ANNOTATION)
    assert token is not None
    story.tenant.namespace.wait_until(
        "echo", lambda found: found["status"].get("lastHandledReconcileAt") == token, what=f"it answers {token}"
    )
    application.refresh()
    application.wait("Synced", "Healthy")
    assert story.annotation(RECONCILE_REQUESTED_ANNOTATION) == token
    say("resume: one PATCH; reconcile now: answered")


def log_in_as_operator_of_functions(tenant: Tenant) -> None:
    """Have a local user with the one right that the documentation names, and be that user."""
    argocd, plane, password = tenant.environment.argocd, tenant.environment.plane, secrets.token_hex(12)
    right = "p, role:nvcf, applications, action/nvcf-operator.io/FunctionDeployment/*, default/nvcf-functions, allow"
    assert right in (ROOT / "docs" / "gitops.md").read_text()
    policy = f"{right.replace('nvcf-functions', tenant.application.name)}\ng, nvcf, role:nvcf\n"
    for name, data in {
        "argocd-cm": {"accounts.nvcf": "login"},
        "argocd-rbac-cm": {"policy.csv": policy, "policy.default": "role:readonly"},
    }.items():
        plane.kubectl("-n", NAMESPACE, "patch", "configmap", name, "--type=merge", "-p", json.dumps({"data": data}))
    eventually(
        lambda: [each["name"] for each in argocd.ask("GET", "/api/v1/account")["items"]],
        lambda names: "nvcf" in names,
        within=30,
        what="the account is there",
    )
    change = {"name": "nvcf", "currentPassword": argocd.admin_password(), "newPassword": password}
    argocd.ask("PUT", "/api/v1/account/password", change)
    argocd.log_in("nvcf", password)


def test_a_removed_file_is_undeployed_gracefully(story: Story) -> None:
    tenant, simulator = story.tenant, story.tenant.environment.simulator
    story.up()
    simulator.change(story.version, queueDepth=2)
    say("removal: a commit without the file, while the function has requests in its queue")
    revision = tenant.commit("Remove echo", {"echo": None})
    tenant.namespace.wait_until(
        "echo", lambda found: found["status"]["phase"] == "Draining", what="Draining", within=60
    )
    tenant.application.wait_shown("echo", "Progressing")
    (undeployed,) = simulator.log(story.cursor, functionVersionId=story.version, operation="deleteDeployment")
    assert undeployed["query"] == "graceful=true"
    assert story.version in simulator.deployments()
    simulator.change(story.version, queueDepth=0)
    tenant.namespace.wait_gone("echo", within=60)
    tenant.application.wait("Synced", "Healthy", revision=revision)
    assert story.version not in simulator.deployments()
    say("removal: drained, undeployed, and Synced again")


def test_fifty_functions_cause_no_sync_loop_and_no_refresh_storm(environment: Environment, tenant: Tenant) -> None:
    made = environment.simulator.add_functions("fleet", FLEET)
    suspended = [version for _, version in made[:SUSPENDED]]
    files = {f"fleet-{number:02}": manifest(f"fleet-{number:02}", *ids) for number, ids in enumerate(made)}
    say(f"fleet: a commit with {FLEET} functions")
    began = Figures.now(tenant)
    revision = tenant.commit("Deploy the fleet", files)
    tenant.application.wait("Synced", "Healthy", revision=revision, within=180)
    come_up = Figures.now(tenant) - began
    say(f"fleet: up: {come_up}")
    # One, and now and then another for those that Argo CD had not seen yet when it compared.
    assert 1 <= come_up.syncs <= 3
    for each in list(files.values())[:SUSPENDED]:
        each["spec"]["suspend"] = True
    say(f"fleet: a commit that suspends {SUSPENDED}")
    revision = tenant.commit("Suspend some", files)
    tenant.application.wait("Synced", "Suspended", revision=revision)

    def change_statuses() -> Figures:
        """Have suspended functions lose their instances and get new ones: statuses change, and no health."""
        tenant.application.settle()
        began = Figures.now(tenant)
        for _ in range(ROUNDS):
            for version in suspended:
                environment.simulator.instance_behaviour(version, supply=False)
                environment.simulator.lose(version)
            wait_for_status("DEGRADED", of=suspended, tenant=tenant)
            for version in suspended:
                environment.simulator.instance_behaviour(version, supply=True)
                environment.simulator.serve(version)
            wait_for_status("ACTIVE", of=suspended, tenant=tenant)
        return Figures.now(tenant) - began

    quiet = change_statuses()
    say(f"fleet: statuses change, and nothing else: {quiet}")
    assert quiet.syncs == 0
    # Argo CD compares each Application every two or three minutes on its own.
    assert quiet.refreshes <= 2 + quiet.seconds / 120, quiet
    assert quiet.status_writes >= 2 * ROUNDS * SUSPENDED
    assert state(tenant.application.find() or {}) == ("Synced", "Suspended")

    say("fleet: the same with ignoreResourceUpdates switched off, to see that these figures show a storm")
    log = environment.argocd.root / "argocd-application-controller.log"
    taken_over = log.read_text().count(TAKEN_OVER)
    setting = {"data": {"resource.ignoreResourceUpdatesEnabled": "false"}}
    environment.plane.kubectl(
        "-n", NAMESPACE, "patch", "configmap", "argocd-cm", "--type=merge", "-p", json.dumps(setting)
    )
    eventually(
        lambda: log.read_text().count(TAKEN_OVER), lambda count: count > taken_over, within=60, what="it is taken over"
    )
    tenant.application.refresh()  # without which Argo CD watches nothing after a change of its settings
    tenant.application.wait_until(
        lambda found: "argocd.argoproj.io/refresh" not in found["metadata"]["annotations"], what="refreshed"
    )
    storm = change_statuses()
    say(f"fleet: without it: {storm}")
    assert storm.refreshes > 10 + quiet.refreshes, (storm, quiet)


def wait_for_status(status: str, *, of: list[str], tenant: Tenant) -> None:
    """Wait until the resources of these versions say that NVCF's function has that status."""

    def read() -> set[str]:
        text = tenant.namespace.plane.kubectl("-n", tenant.namespace.name, "get", RESOURCE, "-o", "json")
        items = json.loads(text)["items"]
        return {each["status"]["functionStatus"] for each in items if each["spec"]["functionVersionId"] in of}

    eventually(read, lambda seen: seen == {status}, within=60, what=f"all are {status}")
