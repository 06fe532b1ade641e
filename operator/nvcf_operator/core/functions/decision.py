"""The writes that a decision on a CloudFunction may ask for. At most one is made in a reconcile."""

from dataclasses import dataclass
from enum import StrEnum

from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer


@dataclass(frozen=True, slots=True)
class Register:
    """Write the intent, then POST a version, with the mark among its tags. The actuator names the POST by a token.

    The content is the manifest's: the actuator sends the template, description, tags and rate limit of the resource
    that was decided on, and only while that is proven to be current.
    """

    function_id: str | None
    """The function that gets the version; None: a new function."""
    hash: str
    """Of the template; with the generation it names what is registered."""
    revision: str | None = None


class DeletionPurpose(StrEnum):
    """Why a version is deleted."""

    DUPLICATE = "duplicate"
    """A POST that was given up has registered its version after all, and another one is in use."""
    RESOURCE_GONE = "resource gone"
    """The CloudFunction is being deleted."""


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """DELETE a version that bears this object's mark. The last version takes its function with it."""

    function_id: str
    version_id: str
    purpose: DeletionPurpose


FunctionAction = Register | DeleteVersion | TakeFinalizer | DropFinalizer
