"""When a manifest asks for another version, and when it only says the same in other words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticUndefined

from nvcf_client.models import FunctionDetails
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.api.function_template import Template
from nvcf_operator.core.functions.model.identity import (
    MODEL_SERVER,
    UNREADABLE,
    meaning_of_template,
    meaning_of_version,
    template_hash,
)
from tests.support.examples import examples
from tests.unit.core.functions.templates import CHART, IMAGE, MODELS, SMALL, UID, WHOLE, Fields, manifest, version

GOLDEN = json.loads((Path(__file__).parent / "golden_hashes.json").read_text())
DEFAULT_HEALTH = {
    "protocol": "HTTP",
    "uri": "/v2/health/ready",
    "port": 8000,
    "timeout": "PT10S",
    "expectedStatusCode": 200,
}
quick = settings(max_examples=examples(60), deadline=None)


@pytest.mark.parametrize("entry", GOLDEN, ids=lambda entry: str(entry["case"]))
def test_no_upgrade_changes_a_hash(entry: dict[str, Any]) -> None:
    spec = CloudFunctionSpec.model_validate(entry["spec"])
    assert template_hash(spec, entry.get("newVersion")) == entry["hash"]


def test_no_field_of_the_template_has_a_default_which_would_enter_every_hash() -> None:
    assert [
        name for name, field in Template.model_fields.items() if field.get_default() not in (None, PydanticUndefined)
    ] == []


SAME_IN_OTHER_WORDS: tuple[tuple[str, Fields, Fields], ...] = (
    ("models in another order", WHOLE, {**WHOLE, "models": WHOLE["models"][::-1]}),
    ("resources in another order", WHOLE, {**WHOLE, "resources": WHOLE["resources"][::-1]}),
    ("fields in another order", WHOLE, dict(reversed(WHOLE.items()))),
    ("a duration by value", WHOLE, {**WHOLE, "health": {**WHOLE["health"], "timeout": "PT0M30.0S"}}),
    (
        "an id in lower case",
        WHOLE,
        {**WHOLE, "telemetries": {"logsTelemetryId": "0a1b2c3d-0000-4000-8000-000000000001"}},
    ),
)


@pytest.mark.parametrize(("case", "one", "other"), SAME_IN_OTHER_WORDS, ids=[case for case, *_ in SAME_IN_OTHER_WORDS])
def test_what_is_only_written_differently_has_the_same_hash(case: str, one: Fields, other: Fields) -> None:
    assert template_hash(manifest(one)) == template_hash(manifest(other)), case


DEFAULTS_WRITTEN_OUT: tuple[tuple[str, Fields, Fields], ...] = (
    ("functionType", SMALL, {"functionType": "DEFAULT"}),
    ("apiBodyFormat", SMALL, {"apiBodyFormat": "CUSTOM"}),
    ("health", SMALL, {"health": DEFAULT_HEALTH}),
    ("health at the port", {**SMALL, "inferencePort": 9000}, {"health": {**DEFAULT_HEALTH, "port": 9000}}),
    ("health of gRPC", CHART, {"health": {**DEFAULT_HEALTH, "protocol": "gRPC"}}),
    ("arguments of the model server", MODELS, {"containerArgs": MODEL_SERVER}),
)
each_default = pytest.mark.parametrize(
    ("case", "template", "written"), DEFAULTS_WRITTEN_OUT, ids=[case for case, *_ in DEFAULTS_WRITTEN_OUT]
)


@each_default
def test_a_default_that_is_written_out_needs_no_other_version(case: str, template: Fields, written: Fields) -> None:
    seen = meaning_of_version(version(template))
    assert meaning_of_template(manifest(template)) == seen, case
    assert meaning_of_template(manifest({**template, **written})) == seen, case
    assert meaning_of_version(version({**template, **written})) == seen, case


@each_default
def test_a_default_that_is_written_out_changes_the_hash(case: str, template: Fields, written: Fields) -> None:
    assert template_hash(manifest(template)) != template_hash(manifest({**template, **written})), case


@pytest.mark.parametrize("template", [SMALL, WHOLE, CHART, MODELS], ids=["small", "whole", "chart", "models"])
def test_a_version_means_what_its_manifest_meant(template: Fields) -> None:
    assert meaning_of_version(version(template)) == meaning_of_template(manifest(template))


OTHER_VALUES: tuple[tuple[str, Any], ...] = (
    ("functionType", "DEFAULT"),
    ("inferenceUrl", "/v2/chat"),
    ("inferencePort", 8002),
    ("health", {**WHOLE["health"], "port": 8002}),
    ("health", {**WHOLE["health"], "timeout": "PT31S"}),
    ("health", {**WHOLE["health"], "expectedStatusCode": 200}),
    ("containerImage", IMAGE[:-1] + "1"),
    ("containerArgs", "--tp 2 --name 'ä'"),
    ("containerEnvironment", WHOLE["containerEnvironment"][::-1]),
    ("models", [{**WHOLE["models"][0], "version": "1.1"}, WHOLE["models"][1]]),
    ("resources", WHOLE["resources"][:1]),
    ("apiBodyFormat", "CUSTOM"),
    ("telemetries", {"metricsTelemetryId": UID}),
)


@pytest.mark.parametrize(("field", "value"), OTHER_VALUES)
def test_another_value_is_another_version(field: str, value: Any) -> None:
    changed = manifest({**WHOLE, field: value})
    assert template_hash(changed) != template_hash(manifest(WHOLE))
    assert meaning_of_template(changed) != meaning_of_version(version(WHOLE))


@pytest.mark.parametrize("field", sorted(WHOLE.keys() - {"inferenceUrl"}))
def test_a_field_that_is_taken_out_makes_a_version_without_it(field: str) -> None:
    without = manifest({name: value for name, value in WHOLE.items() if name != field})
    assert template_hash(without) != template_hash(manifest(WHOLE))
    assert meaning_of_template(without) != meaning_of_version(version(WHOLE))


def test_what_stands_outside_of_the_template_makes_no_version() -> None:
    other = manifest(
        SMALL, description="Other", tags=["a"], revision="2", rateLimit={"rateLimit": "1-S"}, history={"limit": 0}
    )
    assert template_hash(other) == template_hash(manifest(SMALL))
    assert meaning_of_template(other) == meaning_of_template(manifest(SMALL))


def test_the_names_of_secrets_are_part_of_the_template_and_their_sources_are_not() -> None:
    def with_secrets(*names: str, key: str = "k") -> CloudFunctionSpec:
        secrets = [{"name": name, "secretRef": {"name": "s", "key": key}} for name in names]
        return manifest(SMALL, secrets=secrets)

    assert template_hash(with_secrets("A", "B")) == template_hash(with_secrets("B", "A", key="other"))
    assert template_hash(with_secrets("A")) != template_hash(with_secrets("A", "B"))
    assert template_hash(with_secrets("A")) != template_hash(manifest(SMALL))


def test_a_request_for_another_version_is_another_hash() -> None:
    hashes = {template_hash(manifest(SMALL), token) for token in (None, "2026-01-31", "2026-02-01")}
    assert len(hashes) == 3
    assert template_hash(manifest(SMALL), "") == template_hash(manifest(SMALL))


def test_empty_lists_and_texts_that_nvcf_shows_are_absent() -> None:
    shown = version(SMALL).model_dump(by_alias=True, mode="json")
    empty = FunctionDetails.model_validate(
        {**shown, "models": [], "resources": [], "containerArgs": "", "helmChart": "", "telemetries": {}}
    )
    assert meaning_of_version(empty) == meaning_of_template(manifest(SMALL))


def test_a_version_of_an_old_server_without_health_means_the_defaults() -> None:
    shown = version(SMALL).model_dump(by_alias=True, mode="json")
    old = FunctionDetails.model_validate({**shown, "health": None, "healthUri": None, "apiBodyFormat": None})
    assert meaning_of_version(old) == meaning_of_template(manifest(SMALL))
    only_uri = FunctionDetails.model_validate({**shown, "health": None, "healthUri": "/health"})
    assert meaning_of_version(only_uri) == meaning_of_template(
        manifest({**SMALL, "health": {**DEFAULT_HEALTH, "uri": "/health"}})
    )


def test_a_version_that_cannot_be_read_whole_is_equal_to_none() -> None:
    odd = version(SMALL)
    odd._unreadable = frozenset({"models"})
    assert meaning_of_version(odd) == UNREADABLE
    harmless = version(SMALL)
    harmless._unreadable = frozenset({"tags", "createdAt"})
    assert meaning_of_version(harmless) == meaning_of_template(manifest(SMALL))


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
variables = st.lists(
    st.fixed_dictionaries({"key": words, "value": words}), min_size=1, max_size=4, unique_by=lambda item: item["key"]
)
artifacts = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["a", "b", "c", "d"]),
            "version": st.sampled_from(["1", "2"]),
            "uri": st.sampled_from(["https://x.example/1", "https://x.example/2"]),
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda item: item["name"],
)
healths = st.fixed_dictionaries(
    {
        "protocol": st.sampled_from(["HTTP", "gRPC"]),
        "uri": st.sampled_from(["/v2/health/ready", "/health"]),
        "port": st.sampled_from([8000, 9000]),
        "timeout": st.sampled_from(["PT10S", "PT0M10S", "PT1M", "PT60S", "PT0.5S"]),
        "expectedStatusCode": st.sampled_from([200, 204]),
    }
)
templates = st.fixed_dictionaries(
    {"inferenceUrl": st.sampled_from(["/grpc", "/v1"]), "containerImage": st.sampled_from([IMAGE, "image:1"])},
    optional={
        "functionType": st.sampled_from(["DEFAULT", "STREAMING"]),
        "inferencePort": st.sampled_from([8000, 9000]),
        "health": healths,
        "containerArgs": words,
        "containerEnvironment": variables,
        "models": artifacts,
        "resources": artifacts,
        "apiBodyFormat": st.sampled_from(["CUSTOM", "PREDICT_V2"]),
    },
)


@quick
@given(templates, st.randoms(use_true_random=False))
def test_the_order_of_fields_models_and_resources_never_matters(template: Fields, random: Any) -> None:
    names = list(template)
    random.shuffle(names)
    other = {name: template[name] for name in names}
    for name in ("models", "resources"):
        if name in other:
            other[name] = random.sample(other[name], len(other[name]))
    assert template_hash(manifest(other)) == template_hash(manifest(template))
    assert meaning_of_template(manifest(other)) == meaning_of_template(manifest(template))


@quick
@given(templates)
def test_what_was_registered_from_a_manifest_always_means_the_same(template: Fields) -> None:
    assert meaning_of_version(version(template)) == meaning_of_template(manifest(template))


@quick
@given(templates, templates)
def test_equal_hashes_always_mean_the_same(one: Fields, other: Fields) -> None:
    if template_hash(manifest(one)) == template_hash(manifest(other)):
        assert meaning_of_template(manifest(one)) == meaning_of_template(manifest(other))


@quick
@given(templates)
def test_a_field_taken_out_changes_the_hash_and_the_meaning_unless_it_was_a_default(template: Fields) -> None:
    for name in template.keys() - {"inferenceUrl", "containerImage"}:
        without = {field: value for field, value in template.items() if field != name}
        assert template_hash(manifest(without)) != template_hash(manifest(template))
        if name in ("containerEnvironment", "models", "resources"):
            assert meaning_of_template(manifest(without)) != meaning_of_template(manifest(template))
