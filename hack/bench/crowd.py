"""Users' edits while a fleet of others converges, in calm and while NVCF answers the fleet with 429."""

import asyncio
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hack.bench.environment import Environment
from hack.bench.load import Cluster, each, run
from hack.bench.printing import figure, progress
from hack.bench.waiting import reached
from tests.support.cluster import Namespace, manifest
from tests.support.process import Operator

EDITED = 10
"""Resources that are edited, of the fleet's account and of another one each."""

READY = {"condition": "Ready", "status": "True"}

BETWEEN_EDITS = 0.2
"""Seconds."""

STORM_SECONDS = 10.0
STORM: tuple[dict[str, Any], ...] = (
    {"status": 429, "retryAfter": 2, "probability": 0.3},
    {"status": 429, "probability": 0.3},
)
"""What the fleet's calls meet meanwhile: 429 with Retry-After, and 429 without."""

GPU = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1}


@dataclass
class Users:
    """Resources of one namespace that are edited, and the edits: what was asked for, and when that was answered."""

    namespace: str
    functions: list[tuple[str, str]]
    edits: list[tuple[str, int, float]] = field(default_factory=list)
    """Version, maximum, and the monotonic second at which the API server had taken the edit."""

    async def edit_until(self, over: threading.Event, cluster: Cluster) -> None:
        """Edit one after the other until it is over."""
        for number in count():
            if over.is_set():
                return
            which, most = number % len(self.functions), 3 + number
            await cluster.edit(f"p{which}", {"deploymentSpecifications": [{**GPU, "maxInstances": most}]})
            self.edits.append((self.functions[which][1], most, time.monotonic()))
            await asyncio.sleep(BETWEEN_EDITS)

    def latencies(self, here: Environment, cursor: int) -> list[float]:
        """Milliseconds from each edit to its PATCH at NVCF; an edit that a later one overtook has none."""
        deployed = {item["deploymentId"]: version for version, item in here.simulator.deployments().items()}
        sent = {
            (deployed.get(entry["deploymentId"]), entry["body"]["maxInstances"]): entry["started"]
            for entry in reversed(here.simulator.log(cursor, operation="updateGpuSpecification"))
            if entry["status"] == 200
        }
        found = [(sent.get((version, most)), edited) for version, most, edited in self.edits]
        return [1000 * (arrived - edited) for arrived, edited in found if arrived is not None]


def crowded(here: Environment, operator: Operator, name: str, *, calm: float | None = None) -> float:
    """Let a fleet grow beside users who edit; print how long an edit takes to its PATCH. Gives the fleet's seconds.

    Args:
        here: the environment; its functions are used once more.
        operator: the operator under load.
        name: of the namespaces, and of NVCF's accounts.
        calm: seconds that the fleet took in calm; given, the fleet meets a storm of 429.

    """
    stormy = calm is not None
    progress(f"{here.number} more grow beside users who edit{', and NVCF answers 429' if stormy else ''} ...")
    fleet = _functions(here, name, here.number, name)
    groups = [_users(here, f"{name}-same", name), _users(here, f"{name}-other", f"{name}-other")]
    _key(here, name, name)
    cursor, over = here.simulator.cursor, threading.Event()
    before = operator.metric("nvcf_operator_resources", **READY)
    editors = [
        threading.Thread(
            target=run, args=(here.plane.kubeconfig, users.namespace, lambda c, u=users: u.edit_until(over, c))
        )
        for users in groups
    ]
    if stormy:
        for rule in STORM:
            here.simulator.fault(name="storm", key=name, **rule)
        threading.Timer(STORM_SECONDS, here.simulator.clear_faults).start()
    started = time.monotonic()
    for editor in editors:
        editor.start()
    try:
        run(here.plane.kubeconfig, name, lambda cluster: _create(cluster, fleet))
        reached(
            operator, "nvcf_operator_resources", before + here.number, within=600, what="resources Ready", labels=READY
        )
    finally:
        over.set()
        for editor in editors:
            editor.join()
    seconds = time.monotonic() - started
    _print(here, groups, cursor, name, seconds, calm)
    return seconds


def _print(here: Environment, groups: list[Users], cursor: int, name: str, seconds: float, calm: float | None) -> None:
    what = "in a storm" if calm is not None else "beside a crowd"
    figure(f"fleet {what}", f"{seconds:.1f} s to all Ready" + (f", {calm:.1f} s in calm" if calm is not None else ""))
    for users, which in zip(groups, ("same account", "another account"), strict=True):
        found = sorted(users.latencies(here, cursor))
        if len(found) < 2:
            figure(f"edit to PATCH {what}, {which}", f"{len(found)} of {len(users.edits)} edits arrived")
            continue
        middle, late = statistics.median(found), statistics.quantiles(found, n=100, method="inclusive")[98]
        budget, met = "p50 50 ms, p99 250 ms", middle <= 50 and late <= 250
        if calm is not None:  # its own account is asked to slow down, and a user's edit with it
            budget, met = "under 1 s in another account", which == "same account" or late < 1000
        text = f"p50 {middle:.0f} ms, p99 {late:.0f} ms, {len(found)} of {len(users.edits)} edits, the rest overtaken"
        figure(f"edit to PATCH, {which}", text, budget=budget, met=met)
    calls = [entry for entry in here.simulator.log(cursor) if entry["key"] == name]
    posts = Counter(
        e["functionVersionId"] for e in calls if e["operation"] == "createDeployment" and e["status"] == 200
    )
    doubled = sum(1 for number in posts.values() if number > 1)
    figure("POSTs taken", f"{sum(posts.values())}, {doubled} of a version twice", budget="one each", met=not doubled)
    if calm is not None:
        refused = sum(1 for entry in calls if entry["status"] == 429)
        figure("calls answered 429", f"{refused} of {len(calls)}")


def _users(here: Environment, namespace: str, account: str) -> Users:
    users = Users(namespace, _functions(here, f"{namespace}-users", EDITED, account))
    _key(here, namespace, account)

    async def create(cluster: Cluster) -> None:
        for number, (function, version) in enumerate(users.functions):
            await cluster.create(manifest(f"p{number}", function, version))

    run(here.plane.kubeconfig, namespace, create)
    place = Namespace(here.plane, namespace)
    for number in range(EDITED):
        place.wait_for(f"p{number}", within=60)
    return users


def _functions(here: Environment, name: str, number: int, account: str) -> list[tuple[str, str]]:
    here.simulator.add_account(account)
    return here.simulator.add_functions(name, number, ncaId=account)


def _key(here: Environment, namespace: str, account: str) -> None:
    """Make a key of the account, named like the namespace, and the namespace with it."""
    token = f"nvapi-bench-{namespace}"
    here.simulator.add_key(namespace, token, ncaId=account)
    here.plane.kubectl("create", "namespace", namespace)
    Namespace(here.plane, namespace).secret(token)


async def _create(cluster: Cluster, functions: list[tuple[str, str]]) -> None:
    async def one(item: tuple[int, tuple[str, str]]) -> None:
        await cluster.create(manifest(f"r{item[0]}", *item[1]))

    await each(enumerate(functions), one)
