"""What holds of every manifest and every deployment, against a small model of the server."""

from itertools import permutations
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.diff.changes import Unsupported, expected_after, next_change, raises_minimum
from nvcf_operator.core.diff.compare import cheapest, compare, create_body
from nvcf_operator.core.model.decision import Patch, Put
from tests.support.examples import examples
from tests.unit.core.specification_samples import Server, wanted

patient = settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a loaded machine too, the examples count and not their time."""

# Few values, so that specifications are often equal, nearly equal, or equal in another spelling.
names = st.lists(st.sampled_from(["a", "b", "", " "]), max_size=3)
durations = st.sampled_from(["PT10M", "PT600S", "PT9M45S", "PT30M"])
details = st.fixed_dictionaries(
    {"threshold": st.sampled_from([0, 20, 75.5, 100])},
    optional={
        "metric": st.sampled_from(["cpu", "gpu"]),
        "stickiness": st.fixed_dictionaries(
            {"size": durations, "threshold": st.sampled_from(["PT1M", "PT60S", "PT5S"])}
        ),
    },
)


def direction(factors: st.SearchStrategy[float]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda rest, factor: {**rest, "factor": factor}, details, factors)


scaling = st.fixed_dictionaries(
    {},
    optional={
        "scaleUpDetails": direction(st.floats(1.001, 100)),
        "scaleDownDetails": direction(st.floats(0.001, 0.999)),
    },
)
charts = st.dictionaries(
    st.sampled_from("ab"),
    st.recursive(st.sampled_from([None, True, False, 0, 1, 1.5, "1"]), lambda inner: st.lists(inner, max_size=2)),
    max_size=2,
)
immutable = {
    "backend": st.sampled_from(["", "NCP", "ncp"]),
    "regions": names,
    "attributes": names,
    "availabilityZones": names,
    "preferredOrder": st.integers(1, 2),
    "configuration": charts,
    "helmValidationPolicy": st.sampled_from([{"name": "Default"}, {"name": "Unrestricted"}]),
}
mutable = {
    "maxRequestConcurrency": st.integers(1, 3),
    "autoscalingConfiguration": scaling,
    "autoscalingConfigurationPolicy": st.sampled_from(["CUSTOM_CONFIGURATION", "PLATFORM_CONFIGURATION"]),
}


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, int]:
    least = draw(st.integers(0, 2))
    return {"minInstances": least, "maxInstances": draw(st.integers(max(1, least), 3))}


def resized(base: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """The same specifications with other values where a call can change them."""
    return st.builds(
        lambda *parts: _allowed({k: v for part in parts for k, v in part.items()}), base, numbers(), changed
    )


changed = st.fixed_dictionaries({}, optional=mutable)
kinds = st.fixed_dictionaries({"gpu": st.sampled_from(["L40S", "l40s", "A100"])}, optional=immutable)
specifications = resized(kinds).map(lambda fields: wanted(**fields))
manifests = st.lists(specifications, min_size=1, max_size=5)


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[DeploymentSpecification], list[DeploymentSpecification]]:
    """A manifest before and after an edit of what can change in place, its specifications in another order too."""
    bases = draw(st.lists(kinds, min_size=1, max_size=4))
    before = [wanted(**draw(resized(st.just(base)))) for base in bases]
    after = [wanted(**draw(resized(st.just(base)))) for base in bases]
    return before, draw(st.permutations(after))


def deployed(manifest: list[DeploymentSpecification]) -> Server:
    return Server([item.to_request() for item in create_body(manifest)])


@patient
@given(manifests, st.data())
def test_what_was_just_posted_is_in_force_in_whatever_order_it_comes_back(
    manifest: list[DeploymentSpecification], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(manifest))))
    comparison = compare(manifest, deployed(manifest).shown(order))
    assert comparison.in_force, comparison.describe()
    assert next_change(comparison, patch_supported=True) is None


@patient
@given(edits(), st.data())
def test_calls_one_after_the_other_reach_the_manifest_and_then_stop(
    edit: tuple[list[DeploymentSpecification], list[DeploymentSpecification]], data: st.DataObject
) -> None:
    before, after = edit
    server = deployed(before)
    calls: list[Patch | Put] = []
    while True:
        shown = server.shown(data.draw(st.permutations(range(len(before)))))
        comparison = compare(after, shown)
        assert not comparison.immutable, comparison.describe()
        change = next_change(comparison, patch_supported=True)
        if change is None:
            break
        assert not isinstance(change, Unsupported)
        calls.append(change)
        server.take(change)
        mine, theirs = compare(after, expected_after(change, shown)), compare(after, server.shown())
        assert len(mine.differences) == len(theirs.differences), "what is expected is what the server then shows"
        assert len(theirs.differences) < len(comparison.differences), f"no nearer after {change.describe()}"
        assert raises_minimum(change, shown) == any(
            b.min_instances > a.min_instances for a, b in zip(_by_id(shown), _by_id(server.shown()), strict=True)
        )
    assert comparison.in_force, comparison.describe()
    assert len(calls) <= 1 + len(after), "one PUT and one PATCH of each at most"
    assert [isinstance(item, Put) for item in calls] == sorted((isinstance(x, Put) for x in calls), reverse=True)


@patient
@given(edits())
def test_without_patch_one_put_does_all_but_autoscaling(
    edit: tuple[list[DeploymentSpecification], list[DeploymentSpecification]],
) -> None:
    before, after = edit
    server = deployed(before)
    change = next_change(compare(after, server.shown()), patch_supported=False)
    if isinstance(change, Put):
        server.take(change)
        change = next_change(compare(after, server.shown()), patch_supported=False)
    assert change in (None, Unsupported(("autoscalingConfiguration",)))


@patient
@given(manifests, manifests, st.data())
def test_comparing_is_total_and_the_order_on_either_side_changes_no_count(
    manifest: list[DeploymentSpecification], other: list[DeploymentSpecification], data: st.DataObject
) -> None:
    server = deployed(other)
    comparison = compare(manifest, server.shown())
    shuffled = compare(
        data.draw(st.permutations(manifest)), server.shown(data.draw(st.permutations(range(len(other)))))
    )
    assert len(shuffled.differences) == len(comparison.differences)
    assert len(shuffled.immutable) == len(comparison.immutable)
    assert compare(manifest, server.shown(data.draw(st.permutations(range(len(other)))))).describe() == (
        comparison.describe()
    )
    assert len(comparison.describe()) <= 600
    if comparison.immutable:
        assert next_change(comparison, patch_supported=True) is None


@patient
@given(manifests, st.data())
def test_case_blanks_and_duplicates_are_never_a_difference(
    manifest: list[DeploymentSpecification], data: st.DataObject
) -> None:
    noisy = [_noisy(item, data.draw) for item in manifest]
    comparison = compare(noisy, deployed(manifest).shown())
    assert comparison.in_force, comparison.describe()


@patient
@given(manifests, st.data())
def test_a_field_left_out_is_never_a_difference(manifest: list[DeploymentSpecification], data: st.DataObject) -> None:
    required = {"gpu", "minInstances", "maxInstances"}
    fewer = []
    for item in manifest:
        fields = item.to_dict()
        gone = data.draw(st.sets(st.sampled_from(sorted(set(fields) - required))))
        fewer.append(DeploymentSpecification.model_validate({k: v for k, v in fields.items() if k not in gone}))
    comparison = compare(fewer, deployed(manifest).shown())
    assert comparison.in_force, comparison.describe()


@patient
@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(st.integers(0, 20_000), min_size=n, max_size=n), min_size=n, max_size=n)
    )
)
def test_no_assignment_is_cheaper_than_the_one_that_is_chosen(cost: list[list[int]]) -> None:
    chosen = cheapest(cost)
    assert sorted(chosen) == list(range(len(cost)))
    least = min(sum(cost[r][c] for r, c in enumerate(order)) for order in permutations(range(len(cost))))
    assert sum(cost[row][column] for row, column in enumerate(chosen)) == least


def _allowed(fields: dict[str, Any]) -> dict[str, Any]:
    """Without the pair of fields that the CRD refuses."""
    if fields.get("autoscalingConfigurationPolicy") == "PLATFORM_CONFIGURATION":
        fields.pop("autoscalingConfiguration", None)
    return fields


def _by_id(specifications: Any) -> list[Any]:
    return sorted(specifications, key=lambda item: item.gpu_specification_id)


def _noisy(item: DeploymentSpecification, draw: Any) -> DeploymentSpecification:
    fields = item.to_dict()
    for name in ("gpu", "instanceType", "backend"):
        if name in fields:
            fields[name] = draw(st.sampled_from([fields[name].lower(), fields[name].upper(), fields[name].swapcase()]))
    for name in ("clusters", "regions", "attributes", "availabilityZones"):
        if name in fields:
            members = [*fields[name], *fields[name], "", " "]
            fields[name] = draw(st.permutations(members))
    return DeploymentSpecification.model_validate(fields)
