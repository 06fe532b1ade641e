"""What may happen to a resource, its account and its operator, drawn by hypothesis, and how it must end."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from chaos.outcome import wrongs
from chaos.world import Run
from nvcf_operator.core.reasons import Reason
from operating import condition_of

VERSIONS = 3
END = "the-end"
"""Token of the request to look once more, by which the end is told from what came before."""

NEEDS_A_PERSON = {Reason.IMMUTABLE_FIELD_CHANGED, Reason.ALREADY_DEPLOYED}
"""Reasons for which a quiet resource may stand still: what the account holds is left as it is."""

SETTLES: dict[str, Any] = {"create_settle_seconds": 1.2, "redeploy_settle_seconds": 1.8}
"""So that each POST comes later after another than the create settle, whatever was between them."""

FAULTS: dict[str, dict[str, Any]] = {
    "refused with 503": {"status": 503},
    "carried out and answered 500": {"status": 500, "when": "after"},
    "carried out and never answered": {"reset": True, "when": "after"},
    "cut short": {"truncate": True},
    "throttled": {"status": 429, "retryAfter": 1},
    "late": {"delay": 0.7},
}
CALLS = ("createDeployment", "deleteDeployment", "getDeployment", "listFunctions", "updateGpuSpecification")


Drawn = tuple[str, Callable[[Run], object]]


@dataclass(frozen=True)
class Deed:
    """One thing that happens, under what trouble, and for how many seconds the operator is left alone afterwards."""

    what: str
    do: Callable[[Run], object] = field(repr=False)
    trouble: str
    fault: dict[str, Any] | None = field(repr=False)
    pause: float

    def __str__(self) -> str:
        trouble = f", {self.trouble}" if self.trouble else ""
        return f"{self.what}{trouble}, {self.pause:g} s"


KILL = "kill -9 after it"


def story() -> st.SearchStrategy[list[Deed]]:
    """Draw what happens after a manifest has been applied."""
    return st.lists(deeds(), min_size=5, max_size=8)


def deeds() -> st.SearchStrategy[Deed]:
    """Draw one thing."""
    edits = st.one_of(
        st.integers(3, 6).map(lambda most: _edit("maxInstances", maxInstances=most)),
        st.sampled_from(["L40S", "H100"]).map(lambda gpu: _edit("gpu", gpu=gpu, instanceType=f"NCP.GPU.{gpu}_1x")),
        st.integers(0, VERSIONS - 1).map(_version),
        st.sampled_from([("BlueGreen", "Redeploy"), ("Recreate", "Redeploy"), ("BlueGreen", "Reject")]).map(_rollout),
    )
    others = st.one_of(
        st.just(("redeploy-requested-at", lambda run: _request(run, "redeploy_requested_at"))),
        st.integers(7, 9).map(_scaled_outside),
        st.just(("somebody undeploys", _undeployed_outside)),
        st.integers(0, 2).map(_queue),
        st.just(("suspend, and resume", _suspended)),
        st.just(("delete", lambda run: run.delete())),
    )
    faults = st.tuples(st.sampled_from(CALLS), st.sampled_from(sorted(FAULTS)), st.integers(1, 2)).map(
        lambda drawn: (
            f"{drawn[2]} x {drawn[0]} {drawn[1]}",
            {"operation": drawn[0], "count": drawn[2], **FAULTS[drawn[1]]},
        )
    )
    troubles = st.one_of(st.just(("", None)), faults, st.just((KILL, None)))
    pauses = st.sampled_from([0.1, 0.5, 1.0, 2.0])
    return st.builds(
        lambda drawn, trouble, pause: Deed(*drawn, *trouble, pause), st.one_of(edits, edits, others), troubles, pauses
    )


def _edit(what: str, **changes: Any) -> Drawn:
    return f"edit {what}: {changes}", lambda run: run.scale(**changes)


def _version(index: int) -> Drawn:
    return f"ask for version {index + 1}", lambda run: run.edit(functionVersionId=run.versions[index - VERSIONS])


def _rollout(how: tuple[str, str]) -> Drawn:
    rollout = {"versionChange": how[0], "immutableChange": how[1]}
    return f"roll out by {how}", lambda run: run.edit(rollout=rollout)


def _request(run: Run, name: str) -> None:
    run.annotate(**{name: f"token-{run.simulator.cursor}"})


def _suspended(run: Run) -> None:
    run.edit(suspend=True)
    run.operator.ended(0.5)
    run.edit(suspend=False)


def _scaled_outside(most: int) -> Drawn:
    def do(run: Run) -> None:
        for version in there(run):
            with suppress(RuntimeError):  # what drains cannot be changed
                run.simulator.scale(version, maxInstances=most)

    return f"somebody scales to {most}", do


def _undeployed_outside(run: Run) -> None:
    for version in there(run)[:1]:
        with suppress(RuntimeError):  # it may go by itself in that moment
            run.simulator.undeploy(version)


def _queue(depth: int) -> Drawn:
    def do(run: Run) -> None:
        for version in run.versions:
            run.simulator.change(version, queueDepth=depth)

    return f"{depth} requests are queued", do


def _key(run: Run) -> str:
    return next(reversed(run.keys))


def there(run: Run) -> list[str]:
    """The versions of the run that NVCF has a deployment of."""
    return sorted(set(run.versions) & set(run.simulator.deployments()))


@dataclass
class Tally:
    """Steps in all, and how many of them wrote to NVCF, met a fault, or killed an operator in the middle of a call."""

    steps: int = 0
    wrote: int = 0
    faults: int = 0
    killed_in_flight: int = 0
    eventful: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Stories are lived in threads."""

    def count(self, entries: Sequence[dict[str, Any]], *, in_flight: bool) -> None:
        """Count one step by the requests of its time."""
        wrote = any(entry["mutating"] for entry in entries)
        fault = any(entry["fault"] for entry in entries)
        with self._lock:
            self.steps += 1
            self.wrote += wrote
            self.faults += fault
            self.killed_in_flight += in_flight
            self.eventful += wrote or fault or in_flight


def lived(run: Run, deeds: Sequence[Deed], tally: Tally) -> list[str]:
    """Live a story to its end; tell what is wrong then."""
    born(run)
    for deed in deeds:
        cursor = run.simulator.cursor
        if run.find() is None:
            born(run)  # so that no deed falls into the void
        run.happened(str(deed))
        if deed.fault is not None:
            run.simulator.fault(name=run.name, key=_key(run), **deed.fault)
        deed.do(run)
        _request(run, "reconcile_requested_at")  # so that it is looked at now, under that trouble
        run.operator.ended(deed.pause)
        killed = deed.trouble == KILL and bool(run.asked(run.cursor, inFlight=True))
        if deed.trouble == KILL:
            run.restart()
        tally.count(run.asked(cursor), in_flight=killed)
    quiet(run)
    return wrongs(run, run.cursor) + unlike_the_manifest(run) + not_silent(run)


def born(run: Run) -> None:
    """Apply a manifest, with versions that no resource before it has had: of those a crash forgets the last moments."""
    for _ in range(VERSIONS):
        run.add_version()
    run.apply(functionVersionId=run.versions[-VERSIONS])


def quiet(run: Run) -> None:
    """Let trouble end, and wait until the operator has answered to that."""
    run.happened("trouble ends")
    run.simulator.clear_faults(run.name)
    _queue(0)[1](run)
    found = run.find()
    if found is not None and "deletionTimestamp" not in found["metadata"]:
        run.edit(suspend=False)
        run.annotate(reconcile_requested_at=END)
        run.until(ended, "the end")
    else:
        run.until_gone()
    run.eventually(
        lambda: (there(run), wanted_versions(run)), lambda seen: set(seen[0]) <= set(seen[1]), "only what is wanted"
    )


def ended(found: dict[str, Any]) -> bool:
    """Whether the newest manifest is in force, or waits for a person."""
    ready, status = condition_of(found, "Ready"), found.get("status", {})
    if ready.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    return status.get("lastHandledReconcileAt") == END and (
        ready["status"] == "True" or ready["reason"] in NEEDS_A_PERSON
    )


def wanted_versions(run: Run) -> list[str]:
    """The versions that may be there at the end: the manifest's, and what a resource that waits for a person holds."""
    found = run.find()
    if found is None:
        return []
    status, spec = found["status"], found["spec"]
    held = [] if condition_of(found, "Ready")["status"] == "True" else [status.get("functionVersionId")]
    return [spec["functionVersionId"], *held]


def unlike_the_manifest(run: Run) -> list[str]:
    """How the account differs from what the manifest says."""
    found, deployed = run.find(), run.simulator.deployments()
    if found is None or condition_of(found, "Ready")["status"] != "True":
        return []
    version, wanted = found["spec"]["functionVersionId"], found["spec"]["deploymentSpecifications"]
    has = deployed.get(version, {}).get("deploymentSpecifications", [])
    same = len(has) == len(wanted) and all(want.items() <= item.items() for want, item in zip(wanted, has, strict=True))
    return [] if same else [f"version {version} has {has}, the manifest says {wanted}"]


def not_silent(run: Run) -> list[str]:
    """What is written although nothing is to be done."""
    found = run.find()
    if found is None:
        return []
    cursor, before = run.simulator.cursor, found["metadata"]["resourceVersion"]
    run.until_asked(2, since=cursor, operation="listFunctions")
    writes = [f"{entry['operation']} at rest" for entry in run.asked(cursor, mutating=True)]
    return writes + ([] if run.get()["metadata"]["resourceVersion"] == before else ["the resource is written at rest"])


def told(run: Run, deeds: Sequence[Deed], wrong: Sequence[str]) -> str:
    """A story with all that was asked of NVCF in it, by time."""
    first = run.steps[0][0] if run.steps else 0.0
    lines = [(at, what) for at, what in run.steps]
    for entry in run.asked(run.cursor):
        if entry["mutating"] or entry["fault"]:
            at = entry["started"] + time.time() - time.monotonic()
            version = entry["functionVersionId"]
            which = run.versions.index(version) + 1 if version in run.versions else "-"
            lines.append((at, f"    {entry['operation']} of version {which}: {entry['status']} {entry['fault'] or ''}"))
    story = "\n".join(f"{at - first:7.2f} s  {what}" for at, what in sorted(lines))
    drawn = "\n".join(f"  {deed}" for deed in deeds)
    return f"{'; '.join(wrong)}\nThe story:\n{drawn}\nAs it went:\n{story}\nThe resource at the end:\n{run.find()}"
