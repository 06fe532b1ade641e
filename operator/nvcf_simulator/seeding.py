"""Deployments that are there from the start."""

import json

from nvcf_simulator.bodies.deployment import read_post
from nvcf_simulator.entries import FunctionEntry
from nvcf_simulator.model.clock import milliseconds
from nvcf_simulator.model.entities import Deployment, Function, random_id
from nvcf_simulator.problems import ProblemError
from nvcf_simulator.scenario import Scenario, ScenarioError
from nvcf_simulator.service import Service


def deploy_at_start(service: Service, scenario: Scenario) -> None:
    """Deploy the functions that a scenario shows deployed. Raises `ScenarioError`."""
    functions = iter(service.world.state.functions.values())
    for entry in scenario.functions:
        for _ in range(entry.count or 1):
            try:
                deploy_entry(service, next(functions), entry)
            except ProblemError as problem:
                raise ScenarioError(f"function {entry.name!r}: deploymentSpecifications: {problem.detail}") from None


def deploy_entry(service: Service, function: Function, entry: FunctionEntry) -> None:
    """Deploy a function as its entry says, its instances running from now on. Raises `ProblemError`."""
    if entry.deployment_specifications is None:
        return
    body = json.dumps({"deploymentSpecifications": entry.deployment_specifications}).encode()
    specifications = read_post(body, service.world.behaviour)
    service.availability.check(function, specifications)
    world = service.world
    now = milliseconds(world.clock.now())
    row = Deployment(random_id(), function.id, function.version_id, function.nca_id, now, now, specifications)
    world.put_row(row)
    for specification in specifications:
        service.allocator.ask(function, row.id, specification, specification.min_instances)
    for instance in world.instances_of(row.id):
        instance.ready_at = now
    world.set_status(function, "ACTIVE")
