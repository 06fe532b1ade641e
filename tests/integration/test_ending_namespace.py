"""A namespace is deleted while no operator runs: its Secret goes first, and what is advised can be followed."""

from functools import partial

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace, condition_of
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY
from tests.support.waiting import eventually


def ended(plane: ControlPlane, namespace: Namespace) -> None:
    """Delete the namespace, and wait until its Secret is gone."""
    plane.kubectl("delete", "namespace", namespace.name, "--wait=false")
    secret = f"/api/v1/namespaces/{namespace.name}/secrets/nvcf-credentials"
    eventually(lambda: plane.read(secret), lambda found: found is None, within=30, what="the Secret is gone")


def test_a_namespace_that_ends_over_a_restart_reports_what_can_be_done_and_then_goes(
    sandbox: Sandbox, control_plane: ControlPlane
) -> None:
    control_plane.kubectl("create", "namespace", f"{sandbox.namespace.name}-ends")
    team = Namespace(control_plane, f"{sandbox.namespace.name}-ends")
    team.secret(KEY)
    with sandbox.operator(namespaces=team.name):
        team.apply(sandbox.manifest())
        deployed = team.wait_for("echo")["status"]["deploymentId"]
    ended(control_plane, team)
    for _ in range(2):
        with sandbox.operator(namespaces=team.name) as operator:
            reconciles = partial(operator.metric, "nvcf_operator_reconciles_total", result="done")
            eventually(reconciles, bool, within=20, what="a reconcile")
            team.wait_until(
                "echo",
                lambda found: "no Secret can be created" in condition_of(found, "DeletionBlocked").get("message", ""),
                what="the advice",
            )
            said = condition_of(team.get("echo"), "DeletionBlocked")["message"]
            assert deployed in said
            assert "Create that Secret" not in str(team.get("echo")["status"]["conditions"])
    with sandbox.operator(namespaces=team.name):
        team.annotate("echo", force_delete="true")
        team.wait_gone("echo")
    assert sandbox.version in sandbox.simulator.deployments(), "as the message said"
    eventually(
        lambda: control_plane.read(f"/api/v1/namespaces/{team.name}"),
        lambda found: found is None,
        within=60,
        what="the namespace is gone",
    )
