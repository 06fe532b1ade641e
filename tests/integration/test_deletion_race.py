"""A resource that is deleted in the very moment in which it gets its finalizer.

The API server may then drop the resource although the patch with the finalizer was answered by 200.
"""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from controlplane import ControlPlane
from operating import Operator, Team, eventually, manifest
from operating.direct import Direct, resource_path

RESOURCES = 120
AT_ONCE = 8
LATEST = 0.08
"""Seconds after its creation within which a resource is deleted: the time that its first look at NVCF takes."""


def test_no_deployment_is_left_without_its_resource(
    team: Team, control_plane: ControlPlane, operator: Operator
) -> None:
    namespace, simulator, direct = team.namespace, team.simulator, Direct(control_plane)
    functions = simulator.add_functions(namespace.name, RESOURCES)
    moments = random.Random(1)

    def live(number: int, pause: float) -> None:
        name = f"f{number}"
        direct.create(resource_path(namespace.name), manifest(name, *functions[number]))
        time.sleep(pause)  # the race itself: no condition tells of the moment before a write
        direct.delete(resource_path(namespace.name, name))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(live, range(RESOURCES), [moments.uniform(0.0, LATEST) for _ in range(RESOURCES)]))
    eventually(
        lambda: (direct.get(resource_path(namespace.name)) or {}).get("items"),
        lambda left: left == [],
        within=120,
        what="all resources are gone",
    )
    mine = {version for _, version in functions}
    eventually(
        lambda: sorted(mine & set(simulator.deployments())),
        lambda left: left == [],
        within=30,
        what="nothing is deployed without a resource",
    )
    direct.close()
