"""What the tests of the connection share: a process that knows of no cluster, until a test gives it one."""

import os
from pathlib import Path

import pytest
from kubernetes.aio.config import incluster_config

from nvcf_operator.kube import cluster
from tests.unit.kube.kube_server import Pod


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cluster is configured, whatever machine this runs on, and no proxy.

    No certificates are trusted but those that a test names: to read the machine's costs 30 ms of CPU for each client.
    """
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "no-certificates"))
    monkeypatch.setattr(cluster, "SERVICE_ACCOUNT", tmp_path / "no-service-account")


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    """Makes this process a pod with a ServiceAccount; returns the folder with its token."""

    def of(*, ca: Path, port: int = 443, token: str = "pod-token") -> Path:
        folder = tmp_path / "service-account"
        folder.mkdir()
        (folder / "token").write_text(token)
        (folder / "namespace").write_text("pod-namespace")
        (folder / "ca.crt").write_bytes(ca.read_bytes())
        monkeypatch.setattr(cluster, "SERVICE_ACCOUNT", folder)
        monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(folder / "token"))
        monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(folder / "ca.crt"))
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
        return folder

    return of
