"""How our own writes to the cluster end without effect: too late, for an object that is gone, or refused."""

from collections.abc import Iterable

from nvcf_operator.core import messages
from nvcf_operator.core.pruning import named
from nvcf_operator.kube.errors import Conflict, Denied, KubeError

TAKE_FINALIZER = "add its finalizer to the resource"
DROP_FINALIZER = "remove its finalizer from the resource"
INTENT = "record in the status that it is about to request a deployment"
STATUS = "update the status of the resource"

TAKEN_OFF = "the write was accepted but the finalizer is missing: a mutating webhook or policy may be removing it"


class Outdated(Exception):  # noqa: N818  the name says what happened
    """The resource is not what the decision was made on: read it again and decide anew. Nothing was written to NVCF."""


class Vanished(Exception):  # noqa: N818  the name says what happened
    """The API server does not have the object any more, or another one of its name. Nothing was written to NVCF."""


class WriteRefused(Exception):  # noqa: N818  the name says what happened
    """The API server does not take a write of ours, though the object is the one that was read."""

    def __init__(self, what: str, error: KubeError) -> None:
        super().__init__(messages.write_refused(what, error.message))


class NotKept(WriteRefused):
    """The API server takes a status and drops what the operator must remember: its CRD is older than the operator."""

    def __init__(self, fields: Iterable[str]) -> None:
        Exception.__init__(self, messages.crd_is_older(named(fields)))


def may_be_refusal(error: KubeError) -> bool:
    """Whether the answer may refuse what was to be written, or its writer. The object has to be read to be sure."""
    return error.refuses or isinstance(error, Conflict)


def is_reported(error: KubeError, attempts: int) -> bool:
    """Whether a refusal is reported, after so many failures in a row.

    An API server that starts forbids everything for a moment, so a 403 is reported from the second time on.
    """
    return attempts > 0 or not isinstance(error, Denied)
