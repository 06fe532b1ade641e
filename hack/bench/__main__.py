"""`python -m hack.bench`: a fleet from nothing to Ready, at rest, beside a crowd, in a storm, and after a restart."""

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from datetime import datetime
from typing import Any

from hack.bench.crowd import crowded
from hack.bench.environment import DEPLOY_SECONDS, Environment, running_environment
from hack.bench.load import Cluster, each, run
from hack.bench.printing import figure, machine, progress
from hack.bench.processes import cpu_seconds
from hack.bench.settings import FLEET, OPERATOR
from hack.bench.waiting import RESTART_PAUSE, reached
from hack.controlplane import writes_by_kind
from tests.support.cluster import manifest
from tests.support.process import Operator
from tests.support.waiting import eventually

RESOURCES, RECONCILES = "nvcf_operator_resources", "nvcf_operator_reconciles_total"
READY = {"condition": "Ready", "status": "True"}

DEFAULT_RATE = {"nvcf_rate": None, "nvcf_concurrency": None}
"""What is changed of it for a fleet that is no faster than a user's."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m hack.bench", description=__doc__)
    parser.add_argument("--resources", type=int, default=1000)
    parser.add_argument("--steady", type=float, default=120.0, help="seconds at rest that are measured")
    parser.add_argument("--default-rate", action="store_true", help="keep the default rate limit of 50 calls a second")
    parser.add_argument("--no-crowd", action="store_true", help="leave out edits beside a crowd, and the 429 storm")
    arguments = parser.parse_args()
    settings = {**FLEET, **(DEFAULT_RATE if arguments.default_rate else {})}
    progress(f"{arguments.resources} resources; {machine()}")
    with running_environment(arguments.resources) as here:
        alone = baseline(here)
        progress(f"API server alone, 1 creation and 4 writes of each: {alone:.2f} s")
        here.namespace("fleet")
        with Operator.start(here.identity, here.simulator.url, here.log, fresh=True, **settings) as operator:
            grown(here, operator, alone)
            at_rest(here, operator, arguments.steady)
            if not arguments.no_crowd:
                crowded(here, operator, "hurry")
        restarted(here, settings)
        if not arguments.no_crowd:
            progress("from here on with the default rate")
            with Operator.start(
                here.identity, here.simulator.url, here.log, fresh=True, **{**FLEET, **DEFAULT_RATE}
            ) as operator:
                all_known(operator, 2 * here.number)
                calm = crowded(here, operator, "crowd")
                crowded(here, operator, "storm", calm=calm)
    return 0


def baseline(here: Environment) -> float:
    """What the API server alone needs for the same writes, with statuses of the size that the operator writes."""
    here.plane.kubectl("create", "namespace", "baseline")
    condition = {"type": "Ready", "status": "False", "reason": "Deploying", "message": "x" * 60}
    condition |= {"lastTransitionTime": "2026-01-01T00:00:00Z"}
    kinds = ("Ready", "Available", "Reconciling", "Stalled", "CredentialsValid")
    status = {"observedGeneration": 1, "conditions": [{**condition, "type": kind} for kind in kinds]}

    async def writes(cluster: Cluster) -> None:
        async def one(item: tuple[int, tuple[str, str]]) -> None:
            number, (function, version) = item
            await cluster.create(manifest(f"r{number}", function, version))
            for phase in ("Pending", "Asked", "Deploying", "Active"):
                await cluster.write_status(f"r{number}", {**status, "phase": phase})

        await each(enumerate(here.functions), one)

    seconds = run(here.plane.kubeconfig, "baseline", writes)
    run(here.plane.kubeconfig, "baseline", lambda cluster: cluster.delete_all())
    return seconds


def grown(here: Environment, operator: Operator, alone: float) -> None:
    """Apply the fleet, wait for all to be Ready, print what it took."""
    offset, cursor, cpu = here.plane.audit_log.stat().st_size, here.simulator.cursor, cpu_seconds()

    async def create(cluster: Cluster) -> None:
        async def one(item: tuple[int, tuple[str, str]]) -> None:
            await cluster.create(manifest(f"r{item[0]}", *item[1]))

        await each(enumerate(here.functions), one)

    started = time.monotonic()
    run(here.plane.kubeconfig, "fleet", create)
    progress(f"created in {time.monotonic() - started:.1f} s; waiting for Ready ...")
    reached(operator, RESOURCES, here.number, within=600 + here.number / 5, what="resources Ready", labels=READY)
    total = time.monotonic() - started
    used = {name: seconds - cpu.get(name, 0.0) for name, seconds in cpu_seconds().items()}
    ratio = (total - DEPLOY_SECONDS) / alone
    figure("applied to all Ready", f"{total:.1f} s, {DEPLOY_SECONDS:.0f} of them the deploy time")
    figure("ratio to the API server alone", f"{ratio:.2f}", budget="1.3 with the rate limit lifted", met=ratio <= 1.3)
    calls = Counter(entry["operation"] for entry in here.simulator.log(cursor))
    figure("NVCF calls", dict(calls), budget="1 POST + 1 GET each, and shared polls", met=_frugal(calls, here.number))
    writes = writes_by_kind(here.plane.audit_log, user=OPERATOR, offset=offset)
    mine = {" ".join(kind): number for kind, number in writes.items()}
    all_of_them = sum(number for kind, number in writes.items() if kind[1].startswith("functiondeployments"))
    figure("Kubernetes writes", mine, budget="4 each, and Events", met=0 < all_of_them <= 4 * here.number)
    shares = {name: f"{seconds:.1f} s" for name, seconds in sorted(used.items()) if seconds >= 0.5}
    figure("CPU of each process", shares)
    own = 1000 * used["operator"] / here.number
    figure("CPU of the operator, a resource", f"{own:.1f} ms", budget="8 ms", met=own <= 8)
    first, middle, last = _seconds_to_ready(here)
    soon = first <= DEPLOY_SECONDS + 5
    figure("first Ready after", f"{first:.0f} s", budget="soon after its deploy time", met=soon)
    figure("created to Ready", f"p50 {middle:.0f} s, p99 {last:.0f} s")
    figure(
        "peak memory", f"{operator.peak_memory():.0f} MB", budget="150 MB at 5,000", met=operator.peak_memory() < 150
    )


def _seconds_to_ready(here: Environment) -> tuple[float, float, float]:
    """Seconds from the first creation to the first Ready, and from each creation to its Ready: p50 and p99.

    They are of whole seconds, as the API server's times are.
    """
    items = json.loads(here.plane.kubectl("get", "fd", "--namespace", "fleet", "--output", "json"))["items"]
    created = [datetime.fromisoformat(item["metadata"]["creationTimestamp"]) for item in items]
    ready = [
        datetime.fromisoformat(condition["lastTransitionTime"])
        for item in items
        for condition in item["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    took = [(end - begun).total_seconds() for begun, end in zip(created, ready, strict=True)]
    return (min(ready) - min(created)).total_seconds(), statistics.median(took), statistics.quantiles(took, n=100)[98]


def at_rest(here: Environment, operator: Operator, seconds: float) -> None:
    """Measure the fleet while nothing happens."""
    if seconds <= 0:
        return
    # The last Events are written beside the work.
    events = "nvcf_operator_kube_requests_total"
    reached(
        operator,
        events,
        2 * here.number,
        within=180 + here.number / 10,
        what="Events written",
        labels={"kind": "event"},
    )
    offset, cursor, cpu = here.plane.audit_log.stat().st_size, here.simulator.cursor, operator.cpu_seconds()
    progress(f"measuring {seconds:.0f} s at rest ...")
    time.sleep(seconds)
    calls = Counter(entry["operation"] for entry in here.simulator.log(cursor))
    met = calls["listFunctions"] <= seconds / 60 + 1
    figure("NVCF calls at rest", dict(calls), budget="1 poll a minute, 1 GET a resource an hour", met=met)
    writes = writes_by_kind(here.plane.audit_log, user=OPERATOR, offset=offset)
    figure("Kubernetes writes at rest", sum(writes.values()), budget="none", met=not writes)
    share = 100 * (operator.cpu_seconds() - cpu) / seconds
    figure("CPU at rest", f"{share:.2f} % of a core", budget="under 2 % at 5,000", met=share < 2)
    figure("memory at rest", f"{operator.memory():.0f} MB")


def all_known(operator: Operator, number: int) -> None:
    """Wait until a new operator has reconciled so many resources that need nothing."""
    reached(operator, RESOURCES, number, within=120, what="resources known", labels=READY)
    eventually(
        lambda: operator.metric("nvcf_operator_queue_depth"), lambda depth: depth == 0, within=60, what="nothing is due"
    )


def restarted(here: Environment, settings: dict[str, Any]) -> None:
    """Start the operator again over the fleet."""
    offset, cursor, started = here.plane.audit_log.stat().st_size, here.simulator.cursor, time.monotonic()
    with Operator.start(here.identity, here.simulator.url, here.log, fresh=True, **settings) as operator:
        reached(operator, RECONCILES, here.number, within=120, what="resources reconciled", pause=RESTART_PAUSE)
        figure("restart, all reconciled", f"{time.monotonic() - started:.1f} s", budget="15 s at 5,000")
        writes = writes_by_kind(here.plane.audit_log, user=OPERATOR, offset=offset)
        mutating = [entry for entry in here.simulator.log(cursor) if entry["mutating"]]
        number = len(mutating) + sum(writes.values())
        figure("writes after the restart", number, budget="none", met=number == 0)
        figure("memory after the restart", f"{operator.memory():.0f} MB")


def _frugal(calls: Counter[str], number: int) -> bool:
    return calls["createDeployment"] == number and calls["getDeployment"] <= number * 1.02


if __name__ == "__main__":
    sys.exit(main())
