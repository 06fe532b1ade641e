"""The API server over kept connections, for tests with hundreds of runs: a kubectl costs a hundred times as much."""

import ssl
from typing import Any
from urllib.parse import urlencode

import httpx
import yaml

from hack.controlplane import ControlPlane
from tests.support.clients import ThreadClients

Json = dict[str, Any]


class KubeApi:
    """The API server as the administrator sees it. Safe to share between threads."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        (user,) = yaml.safe_load(plane.kubeconfig.read_text())["users"]
        context = ssl.create_default_context(cafile=str(plane.ca))
        context.load_cert_chain(user["user"]["client-certificate"], user["user"]["client-key"])
        self._clients = ThreadClients(
            lambda: httpx.Client(base_url=plane.url, verify=context, trust_env=False, timeout=30)
        )

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def get(self, path: str, **query: str) -> Json | None:
        """Read; None when it is not there."""
        found: Json | None = self._plane.read(f"{path}?{urlencode(query)}" if query else path)
        return found

    def create(self, path: str, body: Json) -> None:
        """Create."""
        self._ask("POST", path, json=body)

    def merge(self, path: str, body: Json) -> Json | None:
        """Merge a patch into something; None when it is not there."""
        return self._ask("PATCH", path, json=body, headers={"Content-Type": "application/merge-patch+json"})

    def put(self, path: str, body: Json) -> Json | None:
        """Put something in another's place, by the resourceVersion that the body names; None when it is not there."""
        return self._ask("PUT", path, json=body)

    def delete(self, path: str) -> None:
        """Delete, if it is there."""
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, **more: Any) -> Json | None:
        answer = self._clients.mine().request(method, path, **more)
        if answer.status_code == 404:
            return None
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        value: Json = answer.json()
        return value
