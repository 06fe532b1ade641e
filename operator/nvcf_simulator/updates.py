"""In-place changes of GPU specifications by PUT and PATCH. All functions raise `ProblemError`."""

from copy import deepcopy

from nvcf_simulator.bodies.deployment import Patch, Update
from nvcf_simulator.model.entities import Deployment, Function, GpuSpecification
from nvcf_simulator.problems import bad_request


def apply_updates(row: Deployment, function: Function, updates: list[Update], *, old: bool) -> bool:
    """Apply a PUT to all specifications of a row; return whether it counts as a change."""
    wrong = f"{function.label}: the specifications must be those of the deployment"
    if len(row.specifications) != len(updates):
        raise bad_request(wrong)
    if not old and len(updates) > 1 and any(update.specification_id is None for update in updates):
        raise bad_request(
            f"{function.label}: several specifications must be named by gpuSpecificationId, or be changed by PATCH"
        )
    changed, left = False, list(row.specifications)
    for update in updates:
        match = next((s for s in left if (_alike if old else _named_by)(s, update)), None)
        if match is None:
            raise bad_request(wrong)
        if old:
            left.remove(match)
        changed |= _apply_one(match, update, function)
    return changed


def _named_by(specification: GpuSpecification, update: Update) -> bool:
    return update.specification_id in (None, specification.id)


def _alike(specification: GpuSpecification, update: Update) -> bool:
    """Whether an update is for a specification in the old generation, which has no ids."""
    return (
        specification.gpu.lower() == update.gpu.lower()
        and specification.options.get("backend", "").lower() == update.backend.lower()
    )


def _apply_one(specification: GpuSpecification, update: Update, function: Function) -> bool:
    backend = specification.options.get("backend", "")
    if update.backend != backend:
        raise bad_request(f"{function.label}: backend '{update.backend}' is not the deployment's '{backend}'")
    clusters = set(specification.options.get("clusters", ()))
    if update.clusters != clusters:
        raise bad_request(
            f"{function.label}: clusters {sorted(update.clusters)} are not the deployment's {sorted(clusters)}"
        )
    before = (specification.min_instances, specification.max_instances, specification.max_request_concurrency)
    specification.min_instances, specification.max_instances = update.min_instances, update.max_instances
    if update.max_request_concurrency is not None:
        specification.max_request_concurrency = update.max_request_concurrency
    # A PUT without concurrency always counts as a change: the server compares with null.
    return before != (update.min_instances, update.max_instances, update.max_request_concurrency)


def apply_patch(specification: GpuSpecification, patch: Patch) -> bool:
    """Apply a PATCH to one specification; return whether anything changed."""
    before = deepcopy(specification)
    if patch.min_instances is not None:
        specification.min_instances = patch.min_instances
    if patch.max_instances is not None:
        specification.max_instances = patch.max_instances
    if specification.min_instances > specification.max_instances:
        raise bad_request(
            f"Invalid request: minInstances '{specification.min_instances}' must not exceed "
            f"maxInstances '{specification.max_instances}'"
        )
    if patch.policy == "PLATFORM_CONFIGURATION":
        specification.options.pop("autoscalingConfiguration", None)
    elif patch.autoscaling is not None:
        specification.options["autoscalingConfiguration"] = patch.autoscaling
    return specification != before
