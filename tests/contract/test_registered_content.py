"""What a version that was registered from a manifest says to it afterwards, over the wire and in every answer."""

from collections.abc import Iterator

import pytest

from nvcf_client import Client
from nvcf_client.models import FunctionDetails
from nvcf_operator.core.functions.model.definition import definition_of
from nvcf_operator.core.functions.model.identity import meaning_of_template, meaning_of_version
from nvcf_operator.core.functions.model.mark import mark_of
from tests.support.simulator import KEY, Simulator
from tests.unit.core.functions.templates import CHART, MARK, MODELS, SMALL, WHOLE, Fields, manifest

WITHOUT_TELEMETRIES = {name: value for name, value in WHOLE.items() if name != "telemetries"}
"""The account of the simulator has no telemetry endpoints."""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        Simulator.start() as running,
        Client(api_key=KEY, base_url=running.url, max_retries=0, trust_env=False) as opened,
    ):
        yield opened


def answers(client: Client, template: Fields) -> Iterator[FunctionDetails]:
    """The version as the answer to its POST, a read of it, and the list of the account show it."""
    definition = definition_of(manifest(template, tags=["team-a"], description="Ours"), MARK)
    given = {name: getattr(definition, name) for name in definition.model_fields_set}
    made = client.functions.create(**{name: value for name, value in given.items() if value is not None})
    ids = (made.function.id, made.function.version_id)
    yield made.details()
    yield client.functions.versions.get(function_id=ids[0], function_version_id=ids[1]).details()
    yield from client.functions.list(visibility="private").details([ids[1]])


@pytest.mark.parametrize(
    "template", [SMALL, WITHOUT_TELEMETRIES, CHART, MODELS], ids=["small", "whole", "chart", "models"]
)
def test_every_answer_about_a_version_has_the_manifests_meaning_and_the_mark(client: Client, template: Fields) -> None:
    shown = list(answers(client, template))
    assert len(shown) == 3
    assert {meaning_of_version(version) for version in shown} == {meaning_of_template(manifest(template))}
    assert {mark_of(version.tags) for version in shown} == {MARK}
