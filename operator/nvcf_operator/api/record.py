"""What the records of all kinds share, and how a status is written."""

from datetime import datetime, timedelta
from typing import Any

from nvcf_operator.api.model import ApiModel, Time


class StatusModel(ApiModel):
    """Base of the status of every kind."""

    uid: str | None = None
    """The `metadata.uid` of the object that this status was written for. With another one it is a copy's: ignored."""

    observed_generation: int = -1
    """The `metadata.generation` that this status was decided on; -1 before the operator has seen the resource."""

    def to_dict(self) -> dict[str, Any]:
        """The status as the cluster stores it: camelCase, plain JSON types, without what is None and empty lists.

        Two statuses that say the same give equal dictionaries, whoever built them.
        """
        return {name: value for name, value in super().to_dict().items() if value != []}


class LastWrite(ApiModel):
    """The last change made in NVCF, with a count, so that an endless tug-of-war is detected."""

    digest: str
    """Digest of the request."""

    count: int
    """How often this very request was made since `since`."""

    since: Time
    """When it was first made."""

    def moved(self, by: timedelta) -> "LastWrite":
        """The same after the time of day was set by so much."""
        return self.model_copy(update={"since": self.since + by})

    def not_after(self, now: datetime) -> "LastWrite":
        """The same as another clock may have written it: a time in the future counts as now."""
        return self.model_copy(update={"since": min(self.since, now)})


class Retry(ApiModel):
    """This resource's own failures, so that its backoff survives a restart of the operator."""

    attempts: int = 0
    """Failed attempts in a row."""

    next_attempt_time: Time | None = None
    """When the next attempt is due."""

    reason: str = ""
    """Why the last attempt failed."""

    message: str | None = None
    """What NVCF answered to a POST whose outcome it left open."""

    failed_deployments: int | None = None
    """Deployments that NVCF had given up (status ERROR) before such a POST, which counts as one attempt more."""

    def moved(self, by: timedelta) -> "Retry":
        """The same after the time of day was set by so much."""
        due = self.next_attempt_time
        return self if due is None else self.model_copy(update={"next_attempt_time": due + by})

    def not_after(self, latest: datetime) -> "Retry":
        """The same as another clock may have written it: no pause is longer than it may be."""
        due = self.next_attempt_time
        return self if due is None else self.model_copy(update={"next_attempt_time": min(due, latest)})
