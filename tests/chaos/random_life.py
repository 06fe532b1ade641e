"""What may happen to a resource, its account and its operator, drawn by hypothesis, and how it must end."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from nvcf_operator.core.model.reasons import Reason
from tests.chaos import user_actions, users_life
from tests.chaos.environment import PAUSE, Run
from tests.chaos.life import MANIFEST, NEIGHBOUR, VERSIONS, Drawn, Life
from tests.chaos.outcome import wrongs
from tests.support.cluster import condition_of
from tests.support.waiting import eventually

END = "the-end"
"""Token of the request to reconcile once more, which distinguishes the end from what came before."""

NEEDS_A_USER = {Reason.IMMUTABLE_FIELD_CHANGED, Reason.ALREADY_DEPLOYED}
"""Reasons for which a quiet resource may stand still: what the account holds is left as it is."""

SETTLES: dict[str, Any] = {"create_settle_seconds": 1.6, "redeploy_settle_seconds": 1.8}
"""So that each POST comes later after another than the create settle, whatever was between them."""
DISRUPTION = "wall_clock_from_file"
"""Of the operators: their wall clock jumps."""

FAULTS: dict[str, dict[str, Any]] = {
    "refused with 503": {"status": 503},
    "carried out and answered 500": {"status": 500, "when": "after"},
    "carried out and never answered": {"reset": True, "when": "after"},
    "cut short": {"truncate": True},
    "throttled": {"status": 429, "retryAfter": 1},
    "late": {"delay": 0.7},
    "cut off while NVCF goes on": {"reset": True, "when": "during", "delay": 0.1},
}
CALLS = ("createDeployment", "deleteDeployment", "getDeployment", "listFunctions", "updateGpuSpecification")

PAUSES = (1.0, 0.5, 0.1, 2.0)
"""Seconds between two deeds."""
TAKEN_UP = 5.0
"""Seconds to wait for the first answer to a deed on a busy machine. There need not be one."""


@dataclass(frozen=True)
class Deed:
    """One thing that happens, under what disruption, and for how many seconds the operator is left alone afterwards."""

    what: str
    do: Callable[[Life], object] = field(repr=False)
    disruption: str
    fault: dict[str, Any] | None = field(repr=False)
    pause: float

    def __str__(self) -> str:
        disruption = f", {self.disruption}" if self.disruption else ""
        return f"{self.what}{disruption}, {self.pause:g} s"


KILL = "kill -9 after it"


@dataclass(frozen=True)
class Story:
    """So many GPU specifications, and what happens after a manifest with them has been applied."""

    specifications: int
    deeds: tuple[Deed, ...]

    def __str__(self) -> str:
        return "\n".join(f"  {line}" for line in (f"{self.specifications} specifications", *map(str, self.deeds)))


def story() -> st.SearchStrategy[Story]:
    """Draw a story."""
    return st.builds(Story, st.integers(1, len(MANIFEST)), st.lists(deeds(), min_size=5, max_size=8).map(tuple))


def deeds() -> st.SearchStrategy[Deed]:
    """Draw one thing. What comes first is drawn most often, so that is what has the operator write."""
    edits = st.one_of(
        st.integers(0, VERSIONS - 1).map(lambda index: _version(VERSIONS - 1 - index)),
        st.integers(3, 6).map(lambda most: _edit("maxInstances", maxInstances=most)),
        st.sampled_from([("Recreate", "Redeploy"), ("BlueGreen", "Redeploy"), ("BlueGreen", "Reject")]).map(_rollout),
        st.sampled_from(["L40S", "H100"]).map(lambda gpu: _edit("gpu", gpu=gpu, instanceType=f"NCP.GPU.{gpu}_1x")),
    )
    others = st.one_of(
        st.just(("redeploy-requested-at", lambda life: _request(life.run, "redeploy_requested_at"))),
        st.integers(7, 9).map(_scaled_outside),
        st.just(("delete", lambda life: life.run.delete())),
        st.just(("somebody undeploys", _undeployed_outside)),
        st.integers(0, 2).map(_queue),
        st.just(("suspend, and resume", _suspended)),
    )
    faults = st.tuples(st.sampled_from(CALLS), st.sampled_from(sorted(FAULTS)), st.integers(1, 2)).map(
        lambda drawn: (
            f"{drawn[2]} x {drawn[0]} {drawn[1]}",
            {"operation": drawn[0], "count": drawn[2], **FAULTS[drawn[1]]},
        )
    )
    disruptions = st.one_of(st.just(("", None)), faults, st.just((KILL, None)))
    pauses = st.sampled_from(PAUSES)
    return st.builds(
        lambda drawn, disruption, pause: Deed(drawn[0], drawn[1], disruption[0], disruption[1], pause),
        st.one_of(edits, edits, others, users_life.deeds()),
        disruptions,
        pauses,
    )


def _edit(what: str, **changes: Any) -> Drawn:
    return f"edit {what}: {changes}", lambda life: _edited(life.run, changes)


def _edited(run: Run, changes: dict[str, Any]) -> None:
    first, *others = run.get()["spec"]["deploymentSpecifications"]
    run.edit(deploymentSpecifications=[{**first, **changes}, *others])


def _version(index: int) -> Drawn:
    def do(life: Life) -> None:
        life.run.edit(functionVersionId=life.run.versions[index - VERSIONS])

    return f"ask for version {index + 1}", do


def _rollout(how: tuple[str, str]) -> Drawn:
    rollout = {"versionChange": how[0], "immutableChange": how[1]}
    return f"roll out by {how}", lambda life: life.run.edit(rollout=rollout)


def _request(run: Run, name: str) -> str:
    token = f"<{run.simulator.cursor}> & März"
    run.annotate(**{name: token})
    return token


def _taken_up(run: Run, cursor: int, token: str) -> None:
    """Wait until the operator answers a request to reconcile, by a call or in the status; it may not come to that."""

    def answered() -> bool:
        if any(entry["operation"] != "listFunctions" for entry in run.asked(cursor)):
            return True
        found = run.find()
        return found is None or found.get("status", {}).get("lastHandledReconcileAt") == token

    with suppress(AssertionError):
        eventually(answered, within=TAKEN_UP, what="a reconcile", rest=lambda: run.operator.ended(PAUSE))


def _suspended(life: Life) -> None:
    life.run.edit(suspend=True)
    life.run.operator.ended(0.5)
    life.run.edit(suspend=False)


def _scaled_outside(most: int) -> Drawn:
    def do(life: Life) -> None:
        for version in life.there():
            with suppress(RuntimeError):  # what drains cannot be changed
                life.run.simulator.scale(version, maxInstances=most)

    return f"somebody scales to {most}", do


def _undeployed_outside(life: Life) -> None:
    for version in life.there()[:1]:
        with suppress(RuntimeError):  # it may end on its own in that moment
            life.run.simulator.undeploy(version)


def _queue(depth: int) -> Drawn:
    def do(life: Life) -> None:
        for version in life.run.versions:
            life.run.simulator.change(version, queueDepth=depth)

    return f"{depth} requests are queued", do


def _key(run: Run) -> str:
    return next(reversed(run.keys))


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


def lived(life: Life, deeds: Sequence[Deed], tally: Tally) -> list[str]:
    """Live a story to its end; say what is wrong then."""
    run = life.run
    life.begin()
    life.be_born()
    for deed in deeds:
        cursor = run.simulator.cursor
        if run.find() is None:
            life.be_born()  # so that no deed falls into the void
        run.happened(str(deed))
        if deed.fault is not None:
            run.simulator.fault(name=run.name, key=_key(run), **deed.fault)
        deed.do(life)
        token = _request(run, "reconcile_requested_at")  # so that it is reconciled now, under that disruption
        if deed.pause > min(PAUSES):  # after that one the story continues before the operator has noticed
            _taken_up(run, cursor, token)
        run.operator.ended(deed.pause)
        killed = deed.disruption == KILL and bool(run.asked(run.cursor, inFlight=True))
        if deed.disruption == KILL:
            life.kill()
        tally.count(run.asked(cursor), in_flight=killed)
    quiet(life)
    wrong = wrongs(run, run.cursor, life.reports(), crashes_forget=True) + touched(life) + cut_short(life)
    return wrong + unlike_the_manifest(run) + not_silent(run)


def quiet(life: Life) -> None:
    """Let the disruption end, and wait until the operator has answered to that."""
    run = life.run
    run.happened("the disruption ends")
    run.simulator.clear_faults(run.name)
    for version in run.versions:
        run.simulator.instance_behaviour(version, outcome="run")
    _queue(0)[1](life)
    found = run.find()
    if found is not None and "deletionTimestamp" not in found["metadata"]:
        run.edit(suspend=False)
        if life.failed:  # what deploys may have instances that failed, which the server does not ask for again
            _request(run, "redeploy_requested_at")
        run.annotate(reconcile_requested_at=END)
        run.until(ended, "the end")
    else:
        run.until_gone()
    run.eventually(
        lambda: (life.strays(), wanted_versions(run)), lambda seen: set(seen[0]) <= set(seen[1]), "only what is wanted"
    )
    run.eventually(life.not_reported, lambda ids: not ids, "what the server lost from sight is reported")
    run.eventually(lambda: copies(run), lambda names: not names, "deleted copies are gone")
    run.eventually(
        lambda: run.kube.get(user_actions.path_of(run, NEIGHBOUR)) or {},
        lambda found: condition_of(found, "Ready").get("status") == "True",
        "the neighbour is in order",
    )


def copies(run: Run) -> list[str]:
    """The copies that are still there."""
    found = run.kube.get(user_actions.path_of(run, "")) or {"items": []}
    names = [item["metadata"]["name"] for item in found["items"]]
    return [name for name in names if name.startswith("copy-")]


def ended(found: dict[str, Any]) -> bool:
    """Whether the newest manifest is in force, or waits for a user."""
    ready, status = condition_of(found, "Ready"), found.get("status", {})
    if ready.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    # What waits for a user while NVCF still deploys says so once more when that ends.
    rests = ready["reason"] in NEEDS_A_USER and status.get("functionStatus") != "DEPLOYING"
    return status.get("lastHandledReconcileAt") == END and (ready["status"] == "True" or rests)


def wanted_versions(run: Run) -> list[str]:
    """The versions that may be there at the end: the manifest's, and what a resource that waits for a user holds."""
    found = run.find()
    if found is None:
        return []
    status, spec = found["status"], found["spec"]
    held = [] if condition_of(found, "Ready")["status"] == "True" else [status.get("functionVersionId")]
    return [spec["functionVersionId"], *held]


def touched(life: Life) -> list[str]:
    """What was asked for of the neighbour's version beside its own POST."""
    asked = life.run.asked(life.run.cursor, functionVersionId=life.neighbour, mutating=True)
    return [f"{entry['operation']} of the neighbour's" for entry in asked if entry["operation"] != "createDeployment"]


def cut_short(life: Life) -> list[str]:
    """The drains that were cut short: none lasts for an hour, and where no instance has failed none has a reason."""
    asked = [] if life.failed else life.run.asked(life.run.cursor, operation="deleteDeployment")
    return [f"DELETE?{entry['query']}" for entry in asked if entry["query"] != "graceful=true"]


def unlike_the_manifest(run: Run) -> list[str]:
    """How the account differs from what the manifest says."""
    found, deployed = run.find(), run.simulator.deployments()
    if found is None or condition_of(found, "Ready")["status"] != "True":
        return []
    version, wanted = found["spec"]["functionVersionId"], found["spec"]["deploymentSpecifications"]
    has = deployed.get(version, {}).get("deploymentSpecifications", [])
    orders = itertools.permutations(has) if len(has) == len(wanted) else ()
    same = any(all(want.items() <= item.items() for want, item in zip(wanted, order, strict=True)) for order in orders)
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


def described(run: Run, story: Story, wrong: Sequence[str]) -> str:
    """A story with all that was asked of NVCF in it, by time."""
    first = run.steps[0][0] if run.steps else 0.0
    lines = [(at, what) for at, what in run.steps]
    for entry in run.asked(run.cursor):
        if entry["mutating"] or entry["fault"]:
            at = entry["started"] + time.time() - time.monotonic()
            version = entry["functionVersionId"]
            which = run.versions.index(version) + 1 if version in run.versions else "-"
            lines.append((at, f"    {entry['operation']} of version {which}: {entry['status']} {entry['fault'] or ''}"))
    went = "\n".join(f"{at - first:7.2f} s  {what}" for at, what in sorted(lines))
    return f"{'; '.join(wrong)}\nThe story:\n{story}\nAs it went:\n{went}\nThe resource at the end:\n{run.find()}"
