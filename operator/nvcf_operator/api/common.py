"""What manifests and records of all kinds share: ids, policies, where the NVCF API key is, how a status is written."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints

from nvcf_operator.api import names
from nvcf_operator.api.model import ApiModel, Mutability, Time, changes

Uuid = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        max_length=36,
        to_lower=True,
    ),
]
"""An id of NVCF. Manifests may write it in either case; NVCF echoes lower case, and lower case is what is read here."""

Seconds = Annotated[int, changes(Mutability.OPERATOR, ge=1, le=2**31 - 1)]
"""A whole number of seconds, at least one."""


SubdomainName = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    ),
]
"""The name of an object of the cluster, such as a Secret."""

SecretKey = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
"""A key of a Secret."""

Revision = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
"""A name that an author gives to the state of a function."""


class DeletionPolicy(StrEnum):
    """What deleting the resource does in NVCF."""

    DELETE = "Delete"
    RETAIN = "Retain"


class AdoptionPolicy(StrEnum):
    """What to do about what somebody else made in NVCF."""

    ADOPT = "Adopt"
    REFUSE = "Refuse"


class ManagementPolicy(StrEnum):
    """Whether the operator may write to NVCF for this resource."""

    MANAGE = "Manage"
    OBSERVE = "Observe"


class SecretRef(ApiModel):
    """A key of a Secret in the resource's own namespace."""

    name: Annotated[SubdomainName, changes(Mutability.OPERATOR)]
    """Name of the Secret. It must be one that the operator's RBAC lets it read (`nvcf-credentials` unless the
    installation says otherwise)."""

    key: Annotated[SecretKey, changes(Mutability.OPERATOR)] = names.DEFAULT_SECRET_KEY
    """Key of the Secret that holds the NVCF API key."""


class Credentials(ApiModel):
    """Where the NVCF API key is."""

    secret_ref: Annotated[SecretRef, changes(Mutability.OPERATOR)]
    """The Secret with the API key, in the namespace of this resource. It may contain `NVCF_BASE_URL`, which must
    then be one of the base URLs that the operator allows."""


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


StatusT = TypeVar("StatusT", bound=StatusModel)


def changed(status: StatusT, members: Mapping[str, Any]) -> StatusT:
    """The status with other members, which are not validated; the same object where they are its own."""
    known = vars(status)
    others = {name: value for name, value in members.items() if known[name] is not value}
    return status.model_copy(update=others) if others else status


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
