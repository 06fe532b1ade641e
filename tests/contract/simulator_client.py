"""A client of the simulator's NVCF API for its own tests: plain HTTP, independent of nvcf_client."""

from datetime import datetime
from typing import Any

import httpx

from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

H100 = {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 2}
L40S = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
DEADLINE = 15.0
"""Seconds for anything that a test waits for."""


class Api:
    """Sends requests with one key, and waits for expected statuses."""

    def __init__(self, simulator: Simulator, token: str | None = KEY, *, url: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        self.http = httpx.Client(
            base_url=url or simulator.url, headers=headers, timeout=20, trust_env=False, verify=False
        )

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def deploy(self, function: tuple[str, str], *specifications: Any, **overrides: Any) -> httpx.Response:
        """POST a deployment, by default with one H100 specification."""
        body = {"deploymentSpecifications": list(specifications) or [H100 | overrides]}
        return self.http.post(deployment_of(function), json=body)

    def deployed(self, function: tuple[str, str], *specifications: Any, **overrides: Any) -> dict[str, Any]:
        """Deploy and wait until it is ACTIVE; return what GET shows."""
        answer = self.deploy(function, *specifications, **overrides)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = self.wait(function, "ACTIVE")
        return shown

    def get(self, function: tuple[str, str]) -> httpx.Response:
        """GET a deployment."""
        return self.http.get(deployment_of(function))

    def update(self, function: tuple[str, str], *specifications: dict[str, Any]) -> httpx.Response:
        """PUT a deployment."""
        return self.http.put(deployment_of(function), json={"deploymentSpecifications": list(specifications)})

    def patch(self, deployment: dict[str, Any], number: int = 0, **changes: Any) -> httpx.Response:
        """PATCH one specification of a deployment that was read before."""
        specification = deployment["deploymentSpecifications"][number]["gpuSpecificationId"]
        path = f"/deployments/{deployment['deploymentId']}/gpu-specifications/{specification}"
        return self.http.patch(path, json=changes)

    def undeploy(self, function: tuple[str, str], graceful: str | None = None) -> httpx.Response:
        """DELETE a deployment."""
        return self.http.delete(deployment_of(function), params={"graceful": graceful} if graceful else {})

    def status(self, function: tuple[str, str]) -> str:
        """The status that GET shows, or `404`."""
        answer = self.get(function)
        return answer.json()["deployment"]["functionStatus"] if answer.status_code == 200 else str(answer.status_code)

    def wait(self, function: tuple[str, str], wanted: str) -> Any:
        """Wait for a status; return the deployment, or None for 404."""

        def read() -> tuple[str, Any]:
            answer = self.get(function)
            shown = answer.json().get("deployment")
            return (shown["functionStatus"] if shown else str(answer.status_code)), shown

        return eventually(read, lambda seen: seen[0] == wanted, within=DEADLINE, what=f"the status {wanted}")[1]


def deployment_of(function: tuple[str, str]) -> str:
    """Path of the deployment of a function version."""
    return f"/deployments/functions/{function[0]}/versions/{function[1]}"


def version_of(function: tuple[str, str]) -> str:
    """Path of a function version."""
    return f"/functions/{function[0]}/versions/{function[1]}"


def alive(simulator: Simulator, function: tuple[str, str]) -> list[dict[str, Any]]:
    """The running instances of a function version."""
    return [item for item in simulator.allocations() if item["functionVersionId"] == function[1]]


def moment(text: str) -> datetime:
    """Parse a time of a response, to the microsecond."""
    return datetime.fromisoformat(text)
