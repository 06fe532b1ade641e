"""What the manifests of all kinds share: ids, policies, and where the NVCF API key is."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from nvcf_operator.api import names
from nvcf_operator.api.model import ApiModel, Mutability, changes

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
