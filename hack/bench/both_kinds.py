"""`python -m hack.bench.both_kinds`: CloudFunctions beside FunctionDeployments, of which half follow them.

The same number of FunctionDeployments is measured alone first, so that each figure has its comparison beside it.
"""

import argparse
import sys
import time
from collections import Counter
from typing import Any

from hack.bench.environment import Environment, running_environment
from hack.bench.load import Cluster, each, run
from hack.bench.printing import figure, machine, progress
from hack.bench.settings import FLEET, OPERATOR
from hack.bench.waiting import PAUSE, RESTART_PAUSE, reached
from hack.controlplane import writes_by_kind
from nvcf_operator.api.names import API_VERSION, CLOUD_FUNCTION
from tests.support.cluster import follower, manifest
from tests.support.process import Operator
from tests.support.waiting import eventually

NAMESPACE = "fleet"
READY = {"condition": "Ready", "status": "True"}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m hack.bench.both_kinds", description=__doc__)
    parser.add_argument("--resources", type=int, default=1000, help="of each kind")
    parser.add_argument("--steady", type=float, default=120.0, help="seconds at rest that are measured")
    arguments = parser.parse_args()
    progress(f"{arguments.resources} resources of each kind; {machine()}")
    for both in (False, True):
        progress("both kinds" if both else "FunctionDeployments alone")
        with running_environment(arguments.resources) as here:
            here.namespace(NAMESPACE)
            with Operator.start(here.identity, here.simulator.url, here.log, fresh=True, **FLEET) as operator:
                grown(here, operator, both=both)
                at_rest(here, operator, arguments.steady)
            restarted(here, both=both)
    return 0


def number_of(here: Environment, *, both: bool) -> int:
    """How many resources there are."""
    return 2 * here.number if both else here.number


def grown(here: Environment, operator: Operator, *, both: bool) -> None:
    """Apply all manifests, and wait until all are Ready."""
    offset, cursor, started = here.plane.audit_log.stat().st_size, here.simulator.cursor, time.monotonic()
    manifests = list(manifests_of(here, both=both))
    run(here.plane.kubeconfig, NAMESPACE, lambda cluster: _create(cluster, manifests))
    eventually(
        lambda: (
            operator.metric("nvcf_operator_resources", **READY)
            + operator.metric("nvcf_operator_cloudfunctions", **READY)
        ),
        lambda number: number >= len(manifests),
        within=1200,
        what=f"{len(manifests)} resources are Ready",
        rest=lambda: time.sleep(PAUSE),
    )
    figure("applied to all Ready", f"{time.monotonic() - started:.1f} s")
    calls = Counter(entry["operation"] for entry in here.simulator.log(cursor))
    registered = here.number if both else 0
    frugal = calls["createFunction"] == registered and calls["createDeployment"] == here.number
    figure("NVCF calls", dict(calls), budget="1 POST each, and shared lists", met=frugal)
    writes = writes_by_kind(here.plane.audit_log, user=OPERATOR, offset=offset)
    figure("Kubernetes writes", {" ".join(kind): count for kind, count in writes.items()})
    figure("peak memory", f"{operator.peak_memory():.0f} MB")


def at_rest(here: Environment, operator: Operator, seconds: float) -> None:
    """Measure while nothing happens."""
    eventually(
        lambda: sum(_writes(here, offset=here.plane.audit_log.stat().st_size, pause=5.0).values()),
        lambda written: written == 0,
        within=300,
        what="nothing is written any more",
    )
    offset, cursor, cpu = here.plane.audit_log.stat().st_size, here.simulator.cursor, operator.cpu_seconds()
    progress(f"measuring {seconds:.0f} s at rest ...")
    time.sleep(seconds)
    calls = Counter(entry["operation"] for entry in here.simulator.log(cursor))
    polled = calls["listFunctions"] <= seconds / FLEET["poll_interval"] + 1
    figure("NVCF calls at rest", dict(calls), budget="1 poll a minute for both kinds", met=polled)
    writes = writes_by_kind(here.plane.audit_log, user=OPERATOR, offset=offset)
    figure("Kubernetes writes at rest", sum(writes.values()), budget="none", met=not writes)
    changed = [entry["operation"] for entry in here.simulator.log(cursor) if entry["mutating"]]
    figure("NVCF writes at rest", len(changed), budget="none", met=not changed)
    figure("CPU at rest", f"{100 * (operator.cpu_seconds() - cpu) / seconds:.2f} % of a core")
    figure("memory at rest", f"{operator.memory():.0f} MB")


def restarted(here: Environment, *, both: bool) -> None:
    """Start the operator again over all of them."""
    offset, cursor, started = here.plane.audit_log.stat().st_size, here.simulator.cursor, time.monotonic()
    with Operator.start(here.identity, here.simulator.url, here.log, fresh=True, **FLEET) as operator:
        wanted, what = number_of(here, both=both), "resources reconciled"
        reached(operator, "nvcf_operator_reconciles_total", wanted, within=300, what=what, pause=RESTART_PAUSE)
        figure("restart, all reconciled", f"{time.monotonic() - started:.1f} s")
        mutating = [entry for entry in here.simulator.log(cursor) if entry["mutating"]]
        number = len(mutating) + sum(writes_by_kind(here.plane.audit_log, user=OPERATOR, offset=offset).values())
        figure("writes after the restart", number, budget="none", met=number == 0)
        figure("memory after the restart", f"{operator.memory():.0f} MB")


def manifests_of(here: Environment, *, both: bool) -> list[dict[str, Any]]:
    """FunctionDeployments by ids; with both kinds, half of them follow CloudFunctions, and as many again have none."""
    by_ids = [manifest(f"r{place}", *ids) for place, ids in enumerate(here.functions)]
    if not both:
        return by_ids
    functions = [function_manifest(place) for place in range(here.number)]
    half = here.number // 2
    following = [follower(f"r{place}", {"name": f"f{place}"}) for place in range(half)]
    return [*functions, *following, *by_ids[half:]]


def function_manifest(place: int) -> dict[str, Any]:
    """A CloudFunction with tags, a rate limit and some environment."""
    environment = [{"key": f"LOG_LEVEL_{number}", "value": "größe & <co>"} for number in range(5)]
    template = {
        "inferenceUrl": "/v1/chat",
        "inferencePort": 8000,
        "containerImage": f"nvcr.io/org/llama:{place}",
        "containerEnvironment": environment,
    }
    spec = {
        "name": f"registered-{place}",
        "template": template,
        "tags": ["bench", f"n={place}"],
        "rateLimit": {"rateLimit": "100-M"},
        "deletionPolicy": "Retain",
    }
    return {"apiVersion": API_VERSION, "kind": CLOUD_FUNCTION.name, "metadata": {"name": f"f{place}"}, "spec": spec}


def _writes(here: Environment, *, offset: int, pause: float) -> Counter[Any]:
    time.sleep(pause)
    return Counter(writes_by_kind(here.plane.audit_log, user=OPERATOR, offset=offset))


async def _create(cluster: Cluster, manifests: list[dict[str, Any]]) -> None:
    await each(manifests, cluster.create)


if __name__ == "__main__":
    sys.exit(main())
