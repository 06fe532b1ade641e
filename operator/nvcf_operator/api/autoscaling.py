"""A GPU specification's own autoscaling, in place of the platform's."""

from math import isfinite
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from nvcf_operator.api.model import ApiModel, cel, rules

Number = Annotated[float, PlainSerializer(lambda value: int(value) if value.is_integer() else value)]
"""A number that is written as the manifest has it: 2 stays 2 and does not become 2.0."""

Percentage = Annotated[
    int,
    Field(ge=0, le=100),
    BeforeValidator(lambda value: int(value) if isinstance(value, float) and isfinite(value) else value),
]
"""A whole number. One with a fraction, stored under an older CRD, is cut as NVCF cuts it: 75.5 is 75."""

Duration = Annotated[
    str,
    Field(
        max_length=24,
        pattern=r"^PT([0-9]{1,5}H([0-9]{1,5}M)?([0-9]{1,5}(\.[0-9]{1,3})?S)?"
        r"|[0-9]{1,5}M([0-9]{1,5}(\.[0-9]{1,3})?S)?|[0-9]{1,5}(\.[0-9]{1,3})?S)$",
    ),
]
"""An ISO-8601 duration of hours, minutes and seconds: without `PT` and in lower case, what CEL's duration() reads."""

_SIZE = "duration(self.size.substring(2).lowerAscii())"
_THRESHOLD = "duration(self.threshold.substring(2).lowerAscii())"


class Stickiness(ApiModel):
    """For how long the metric must be past its threshold before NVCF acts: `threshold` out of the last `size`."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(f"{_SIZE} <= duration('1h')", "size must not be longer than PT1H", field="size"),
            cel(f"{_THRESHOLD} < {_SIZE}", "threshold must be shorter than size", field="threshold"),
        )
    )

    size: Duration
    """Length of the window that is evaluated, as an ISO-8601 duration of hours, minutes and seconds, for example
    `PT10M`. PT1H at most."""

    threshold: Duration
    """How much of the window the metric must have been past its threshold, as an ISO-8601 duration shorter than
    `size`."""


class _ScaleDetails(ApiModel):
    metric: Annotated[str | None, Field(min_length=1, max_length=256)] = None
    """Name of the metric that is evaluated. Chosen by the server if unset."""

    threshold: Percentage
    """Value of the metric at which NVCF acts, a whole number from 0 to 100."""

    stickiness: Stickiness | None = None
    """For how long the metric must be past `threshold`. Chosen by the server if unset."""


class ScaleUpDetails(_ScaleDetails):
    """When and how fast instances are added."""

    factor: Annotated[Number, Field(gt=1)]
    """Factor by which NVCF raises the number of instances; greater than 1."""


class ScaleDownDetails(_ScaleDetails):
    """When and how fast instances are removed."""

    factor: Annotated[Number, Field(gt=0, lt=1)]
    """Factor by which NVCF lowers the number of instances; greater than 0 and less than 1."""


class AutoscalingConfiguration(ApiModel):
    """When NVCF adds and removes instances between `minInstances` and `maxInstances`."""

    scale_up_details: ScaleUpDetails | None = None
    """When and how fast instances are added. Chosen by the server if unset."""

    scale_down_details: ScaleDownDetails | None = None
    """When and how fast instances are removed. Chosen by the server if unset."""
