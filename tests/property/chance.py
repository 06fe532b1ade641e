"""What goes wrong in one step of a story, and what is written down of each change that was asked for in NVCF."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.decision import Action

READS = ("500", "401", "403", "another account's key")
WRITES = ("lost, done", "lost, runs on", "lost, not done", "refused")
FAULTS = (*READS, *WRITES)
OF_A_DEPENDENCY = "a dependency's 404"
"""To a read, of what is there. It is for tests of its own, and not among what befalls random stories."""

KUBE = ("a stranger's 404, done", "a stranger's 404, not done", "slow")
"""What happens to a write to the cluster: something else answers it, or admission takes its time."""


class Crash(BaseException):
    """The operator's end, as by kill -9."""


@dataclass(slots=True)
class Chance:
    """Faults at one call to NVCF and one to the cluster, a crash at one boundary, a user's doing during one change.

    All are counted from the step's start.
    """

    fault: str | None = None
    fault_at: int = 0
    crash_at: int | None = None
    kube: str | None = None
    kube_at: int = 0
    meanwhile: str | None = None
    """What a user does to the object while a change that the operator asks for is under way."""
    does: Callable[[Key, str], None] = field(default=lambda key, what: None, repr=False)
    calls: int = 0
    kube_calls: int = 0
    boundaries: int = 0
    met: bool = False
    faults: int = 0
    """How many of them have met something."""
    crashed: bool = False

    def boundary(self) -> None:
        """Pass one boundary, or die there. Who is dead stays dead."""
        if self.crashed or self.boundaries == self.crash_at:
            self.crashed = True
            raise Crash
        self.boundaries += 1

    def fault_of(self, kinds: tuple[str, ...]) -> str | None:
        """The fault of this call, if it has one of these kinds."""
        self.calls += 1
        if self.fault in kinds and self.calls > self.fault_at and not self.met:
            self.met, self.faults = True, self.faults + 1
            return self.fault
        return None

    def fault_of_kube(self) -> str | None:
        """The fault of this write to the cluster."""
        self.kube_calls += 1
        if self.kube is None or self.kube_calls <= self.kube_at:
            return None
        fault, self.kube, self.met, self.faults = self.kube, None, True, self.faults + 1
        return fault

    def interferes(self, key: Key | None) -> None:
        """A user's turn, once."""
        if self.meanwhile is not None and key is not None:
            what, self.meanwhile, self.met, self.faults = self.meanwhile, None, True, self.faults + 1
            self.does(key, what)

    @property
    def described(self) -> str:
        """All of it, in words."""
        parts = [f"; {self.fault} at call {self.fault_at}"] if self.fault else []
        parts += [f"; {self.kube} at write {self.kube_at} to the cluster"] if self.kube else []
        parts += [f"; during a change: {self.meanwhile}"] if self.meanwhile else []
        parts += [f"; crash at boundary {self.crash_at}"] if self.crash_at is not None else []
        return "".join(parts)


def chance_of(number: int, tools: Sequence[str]) -> Chance:
    """The chance of that number. Half of all faults meet nothing, so that stories get on."""
    number, fault = divmod(number, len(FAULTS) + 1)
    number, fault_at = divmod(number, 3)
    number, crash = divmod(number, 50)
    number, kube = divmod(number, 8)
    number, kube_at = divmod(number, 3)
    _, meanwhile = divmod(number, 2 * len(tools))
    return Chance(
        fault=(None, *FAULTS)[fault],
        fault_at=fault_at,
        crash_at=crash - 1 if 0 < crash < 13 else None,
        kube=KUBE[kube - 1] if 0 < kube <= len(KUBE) else None,
        kube_at=kube_at,
        meanwhile=tools[meanwhile - 1] if 0 < meanwhile <= len(tools) else None,
    )


@dataclass(slots=True)
class Write:
    """A change that was asked for in NVCF, and how the world really was then."""

    at: float
    kind: str
    version: str
    key: Key | None
    """The resource that was reconciled; None for one that is gone, whose POST is followed."""
    latest: dict[str, Any] | None
    """That resource as it really was."""
    others: tuple[dict[str, Any], ...]
    """All other resources as they really were."""
    action: Action | None
    graceful: bool
    deployment_id: str | None
    """What NVCF had of the version."""
    made_for: str | None
    """The uid of the object whose POST had made that; None for a stranger's."""
    status: str | None
    since: float
    """When it was made."""
    drains_since: float | None
    error_since: float | None
    stale: bool
    """Whether it was the row of an earlier deployment, written back by the server."""
    specifications: tuple[dict[str, Any], ...]
    specification_id: str | None
    """Which of them was to be changed."""
    serving: frozenset[str]
    """Versions that were ACTIVE before it."""
    witnessed: bool
    """Whether the process that asked had seen the row itself that went last, if it had come back then as well."""
    process_since: float
    """When the process that asked was started."""
    running_for: frozenset[tuple[str, int]]
    """The uid and the process of each earlier POST of the version that was still running."""
    process: int
    gone_at: float | None
    """When the version's deployment went last."""
    seen_there: bool
    """Whether the process that asked has seen that very deployment."""
    asked_since: float
    """When a user last edited the resource, or asked something of it."""
    asks: int
    """How often a user had done so."""
    tampered: bool
    """Whether a user has put something into the resource's status, or taken it away."""
    digest: str | None
    """Name of the request, for those that are counted."""
    uid: str
    """Of that resource."""
    answered: bool = False
    """Whether the operator heard that it is done."""
    refused: bool = False
    """Whether the operator heard that NVCF does not take it."""
    failed: bool = False
    """Whether the operator heard nothing, or that NVCF failed: it may be done all the same."""
