"""GPU specifications for tests of the comparison: as a manifest has them, and as NVCF keeps and shows them."""

import ctypes
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nvcf_client.models import GpuSpecification
from nvcf_client.text import duration_seconds
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.model.decision import Patch, Put

BASE: dict[str, Any] = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}
SETS = ("clusters", "regions", "attributes", "availabilityZones")


def wanted(**fields: Any) -> DeploymentSpecification:
    """One specification of a manifest; `None` takes a field out."""
    return DeploymentSpecification.model_validate({**BASE, **fields})


def found(**fields: Any) -> GpuSpecification:
    """One specification as a GET shows it; `None` takes a field out."""
    return GpuSpecification.model_validate({**BASE, "gpuSpecificationId": identifier(0), **fields})


def identifier(number: int) -> str:
    """An id of a GPU specification."""
    return str(UUID(int=number))


def autoscaling(**up: Any) -> dict[str, Any]:
    """Autoscaling of one direction, changed where a case needs it."""
    return {"scaleUpDetails": {"factor": 2, "threshold": 80, **up}}


def in_float32(number: float) -> float:
    """The shortest number that is the same in 32 bits, as Java writes a Float."""
    kept = ctypes.c_float(number).value
    return next(short for digits in range(1, 18) if ctypes.c_float(short := float(f"{kept:.{digits}g}")).value == kept)


class Server:
    """What the open-source control plane does with specifications: a few lines that share nothing with our rules."""

    def __init__(self, bodies: Sequence[dict[str, Any]]) -> None:
        self.specifications = {identifier(number): self._kept(body) for number, body in enumerate(bodies, start=1)}

    def shown(self, order: Sequence[int] | None = None) -> tuple[GpuSpecification, ...]:
        """The answer to a GET, in some order."""
        items = [{**body, "gpuSpecificationId": key} for key, body in self.specifications.items()]
        return tuple(GpuSpecification.model_validate(items[place]) for place in order or range(len(items)))

    def take(self, change: Patch | Put) -> None:
        """Carry out a change as the API documents it, or fail as it does."""
        if isinstance(change, Put):
            assert len(change.specifications) == len(self.specifications), "400: other number of specifications"
            for item in change.specifications:
                self._put(item.to_update())
            return
        body, kept = change.to_json(), self.specifications[change.gpu_specification_id]
        assert body, "400: empty body"
        for name in ("minInstances", "maxInstances"):
            kept[name] = body.get(name, kept[name])
        assert kept["minInstances"] <= kept["maxInstances"], "400: min > max"
        if body.get("autoscalingConfigurationPolicy") == "PLATFORM_CONFIGURATION":
            kept.pop("autoscalingConfiguration", None)
        elif "autoscalingConfiguration" in body:
            kept["autoscalingConfiguration"] = self._scaling(body["autoscalingConfiguration"])

    def _put(self, body: dict[str, Any]) -> None:
        kept = self.specifications[body["gpuSpecificationId"]]
        assert body.get("backend") == kept.get("backend"), "400: backend not repeated exactly"
        assert set(body.get("clusters", ())) == set(kept.get("clusters", ())), "400: clusters not repeated exactly"
        assert body["minInstances"] <= body["maxInstances"], "400: min > max"
        for name in ("minInstances", "maxInstances", "maxRequestConcurrency"):
            kept[name] = body.get(name, kept[name])

    def _kept(self, body: dict[str, Any]) -> dict[str, Any]:
        assert "autoscalingConfigurationPolicy" not in body, "a field of PATCH only"
        kept: dict[str, Any] = {"maxRequestConcurrency": 1, "preferredOrder": 1, **body}
        for name in SETS:
            kept[name] = sorted({item for item in kept.pop(name, ()) if item.strip()})
        if "autoscalingConfiguration" in kept:
            kept["autoscalingConfiguration"] = self._scaling(kept["autoscalingConfiguration"])
        return {name: value for name, value in kept.items() if value not in ([], "")}

    def _scaling(self, given: dict[str, Any]) -> dict[str, Any]:
        kept = {}
        for direction, details in given.items():
            kept[direction] = {
                **details,
                "factor": in_float32(details["factor"]),
                "threshold": int(details["threshold"]),
            }
            if "stickiness" in details:
                window = details["stickiness"]
                kept[direction]["stickiness"] = {name: f"PT{duration_seconds(window[name])}S" for name in window}
        return kept
