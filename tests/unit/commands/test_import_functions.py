"""CloudFunctions that are printed: what they say, what they leave to the server, and what they cannot say."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nvcf_client.details import read_details
from nvcf_client.models import Deployment, Function, FunctionDetails
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.commands import manifests
from nvcf_operator.commands.function_manifests import following, function_manifest, function_names
from nvcf_operator.commands.function_templates import written_tags, written_template
from nvcf_operator.commands.manifests import Manifest
from nvcf_operator.commands.specifications import NotExpressibleError
from nvcf_operator.core.functions.model.identity import MODEL_SERVER, meaning_of_template, meaning_of_version
from nvcf_operator.core.functions.model.mark import Mark
from nvcf_operator.settings.options import ImportOptions

FUNCTION = "3E4666BF-d5e5-4aa7-b8ce-cefe41c7568a"
VERSION = "7c1e0b4a-9a39-4c7e-8d1f-3f5f0f7b9a10"
KEY = "nvapi-test-key"
IMAGE = "nvcr.io/org/llama@sha256:" + "0" * 64
FILES = "https://api.ngc.nvidia.com/v2/org/o/models/m/1.0/files"
HEALTH = {"protocol": "HTTP", "uri": "/v2/health/ready", "port": 8000, "timeout": "PT10S", "expectedStatusCode": 200}
SHOWN: dict[str, Any] = {
    "id": FUNCTION,
    "versionId": VERSION,
    "ncaId": "acme",
    "name": "llama",
    "status": "ACTIVE",
    "createdAt": "2026-11-30T10:00:00.123456789Z",
    "description": "llama",
    "inferenceUrl": "/v1/chat",
    "containerImage": IMAGE,
    "functionType": "DEFAULT",
    "apiBodyFormat": "CUSTOM",
    "health": HEALTH,
    "healthUri": "/v2/health/ready",
    "newerField": {"of": "tomorrow"},
}
"""A small version with all that the server fills in."""

SMALL = {"inferenceUrl": "/v1/chat", "containerImage": IMAGE}


def shown(**changes: Any) -> FunctionDetails:
    """What NVCF shows; None removes a field."""
    return read_details({name: value for name, value in {**SHOWN, **changes}.items() if value is not None})


def template(**changes: Any) -> dict[str, Any]:
    return written_template(shown(**changes), key=KEY)


def made(secrets: tuple[str, ...] | None = (), *, deployed: int = 1, **changes: Any) -> Manifest:
    return function_manifest(
        "llama-3e4666bf", shown(**changes), ImportOptions(), deployed=deployed, secrets=secrets, key=KEY
    )


def test_what_the_server_fills_in_is_left_out() -> None:
    assert template() == SMALL
    assert template(inferencePort=9000, health={**HEALTH, "port": 9000, "timeout": 10}) == {
        **SMALL,
        "inferencePort": 9000,
    }
    grpc = {**HEALTH, "protocol": "GRPC"}
    assert template(inferenceUrl="/grpc", health=grpc) == {**SMALL, "inferenceUrl": "/grpc"}
    of_models = {"containerImage": None, "containerArgs": MODEL_SERVER}
    models = [{"name": "m", "version": "1", "uri": FILES}]
    assert template(**of_models, models=models) == {"inferenceUrl": "/v1/chat", "models": models}


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({"functionType": "streaming"}, {"functionType": "STREAMING"}),
        ({"apiBodyFormat": "PREDICT_V2"}, {"apiBodyFormat": "PREDICT_V2"}),
        ({"containerArgs": "  --tp 2 "}, {"containerArgs": "  --tp 2 "}),
        ({"containerArgs": MODEL_SERVER}, {"containerArgs": MODEL_SERVER}),
        ({"containerArgs": "  ", "models": [], "resources": [], "containerEnvironment": []}, {}),
        (
            {"health": {**HEALTH, "protocol": "grpc", "timeout": "P1DT0.5S"}},
            {"health": {**HEALTH, "protocol": "gRPC", "timeout": "PT24H0.5S"}},
        ),
        ({"health": None, "healthUri": "/up"}, {"health": {**HEALTH, "uri": "/up"}}),
        ({"health": None, "healthUri": None}, {}),
        (
            {"containerEnvironment": [{"key": "Z", "value": "<&> ü\n"}, {"key": "A", "value": ""}]},
            {"containerEnvironment": [{"key": "Z", "value": "<&> ü\n"}, {"key": "A", "value": ""}]},
        ),
        ({"telemetries": {"logsTelemetryId": FUNCTION}}, {"telemetries": {"logsTelemetryId": FUNCTION.lower()}}),
    ],
)
def test_what_a_version_has_is_written(changes: dict[str, Any], written: dict[str, Any]) -> None:
    assert template(**changes) == {**SMALL, **written}


def test_models_and_resources_are_in_one_order_whatever_the_servers_is() -> None:
    files = [{"name": name, "version": "1", "uri": FILES} for name in ("b", "a")]
    assert template(models=files, resources=files) == template(models=files[::-1], resources=files[::-1])


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
contents = st.fixed_dictionaries(
    {},
    optional={
        "inferenceUrl": st.sampled_from(["/grpc", "/v1/chat", "http://h/ü"]),
        "inferencePort": st.integers(1, 65535).filter(lambda port: port not in (8080, 8010)),
        "functionType": st.sampled_from(["DEFAULT", "default", "STREAMING"]),
        "apiBodyFormat": st.sampled_from(["CUSTOM", "custom", "PREDICT_V2"]),
        "containerArgs": texts,
        "containerEnvironment": st.lists(
            st.fixed_dictionaries({"key": texts, "value": texts}), max_size=4, unique_by=lambda item: item["key"]
        ),
        "models": st.lists(
            st.fixed_dictionaries({"name": texts, "version": texts, "uri": st.just(FILES)}),
            max_size=3,
            unique_by=lambda item: item["name"],
        ),
        "health": st.fixed_dictionaries(
            {
                "protocol": st.sampled_from(["HTTP", "GRPC", "gRPC"]),
                "uri": st.sampled_from(["/v2/health/ready", "/up"]),
                "port": st.sampled_from([8000, 9000]),
                "timeout": st.sampled_from(["PT10S", "PT1H0.25S", 10, 0.5]),
                "expectedStatusCode": st.sampled_from([200, 204]),
            }
        ),
    },
)


@given(contents)
def test_a_template_means_the_version_and_no_filled_in_field_can_be_spared(content: dict[str, Any]) -> None:
    version = shown(**{"health": None, "healthUri": None, **content})
    found = written_template(version, key=KEY)
    wanted = meaning_of_version(version)
    spec = {"name": "any", "template": found}
    assert meaning_of_template(CloudFunctionSpec.model_validate(spec)) == wanted
    for name in {"functionType", "apiBodyFormat", "health", "containerArgs"} & found.keys():
        less = {**spec, "template": {field: value for field, value in found.items() if field != name}}
        assert meaning_of_template(CloudFunctionSpec.model_validate(less)) != wanted


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"functionType": "LLM"}, "large language model"),
        ({"models": [{"name": "m", "llmConfig": {"uris": ["u"]}}]}, "large language model"),
        ({"functionType": "OTHER"}, "template.functionType"),
        ({"inferencePort": 8080}, "inferencePort 8080 is reserved"),
        ({"inferenceUrl": None}, "template.inferenceUrl"),
        ({"containerImage": None}, "neither an image nor a chart nor models"),
        ({"containerImage": "https://nvcr.io/a"}, "a scheme"),
        ({"containerImage": "nvcr.io/a:1@sha256:0"}, "a tag and a digest"),
        ({"helmChart": "https://h/c.tgz", "helmChartServiceName": "s"}, "beside a chart"),
        ({"helmChart": "https://h/c.tgz", "containerImage": None}, "only one of"),
        ({"containerEnvironment": [{"key": "A", "value": "1"}] * 2}, "a key twice"),
        ({"containerEnvironment": [{"key": "NVCF_A", "value": "1"}]}, "begins with NVCF_"),
        ({"containerEnvironment": [{"key": "A", "value": f"x{KEY}"}]}, "the API key itself"),
        ({"resources": [{"name": "a", "version": v, "uri": FILES} for v in "12"]}, "a name twice"),
        ({"health": {**HEALTH, "timeout": "PT0S"}}, "not longer than zero"),
        ({"health": {**HEALTH, "timeout": "PT0.0001S"}}, "template.health.timeout"),
        ({"health": {**HEALTH, "expectedStatusCode": 7}}, "no HTTP status"),
        ({"health": "up"}, "in a form that cannot be read"),
    ],
)
def test_what_a_manifest_cannot_say_is_reported_without_values(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(NotExpressibleError, match=words) as caught:
        template(**changes)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("name", ["two words", "", None])
def test_a_name_that_the_resource_does_not_accept_is_reported(name: str | None) -> None:
    with pytest.raises(NotExpressibleError, match="name"):
        made(name=name)


def test_a_large_environment_is_reported() -> None:
    variables = [{"key": f"K{number}", "value": "x" * 30000} for number in range(3)]
    with pytest.raises(NotExpressibleError, match="containerEnvironment"):
        made(containerEnvironment=variables)


def test_marks_are_no_tags_and_the_operators_own_needs_room() -> None:
    mark = Mark.of("0" * 32, "h1" + "1" * 16, "2" * 16).tag
    assert written_tags(shown(tags=["b", mark, "a", "nvcf-operator:9:odd"])) == ["a", "b"]
    assert written_tags(shown(tags=[mark])) is None
    assert written_tags(shown()) is None
    with pytest.raises(NotExpressibleError, match="64 tags"):
        written_tags(shown(tags=[f"t{number}" for number in range(64)]))


@pytest.mark.parametrize(
    ("limit", "written"),
    [
        ({"rateLimit": "5-S", "exemptedNcaIds": [], "perNcaIdRate": {}}, {"rateLimit": "5-S"}),
        ({"rateLimit": "5-S, 7-M", "syncCheck": False}, {"rateLimit": "5-S, 7-M", "syncCheck": False}),
        (
            {"rateLimit": "5-S", "exemptedNcaIds": ["b", "a", "b"], "perNcaIdRate": {"ü": "1-D"}},
            {"rateLimit": "5-S", "perNcaIdRate": {"ü": "1-D"}, "exemptedNcaIds": ["a", "b"]},
        ),
    ],
)
def test_a_rate_limit_is_written_without_what_the_server_adds(limit: dict[str, Any], written: dict[str, Any]) -> None:
    found = made(rateLimit=limit)
    assert (found.body["spec"]["rateLimit"], found.left_out) == (written, ())


@pytest.mark.parametrize(
    "limit",
    [
        {"rateLimit": "5-W"},
        {"rateLimit": "5-S, 6-S"},
        {"perNcaIdRate": {"a": "1-D,1-D"}},
        {"syncCheck": True},
        {"rateLimit": "5-S", "exemptedNcaIds": ["a"], "perNcaIdRate": {"a": "1-D"}},
        {"perUserRate": "5-S", "exemptedNcaIds": ["a"]},
        {"rateLimit": 5},
    ],
)
def test_a_rate_limit_that_the_resource_does_not_accept_is_left_to_the_server(limit: dict[str, Any]) -> None:
    found = made(rateLimit=limit)
    assert "rateLimit" not in found.body["spec"]
    assert [note.partition(":")[0] for note in found.left_out] == ["rateLimit"]


def test_a_function_is_printed_with_its_id_and_kept_on_deletion() -> None:
    found = made(tags=["prod"])
    assert found.body["spec"] == {
        "name": "llama",
        "functionId": FUNCTION.lower(),
        "template": SMALL,
        "tags": ["prod"],
        "deletionPolicy": "Retain",
    }
    assert (found.kind, found.name, found.left_out, found.remarks) == ("CloudFunction", "llama-3e4666bf", (), ())
    assert yaml.safe_load(found.to_yaml()) == found.body
    assert made(description="Ünïcode <&>").body["spec"]["description"] == "Ünïcode <&>"


def test_several_deployed_versions_have_a_revision_and_a_history() -> None:
    assert made(deployed=2).body["spec"]["revision"] == VERSION[:8]
    assert "history" not in made(deployed=2).body["spec"]
    assert made(deployed=4).body["spec"]["history"] == {"limit": 3}
    assert made(deployed=16).body["spec"]["history"] == {"limit": 10}
    assert "stands for this template" in made(deployed=2).remarks[0]


def test_a_mark_shows_the_revision_and_that_an_operator_manages_the_version() -> None:
    mark = Mark.of("0" * 32, "h1" + "1" * 16, "2" * 16, "1-4-2").tag
    found = made(tags=[mark])
    assert found.body["spec"]["revision"] == "1-4-2"
    assert "bears the tag of a CloudFunction" in found.remarks[-1]


def test_secrets_are_names_and_what_to_create_is_reported() -> None:
    found = made(("HF_TOKEN", "a.b"))
    assert found.body["spec"]["secrets"] == [
        {"name": name, "secretRef": {"name": "llama-3e4666bf-secrets", "key": name}} for name in ("HF_TOKEN", "a.b")
    ]
    (note,) = found.remarks
    assert "the Secret llama-3e4666bf-secrets. Create it with the keys HF_TOKEN, a.b and" in note
    assert "annotate secret llama-3e4666bf-secrets nvcf-operator.io/allow-function=llama-3e4666bf" in note
    unknown = function_manifest(
        "llama", shown(), ImportOptions(), deployed=1, secrets=None, unknown_secrets="not shown", key=KEY
    )
    assert "secrets" not in unknown.body["spec"]
    (missing,) = unknown.left_out
    assert missing.startswith(
        "secrets: not shown. Add those that the function has, or the operator registers another version"
    )


def test_an_environment_is_printed_and_its_values_are_in_no_note() -> None:
    found = made(containerEnvironment=[{"key": "TOKEN", "value": "hunter2"}])
    assert "hunter2" in found.to_yaml()
    assert "1 variable printed as in NVCF" in found.remarks[0]
    assert "hunter2" not in str(found.remarks)


def test_a_deployment_refers_to_the_function_and_keeps_the_rest() -> None:
    deployment = Deployment.model_validate(
        {
            "functionId": FUNCTION,
            "functionVersionId": VERSION,
            "ncaId": "acme",
            "functionStatus": "ACTIVE",
            "deploymentSpecifications": [{"gpu": "L40S", "minInstances": 1, "maxInstances": 2}],
        }
    )
    version = Function(id=FUNCTION, version_id=VERSION, nca_id="acme", name="llama", status="ACTIVE")
    by_ids = manifests.manifest("llama-7c1e0b4a", version, deployment, ImportOptions(secret_name="s"), key=KEY)
    pinned = following(by_ids, "llama-3e4666bf", "7c1e0b4a")
    assert pinned.body["spec"]["functionRef"] == {"name": "llama-3e4666bf", "revision": "7c1e0b4a"}
    assert following(by_ids, "llama", None).body["spec"]["functionRef"] == {"name": "llama"}
    rest = {name: value for name, value in by_ids.body["spec"].items() if not name.startswith("function")}
    assert {name: value for name, value in pinned.body["spec"].items() if name != "functionRef"} == rest
    FunctionDeploymentSpec.model_validate(pinned.body["spec"])


def test_names_of_functions_are_distinguished_by_their_ids() -> None:
    other = FUNCTION[:-1] + "1"
    assert function_names([(FUNCTION, "My_Llama"), (FUNCTION, "other"), ("../etc", "x")]) == {
        FUNCTION.lower(): "my-llama-3e4666bf"
    }
    assert set(function_names([(FUNCTION, "a"), (other, "a")]).values()) == {
        f"a-{FUNCTION.lower()}",
        f"a-{other.lower()}",
    }
