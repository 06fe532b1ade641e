"""`autoscalingConfiguration` of a GPU specification."""

from typing import Any

from nvcf_simulator.bodies.reading import Reader
from nvcf_simulator.model.clock import SECOND, write_duration

_HOUR = 3600 * SECOND


def read_autoscaling(parent: Reader, field: str = "autoscalingConfiguration") -> dict[str, Any] | None:
    """Read it as answers show it, durations in ISO form; None if it is absent."""
    reader = parent.nested(field)
    if reader is None:
        return None
    shown: dict[str, Any] = {}
    for name in ("scaleUpDetails", "scaleDownDetails"):
        details = reader.nested(name)
        if details is not None:
            shown[name] = _details(details, up=name == "scaleUpDetails")
    return shown


def _details(reader: Reader, *, up: bool) -> dict[str, Any]:
    factor, threshold = reader.number("factor"), reader.integer("threshold", least=0, most=100, required=True)
    if factor is None:
        reader.complain("factor", None, "must not be null")
    elif up and factor <= 1:
        reader.complain("factor", factor, "scaling up needs a factor above 1.0")
    elif not up and not 0 < factor < 1:
        reader.complain("factor", factor, "scaling down needs a factor above 0 and below 1.0")
    shown: dict[str, Any] = {}
    metric = reader.text("metric")
    if metric and metric.strip():
        shown["metric"] = metric
    shown |= {"factor": factor, "threshold": threshold}
    window = reader.nested("stickiness")
    if window is not None:
        shown["stickiness"] = _stickiness(window)
    return shown


def _stickiness(reader: Reader) -> dict[str, str]:
    size, threshold = reader.duration("size"), reader.duration("threshold")
    for name, value in (("size", size), ("threshold", threshold)):
        if value is None:
            reader.complain(name, None, "must not be null")
    if size is not None and size > _HOUR:
        reader.complain("size", write_duration(size), "must not be longer than PT1H")
    if size is not None and threshold is not None and threshold >= size:
        reader.complain("threshold", write_duration(threshold), "must be less than size")
    return {"size": write_duration(size or 0), "threshold": write_duration(threshold or 0)}
