"""The command lines of the control plane's three servers."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from hack.controlplane.audit import POLICY
from hack.controlplane.certificates import Authority, KeyPair
from hack.controlplane.ports import free_ports

SERVICE_ACCOUNT_ISSUER = "https://kubernetes.default.svc"

CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "disruption-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
)
"""Those that make namespaces end, owners take what they own with them and Deployments become (pending) Pods."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the servers must know of each other: files and ports."""

    assets: Path
    root: Path
    etcd_port: int
    etcd_peer_port: int
    api_port: int
    ca: Path
    serving: KeyPair
    service_accounts: KeyPair
    """``certificate`` is the public key."""
    audit_policy: Path | None
    audit_log: Path

    def on_other_ports(self) -> Layout:
        """Return the same with newly chosen ports."""
        etcd, peer, api = free_ports(3)
        return replace(self, etcd_port=etcd, etcd_peer_port=peer, api_port=api)

    def etcd(self) -> list[str | Path]:
        """Return etcd's command: no fsync, since a test's data need not survive the machine."""
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.etcd_peer_port}"
        return [
            self.assets / "etcd",
            f"--data-dir={self.root / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def api_server(self) -> list[str | Path]:
        """Return the API server's command: RBAC on, and no limit that would slow a benchmark of its clients down."""
        audit: list[str] = []
        if self.audit_policy:
            # The log's mode is "blocking" by default: an event is on disk before its request is answered.
            audit = [f"--audit-policy-file={self.audit_policy}", f"--audit-log-path={self.audit_log}"]
            audit.append("--audit-log-maxsize=10000")  # MB: whoever counts from an offset needs one file
        return [
            self.assets / "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # refuses to publish a loopback address otherwise
            f"--secure-port={self.api_port}",
            f"--tls-cert-file={self.serving.certificate}",
            f"--tls-private-key-file={self.serving.key}",
            f"--client-ca-file={self.ca}",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={SERVICE_ACCOUNT_ISSUER}",
            f"--service-account-key-file={self.service_accounts.certificate}",
            f"--service-account-signing-key-file={self.service_accounts.key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--enable-priority-and-fairness=false",
            "--max-requests-inflight=0",
            "--max-mutating-requests-inflight=0",
            "--profiling=false",
            *audit,
        ]

    def controller_manager(self, kubeconfig: Path) -> list[str | Path]:
        """Return the controller manager's command: only the controllers that matter here, and fast ones."""
        return [
            self.assets / "kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            f"--controllers={','.join(CONTROLLERS)}",
            f"--service-account-private-key-file={self.service_accounts.key}",
            f"--root-ca-file={self.ca}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--profiling=false",
        ]


def lay_out(root: Path, binaries: Path, authority: Authority, *, audit: bool) -> Layout:
    """Choose the ports and make the keys, certificates and the audit policy of a control plane in ``root``."""
    policy = root / "audit-policy.json"
    if audit:
        policy.write_text(json.dumps(POLICY))
    etcd, peer, api = free_ports(3)
    return Layout(
        assets=binaries,
        root=root,
        etcd_port=etcd,
        etcd_peer_port=peer,
        api_port=api,
        ca=authority.certificate,
        serving=authority.server(
            "kube-apiserver",
            dns=["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
            addresses=["127.0.0.1"],
        ),
        service_accounts=authority.signing_key("service-accounts"),
        audit_policy=policy if audit else None,
        audit_log=root / "logs" / "audit.jsonl",
    )
