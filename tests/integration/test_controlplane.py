"""The control plane is a real one."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane, KubectlError, RootInUseError, read_audit_log, writes_by_kind
from hack.controlplane.ports import free_ports
from tests.support.waiting import eventually


def test_the_server_answers_with_the_pinned_version(control_plane: ControlPlane) -> None:
    version = json.loads(control_plane.kubectl("version", "--output=json"))["serverVersion"]
    assert version["gitVersion"].startswith("v1."), version
    assert version["major"] == "1"


def test_a_service_account_without_rights_is_denied(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "nobody", f"--namespace={namespace}")
    kubeconfig = control_plane.kubeconfig_for(namespace, "nobody")
    who = json.loads(control_plane.kubectl("auth", "whoami", "--output=json", kubeconfig=kubeconfig))
    assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:nobody"
    with pytest.raises(KubectlError, match="Forbidden"):
        control_plane.kubectl("get", "secrets", kubeconfig=kubeconfig)


def test_a_role_gives_a_service_account_just_its_rights(control_plane: ControlPlane, namespace: str) -> None:
    here = f"--namespace={namespace}"
    control_plane.kubectl("create", "serviceaccount", "reader", here)
    control_plane.kubectl("create", "role", "reader", "--verb=get", "--resource=secrets", "--resource-name=mine", here)
    control_plane.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader", here
    )
    for secret in ("mine", "other"):
        control_plane.kubectl("create", "secret", "generic", secret, here)
    kubeconfig = control_plane.kubeconfig_for(namespace, "reader")
    assert "mine" in control_plane.kubectl("get", "secret", "mine", kubeconfig=kubeconfig)
    with pytest.raises(KubectlError, match='cannot get resource "secrets"'):
        control_plane.kubectl("get", "secret", "other", kubeconfig=kubeconfig)


def test_a_token_of_an_unknown_service_account_is_refused_by_name(control_plane: ControlPlane, namespace: str) -> None:
    with pytest.raises(KubectlError, match='"ghost" not found'):
        control_plane.kubeconfig_for(namespace, "ghost")


def test_the_audit_log_shows_who_wrote_what(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "writer", f"--namespace={namespace}")
    control_plane.kubectl(
        "create",
        "rolebinding",
        "writer",
        "--clusterrole=edit",
        f"--serviceaccount={namespace}:writer",
        f"--namespace={namespace}",
    )
    kubeconfig = control_plane.kubeconfig_for(namespace, "writer")
    offset = control_plane.audit_log.stat().st_size
    control_plane.kubectl("create", "secret", "generic", "s", "--from-literal=key=hidden", kubeconfig=kubeconfig)
    control_plane.kubectl("get", "secret", "s", kubeconfig=kubeconfig)
    with pytest.raises(KubectlError):
        control_plane.kubectl("create", "clusterrole", "c", "--verb=get", "--resource=pods", kubeconfig=kubeconfig)

    user = f"system:serviceaccount:{namespace}:writer"
    assert writes_by_kind(control_plane.audit_log, user=user, offset=offset) == {("create", "secrets"): 1}
    events = [event for event in read_audit_log(control_plane.audit_log, offset) if event.user == user]
    assert [(event.verb, event.resource, event.code) for event in events] == [
        ("create", "secrets", 201),
        ("get", "secrets", 200),
        ("create", "clusterroles", 403),
    ]
    assert "hidden" not in control_plane.audit_log.read_text()


def test_a_namespace_ends_with_all_that_is_in_it(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "c", f"--namespace={namespace}")
    control_plane.kubectl("delete", "namespace", namespace, "--timeout=60s")
    assert control_plane.kubectl("get", "namespace", namespace, "--ignore-not-found") == ""
    control_plane.kubectl("create", "namespace", namespace)
    assert control_plane.kubectl("get", "configmap", "c", f"--namespace={namespace}", "--ignore-not-found") == ""


def test_a_deployment_makes_pending_pods(control_plane: ControlPlane, namespace: str) -> None:
    here = f"--namespace={namespace}"
    control_plane.kubectl("create", "deployment", "d", "--image=example.invalid/none", "--replicas=2", here)

    def phases() -> str:
        return control_plane.kubectl("get", "pods", here, "--output=jsonpath={.items[*].status.phase}")

    seen = eventually(phases, lambda seen: seen == "Pending Pending", within=30, what="two Pods are Pending")
    assert seen == "Pending Pending"


@pytest.mark.needs_assets
def test_a_restarted_api_server_has_the_same_address_data_and_tokens(tmp_path: Path) -> None:
    with ControlPlane.start(tmp_path, controller_manager=False) as plane:
        plane.kubectl("create", "configmap", "kept")
        plane.kubectl("create", "serviceaccount", "someone")
        kubeconfig = plane.kubeconfig_for("default", "someone")
        url = plane.url
        plane.stop_api_server()
        with pytest.raises(KubectlError, match="refused"):
            plane.kubectl("get", "configmap", "kept")
        plane.start_api_server()
        assert plane.url == url
        assert "kept" in plane.kubectl("get", "configmap", "kept")
        assert "someone" in plane.kubectl("auth", "whoami", kubeconfig=kubeconfig)


@pytest.mark.needs_assets
def test_a_folder_serves_one_control_plane_at_a_time_and_keeps_its_data(tmp_path: Path) -> None:
    with ControlPlane.start(tmp_path, audit=False, controller_manager=False) as plane:
        plane.kubectl("create", "configmap", "kept")
        with pytest.raises(RootInUseError, match=str(os.getpid())):
            ControlPlane.start(tmp_path)
        assert not plane.audit_log.exists()
    with ControlPlane.start(tmp_path, controller_manager=False) as plane:
        assert "kept" in plane.kubectl("get", "configmap", "kept")


@pytest.mark.needs_assets
def test_a_port_that_is_lost_to_another_process_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        taken = rival.getsockname()[1]
        offers = iter([[taken, *free_ports(2)], [*free_ports(2), taken]])
        monkeypatch.setattr(
            "hack.controlplane.servers.free_ports", lambda count: next(offers, None) or free_ports(count)
        )
        with ControlPlane.start(tmp_path, controller_manager=False) as plane:
            assert not plane.url.endswith(f":{taken}")
            assert plane.kubectl("get", "--raw=/readyz") == "ok"
