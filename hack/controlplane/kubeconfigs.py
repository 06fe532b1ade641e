"""Writing kubeconfig files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hack.controlplane.certificates import KeyPair


def write_kubeconfig(
    path: Path, *, server: str, ca: Path, client: KeyPair | None = None, token: str | None = None, namespace: str = ""
) -> Path:
    """Write a kubeconfig for one user, known by a client certificate or by a bearer token; return its path.

    Certificates are referred to by absolute path. The file is readable by its owner only.
    """
    user: dict[str, Any] = {}
    if client:
        user = {"client-certificate": str(client.certificate.absolute()), "client-key": str(client.key.absolute())}
    if token:
        user = {"token": token}
    name = "nvcf-operator-test"
    context = {"cluster": name, "user": name} | ({"namespace": namespace} if namespace else {})
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": str(ca.absolute())}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": context}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
