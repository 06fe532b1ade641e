"""What a plan changes, field by field, and the instances that it orders."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from nvcf_client.models import GpuSpecification
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.commands.plan.loop.channel import HIDDEN
from nvcf_operator.commands.plan.model import NOTHING, Action, Amount, FieldChange, Orders
from nvcf_operator.core.diff import compare
from nvcf_operator.core.functions.model.decision import (
    DeleteVersion,
    FunctionAction,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.mark import PREFIX
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.decision import Action as DeploymentAction
from nvcf_operator.core.model.decision import Create, Undeploy
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Absent, Listed, Present
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.model.versions import former_version, recorded_as_ours

SPECIFICATIONS = "deploymentSpecifications"

GpuCount = Callable[[str, str | None], int | None]
"""GPUs of one instance, by GPU and instance type; None where that is not known."""


def of_deployment(situation: Situation, action: DeploymentAction | None, did: Action) -> tuple[FieldChange, ...]:
    """What a write about a deployment changes, up to where the manifest is in force."""
    resource, spec = situation.resource, situation.resource.spec
    if isinstance(action, Undeploy) and did == Action.UNDEPLOY:
        found = _deployed(situation, action.function_version_id)
        return (FieldChange("functionVersionId", action.function_version_id, None), *_removed(found or ()))
    if spec is None:
        return ()
    version, before = resource.wanted_version, former_version(resource)
    shown = _deployed(situation, before or version)
    changes: list[FieldChange] = []
    if before is not None and did in (Action.ROLLOUT, Action.REDEPLOY):
        changes.append(FieldChange("functionVersionId", before, version))
    elif isinstance(action, Create):
        changes.append(FieldChange("functionVersionId", None, version))
    if shown is None:
        return (*changes, *_added(compare.create_body(spec.deployment_specifications)))
    return (*changes, *_differences(spec.deployment_specifications, shown))


def of_refusal(situation: Situation) -> tuple[FieldChange, ...]:
    """What the manifest has otherwise than the deployment, where nothing is written."""
    resource, spec = situation.resource, situation.resource.spec
    shown = _deployed(situation, resource.wanted_version)
    if spec is None or shown is None:
        return ()
    return tuple(_differences(spec.deployment_specifications, shown))


def _differences(wanted: Sequence[DeploymentSpecification], shown: Sequence[GpuSpecification]) -> Iterator[FieldChange]:
    for item in compare.compare(wanted, shown).differences:
        path = SPECIFICATIONS if item.index is None else f"{SPECIFICATIONS}[{item.index}].{item.field}"
        yield FieldChange(path, item.found, item.wanted)


def _deployed(situation: Situation, version: str) -> Sequence[GpuSpecification] | None:
    seen = situation.observation(version)
    return seen.deployment.deployment_specifications if isinstance(seen, Present) else None


def _added(specifications: Iterable[GpuSpecification]) -> Iterator[FieldChange]:
    for index, item in enumerate(specifications):
        for name, value in item.to_json().items():
            yield FieldChange(f"{SPECIFICATIONS}[{index}].{name}", None, value)


def _removed(specifications: Iterable[GpuSpecification]) -> Iterator[FieldChange]:
    for item in _added(specifications):
        yield FieldChange(item.path, item.after, None)


def of_function(
    situation: FunctionSituation, action: FunctionAction | None, before: Mapping[str, Any] | None
) -> tuple[FieldChange, ...]:
    """What a write about a function changes.

    Args:
        situation: what is known.
        action: the write.
        before: the spec in the cluster, if there is one.

    """
    resource, spec = situation.resource, situation.resource.spec
    if isinstance(action, DeleteVersion):
        return (FieldChange("functionVersionId", action.version_id, None),)
    if spec is None:
        return ()
    if isinstance(action, Register):
        wanted, known = spec.template.to_dict(), (before or {}).get("template") or {}
        changes = [FieldChange("functionName", None, resource.function_name)] if action.function_id is None else []
        return (*changes, *_differing("template", known, wanted))
    if isinstance(action, UpdateVersion):
        return tuple(_in_place(situation, action))
    if isinstance(action, RemoveRateLimit):
        return (FieldChange("rateLimit", _rate_limit_of(situation, action.version_id), None),)
    if isinstance(action, SendSecrets):
        return tuple(FieldChange(f"secrets[{name}]", HIDDEN, HIDDEN) for name in sorted(action.names))
    return ()


def _in_place(situation: FunctionSituation, action: UpdateVersion) -> Iterator[FieldChange]:
    spec = situation.resource.spec
    seen = next((item for item in situation.shown if item.version_id == action.version_id), None)
    if action.tags is not None:
        before, after = (_without_mark(tags) for tags in (seen.tags if seen is not None else (), action.tags))
        if before != after:
            yield FieldChange("tags", before, after)
    if action.rate_limit and spec is not None and spec.rate_limit is not None:
        yield FieldChange("rateLimit", _rate_limit_of(situation, action.version_id), spec.rate_limit.to_dict())


def _rate_limit_of(situation: FunctionSituation, version: str) -> str | None:
    return next((item.rate_limit for item in situation.shown if item.version_id == version), None)


def _without_mark(tags: Iterable[str]) -> list[str]:
    return sorted(tag for tag in tags if not tag.startswith(PREFIX))


def _differing(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    """Each leaf that differs between two values of plain JSON; a list is one leaf."""
    if before == after:
        return
    if not isinstance(after, Mapping) or not isinstance(before, Mapping):
        yield FieldChange(path, before, after)
        return
    for name in [*after, *(name for name in before if name not in after)]:
        yield from _differing(f"{path}.{name}", before.get(name), after.get(name))


def orders(situation: Situation, after: AnyResource | None, did: Action, gpus: GpuCount) -> Orders:
    """What a FunctionDeployment orders: by what is deployed, while the plan is carried out, and after it.

    Args:
        situation: what is known.
        after: the resource as it is by then, with what it has taken over.
        did: the word for what is done.
        gpus: GPUs of one instance.

    """
    spec, resource = situation.resource.spec, situation.resource
    now = _sum(_held(situation, after if isinstance(after, Resource) else resource), gpus)
    if did in (Action.REFUSE, Action.CONFLICT, Action.NOT_FOUND, Action.ERROR, Action.WAIT):
        return Orders(now, now, now)
    if did == Action.UNDEPLOY or spec is None:
        gone = situation.resource.deleting or spec is None
        return Orders(now, now, NOTHING if gone else _wanted(situation, gpus))
    if did == Action.ADOPT or (did == Action.UNCHANGED and not resource.observes):
        found = _deployed(situation, resource.wanted_version)
        now = _sum(_rows(found), gpus) if did == Action.ADOPT and found is not None else now
        return Orders(now, now, now)
    if did == Action.UNCHANGED:
        return Orders(now, now, now)
    then = _wanted(situation, gpus)
    during = now + then if did == Action.ROLLOUT else _most(now, then)
    return Orders(now, during, then)


Ordered = tuple[str, str | None, int, int]
"""GPU, instance type, fewest and most instances."""


def _rows(specifications: Iterable[GpuSpecification]) -> Iterator[Ordered]:
    for item in specifications:
        yield item.gpu, item.instance_type, item.min_instances, item.max_instances


def _held(situation: Situation, resource: Resource) -> list[Ordered]:
    """What is deployed of this resource, as far as it was seen or is on record."""
    found = list[Ordered]()
    for version, seen in situation.observations.items():
        if isinstance(seen, Absent) or not recorded_as_ours(resource, version):
            continue
        if isinstance(seen, Present):
            found += _rows(seen.deployment.deployment_specifications)
        elif isinstance(seen, Listed) or version == resource.status.function_version_id:
            known = resource.status.gpu_specifications
            found += [(x.gpu or "", x.instance_type, x.min_instances or 0, x.max_instances or 0) for x in known]
    return found


def _wanted(situation: Situation, gpus: GpuCount) -> Amount:
    spec = situation.resource.spec
    return _sum(_rows(compare.create_body(spec.deployment_specifications)), gpus) if spec is not None else NOTHING


def _sum(rows: Iterable[Ordered], gpus: GpuCount) -> Amount:
    total = NOTHING
    for gpu, instance_type, least, most in rows:
        each = gpus(gpu, instance_type)
        total += Amount(least, most, *(None if each is None else each * count for count in (least, most)))
    return total


def _most(one: Amount, other: Amount) -> Amount:
    def larger(left: int | None, right: int | None) -> int | None:
        return None if left is None or right is None else max(left, right)

    return Amount(
        max(one.min_instances, other.min_instances),
        max(one.max_instances, other.max_instances),
        larger(one.min_gpus, other.min_gpus),
        larger(one.max_gpus, other.max_gpus),
    )
