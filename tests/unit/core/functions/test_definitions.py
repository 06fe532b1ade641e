"""What a registration carries: the whole of it in one body."""

from nvcf_operator.core.functions.model.definition import definition_of
from tests.unit.core.functions.templates import CHART, MARK, SMALL, WHOLE, manifest


def test_a_registration_carries_what_the_manifest_sets_and_the_mark() -> None:
    spec = manifest(WHOLE, description="Ours", tags=["prod", "team-a"], rateLimit={"rateLimit": "100-M"})
    telemetries = {"logsTelemetryId": WHOLE["telemetries"]["logsTelemetryId"].lower()}
    assert definition_of(spec, MARK).to_request() == {
        **WHOLE,
        "telemetries": telemetries,
        "name": "llama",
        "description": "Ours",
        "tags": ["prod", "team-a", MARK.tag],
        "rateLimit": {"rateLimit": "100-M"},
    }


def test_a_registration_leaves_out_what_the_manifest_leaves_out() -> None:
    assert definition_of(manifest(SMALL), MARK).to_request() == {**SMALL, "name": "llama", "tags": [MARK.tag]}
    assert definition_of(manifest(CHART), MARK).to_request() == {**CHART, "name": "llama", "tags": [MARK.tag]}


def test_no_text_of_a_registration_shows_the_environment() -> None:
    spec = manifest({**SMALL, "containerEnvironment": [{"key": "K", "value": "hunter2"}]})
    assert "hunter2" not in repr(definition_of(spec, MARK))
    assert "hunter2" not in repr(spec)
