"""Changes in place: the one call that brings a deployment nearest to its manifest.

Ids come from the deployment that was just read, never from status. `maxRequestConcurrency` changes by PUT only, and a
PUT carries minimum and maximum too; autoscaling changes by PATCH only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nvcf_client.models import AutoscalingConfiguration, GpuSpecification
from nvcf_operator.core.diff.compare import Comparison, Difference, Pair
from nvcf_operator.core.diff.fields import PLATFORM, How
from nvcf_operator.core.model.decision import FIELDS_OF_PATCH, Patch, Put

NUMBERS = ("minInstances", "maxInstances")
FIELDS_OF_PUT = ("min_instances", "max_instances", "max_request_concurrency")
"""What the calls change, as `GpuSpecification` has it."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Fields that this server has no call for that changes them in place."""

    fields: tuple[str, ...]


def next_change(
    comparison: Comparison, *, patch_supported: bool, put_supported: bool = True
) -> Patch | Put | Unsupported | None:
    """The next call; None when nothing is left that a call can change.

    While something immutable differs, that is None too: until a redeployment has mended that, nothing is touched. A PUT
    comes first where it is needed, for it carries the numbers of all specifications at once; then one specification
    after the other is patched. Without PUT, what only that changes counts as immutable.
    """
    comparison = comparison if put_supported else comparison.without_put()
    wrong = comparison.differences
    if not wrong or comparison.immutable:
        return None
    numbers = tuple(item for item in wrong if item.field in NUMBERS)
    can_patch = patch_supported and all(pair.found.gpu_specification_id for pair in comparison.pairs)
    if any(item.how == How.PUT for item in wrong) or (numbers and not can_patch and put_supported):
        return Put(tuple(_put(pair) for pair in comparison.pairs))
    if not can_patch:
        return Unsupported(tuple(sorted({item.field for item in wrong})))
    pair = next(pair for pair in comparison.pairs if comparison.of(pair.index))
    return _patch(pair, comparison.of(pair.index))


def expected_after(change: Patch | Put, found: Sequence[GpuSpecification]) -> tuple[GpuSpecification, ...]:
    """The specifications after a change that the server took, in the order in which they were found."""
    if isinstance(change, Patch):
        return tuple(_patched(change, item) for item in found)
    left = list(change.specifications)
    return tuple(_taken(left, item) for item in found)


def raises_minimum(change: Patch | Put, found: Sequence[GpuSpecification]) -> bool:
    """Whether the change wants more instances running than before, so that new ones have to start."""
    return any(
        after.min_instances > before.min_instances
        for before, after in zip(found, expected_after(change, found), strict=True)
    )


def _patch(pair: Pair, wrong: tuple[Difference, ...]) -> Patch:
    names = {item.field for item in wrong}
    numbers = names & set(NUMBERS)
    scaling, policy = None, None
    if "autoscalingConfiguration" in names:
        if pair.wanted.autoscaling_configuration_policy == PLATFORM:
            policy = PLATFORM
        else:
            assert pair.wanted.autoscaling_configuration is not None, "it differs, so the manifest has it"
            shown = pair.found.autoscaling_configuration
            wanted = pair.wanted.autoscaling_configuration.to_dict()
            # The server replaces the whole object: what the manifest leaves out is repeated as it is.
            merged = _overlaid(shown.to_json() if shown is not None else {}, wanted)
            scaling = AutoscalingConfiguration.model_validate(merged)
    return Patch(
        gpu_specification_id=pair.found.gpu_specification_id or "",
        gpu=pair.found.gpu,
        min_instances=pair.wanted.min_instances if numbers else None,
        max_instances=pair.wanted.max_instances if numbers else None,
        autoscaling_configuration=scaling,
        autoscaling_configuration_policy=policy,
    )


def _put(pair: Pair) -> GpuSpecification:
    wanted, found = pair.wanted, pair.found
    # Left out, the server would keep its own, but count even a call that changes nothing as an update.
    concurrency = wanted.max_request_concurrency or found.max_request_concurrency
    return found.model_copy(
        update={
            "min_instances": wanted.min_instances,
            "max_instances": wanted.max_instances,
            "max_request_concurrency": concurrency,
        }
    )


def _patched(change: Patch, found: GpuSpecification) -> GpuSpecification:
    if found.gpu_specification_id != change.gpu_specification_id:
        return found
    update: dict[str, Any] = {name: value for name, value in change.arguments().items() if name in FIELDS_OF_PATCH}
    if change.autoscaling_configuration_policy == PLATFORM:
        update["autoscaling_configuration"] = None
    return found.model_copy(update=update)


def _taken(left: list[GpuSpecification], found: GpuSpecification) -> GpuSpecification:
    """Take out of `left` the one that stands for `found`: equal in all that a PUT does not change, the id too."""
    for position, item in enumerate(left):
        if _fixed(item) == _fixed(found):
            return left.pop(position)
    return found


def _fixed(specification: GpuSpecification) -> dict[str, Any]:
    return specification.model_dump(exclude=set(FIELDS_OF_PUT))


def _overlaid(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in wanted.items():
        before = merged.get(name)
        merged[name] = _overlaid(before, value) if isinstance(value, Mapping) and isinstance(before, Mapping) else value
    return merged
