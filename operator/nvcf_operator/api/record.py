"""What the records of all kinds share, and how a status is written."""

from typing import Any

from nvcf_operator.api.model import ApiModel, Time


class StatusModel(ApiModel):
    """Base of the status of every kind."""

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
