"""Every rule of CloudFunction, with a good and a bad example, asked of the real API server.

The table is asked of the CRD without the refusals of what is not supported yet, which would hide the other rules. The
refusals are asked of the CRD as it is shipped.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from hack import documents
from hack.controlplane import ControlPlane, KubectlError
from nvcf_operator.api.names import CLOUD_FUNCTION
from nvcf_operator.api.unsupported import UNSUPPORTED
from tests.integration.function_manifests import BY_CHART, COMPLETE, IMAGE, SMALL
from tests.integration.resource_manifests import (
    CRD_FILES,
    FUNCTION,
    MEMBER,
    REMOVED,
    changed,
    install_crds,
    manifest,
)
from tests.integration.rule_table import (
    Rule,
    asked,
    at_most,
    check,
    enum,
    limits_of,
    refusals,
    required,
    rules_of,
    tried,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("function-rules")  # one worker has the CRD without refusals

T = "template"
HEALTH, ENVIRONMENT, TELEMETRIES = f"{T}.health", f"{T}.containerEnvironment", f"{T}.telemetries"
RATE = "rateLimit"
SECRET = "credentials.secretRef"
CEL, LIST = "x-kubernetes-validations", "x-kubernetes-list-type"
TOO_SHORT = "should be at least 1 chars long"
AT_LEAST_ONE = "should have at least 1"
VARIABLE = {"key": "LOG_LEVEL", "value": "debug"}
ARTIFACT = COMPLETE[T]["resources"][0]


def not_blank(at: str, good: Any = "a", beside: Mapping[str, Any] | None = None) -> Rule:
    return Rule("not blank", at, "minLength", "", TOO_SHORT, good, beside or {})


def port(at: str) -> list[Rule]:
    return [
        Rule("a port", at, "minimum", 0, "greater than or equal to 1", 1),
        Rule("a port", at, "maximum", 65536, "less than or equal to 65535", 65535),
    ]


def rate(at: str) -> list[Rule]:
    return [
        Rule("a count and a unit", at, "pattern", "100", "should match '^[1-9]", "100-S"),
        Rule("a unit", at, "pattern", "100-W", "should match '^[1-9]", "100-D"),
        Rule("not zero", at, "pattern", "0-S", "should match '^[1-9]", "1-S"),
        Rule("several rates, with or without blanks", at, "pattern", "1-S;2-M", "should match", "1-S,2-M, 3-H"),
    ]


RULES = [
    required("name", "NVCF requires it"),
    not_blank("name"),
    Rule("NVCF's form", "name", "pattern", "my llama", "should match '^[a-zA-Z0-9]", "My_llama-1"),
    Rule("begins with a letter or digit", "name", "pattern", "-llama", "should match '^[a-zA-Z0-9]", "1llama"),
    Rule("an id is a UUID", "functionId", "pattern", "echo", "should match '^[0-9a-fA-F]{8}-", FUNCTION.upper()),
    not_blank("revision"),
    Rule("in a tag of NVCF", "revision", "pattern", "1.4.2", "should match '^[A-Za-z0-9]", "1-4_2"),
    required(T, "there is nothing to register without"),
    Rule(
        "an image, a chart or models",
        f"{T}.containerImage",
        CEL,
        REMOVED,
        "set at least one of containerImage, helmChart and models",
        IMAGE,
        {f"{T}.models": REMOVED},
    ),
    Rule("models alone", f"{T}.models", "minItems", [], AT_LEAST_ONE, beside={f"{T}.containerImage": REMOVED}),
    *(
        Rule(
            f"a chart excludes {name}",
            f"{T}.helmChart",
            CEL,
            "https://x.example/chart.tgz",
            "helmChart excludes containerImage, containerArgs and containerEnvironment",
            beside={f"{T}.helmChartServiceName": "llama"}
            | {
                f"{T}.{other}": REMOVED
                for other in ("containerImage", "containerArgs", "containerEnvironment")
                if other != name
            },
        )
        for name in ("containerImage", "containerArgs", "containerEnvironment")
    ),
    Rule(
        "a chart needs its service",
        f"{T}.helmChartServiceName",
        CEL,
        REMOVED,
        "helmChart and helmChartServiceName belong together",
        "llama",
        BY_CHART,
    ),
    Rule(
        "a service is of a chart",
        f"{T}.helmChartServiceName",
        CEL,
        "llama",
        "helmChart and helmChartServiceName belong together",
    ),
    *enum(f"{T}.functionType", "in NVCF's own words", "default", "DEFAULT", "STREAMING", "LLM"),
    required(f"{T}.inferenceUrl", "NVCF requires it"),
    not_blank(f"{T}.inferenceUrl"),
    Rule("no white space", f"{T}.inferenceUrl", "pattern", "/a b", "should match '^\\S+$'", "/a%20b"),
    *port(f"{T}.inferencePort"),
    *(
        Rule("reserved", f"{T}.inferencePort", CEL, number, "inferencePort must not be 8080 or 8010", number + 1)
        for number in (8080, 8010)
    ),
    *(required(f"{HEALTH}.{name}", "all five or none") for name in COMPLETE[T]["health"]),
    Rule("in NVCF's own words", f"{HEALTH}.protocol", "enum", "GRPC", 'supported values: "HTTP", "gRPC"', "gRPC"),
    not_blank(f"{HEALTH}.uri"),
    Rule("no white space", f"{HEALTH}.uri", "pattern", "/a b", "should match '^\\S+$'", "/a"),
    *port(f"{HEALTH}.port"),
    Rule("ISO-8601", f"{HEALTH}.timeout", "pattern", "10s", "should match '^PT", "PT1M0.5S"),
    Rule("longer than zero", f"{HEALTH}.timeout", CEL, "PT0S", "timeout must be longer than zero", "PT0.001S"),
    Rule("not negative", f"{HEALTH}.expectedStatusCode", "minimum", -1, "greater than or equal to 0", 100),
    at_most(f"{HEALTH}.expectedStatusCode", 2**31 - 1, "a 32-bit number", {f"{HEALTH}.protocol": "gRPC"}),
    *(
        Rule("a status of HTTP", f"{HEALTH}.expectedStatusCode", CEL, bad, "must be an HTTP status, 100 to 599", good)
        for bad, good in ((99, 100), (600, 599))
    ),
    Rule(
        "gRPC has codes of its own",
        f"{HEALTH}.expectedStatusCode",
        "minimum",
        -1,
        "greater than or equal to 0",
        0,
        {f"{HEALTH}.protocol": "gRPC"},
    ),
    not_blank(f"{T}.containerImage"),
    Rule("no white space", f"{T}.containerImage", "pattern", "a b", "should match '^\\S+$'", "docker.io/a:1"),
    Rule("no scheme", f"{T}.containerImage", CEL, "https://nvcr.io/a", "containerImage has no scheme", "nvcr.io/a:1"),
    Rule(
        "nvcr.io takes no tag with a digest",
        f"{T}.containerImage",
        CEL,
        IMAGE.replace("llama", "llama:1"),
        "containerImage has a tag and a digest",
        IMAGE.replace("llama", "llama:1").replace("nvcr.io", "docker.io"),
    ),
    not_blank(f"{T}.containerArgs", " "),
    Rule("left out, not empty", ENVIRONMENT, "minItems", [], AT_LEAST_ONE),
    Rule("each once", ENVIRONMENT, LIST, [VARIABLE] * 2, "Duplicate value", [VARIABLE, VARIABLE | {"key": "B"}]),
    required(f"{ENVIRONMENT}[0].key", "NVCF requires it"),
    required(f"{ENVIRONMENT}[0].value", "NVCF requires it"),
    not_blank(f"{ENVIRONMENT}[0].key"),
    Rule("a text", f"{ENVIRONMENT}[0].value", "type", 1, "must be of type string", ""),
    Rule("reserved", f"{ENVIRONMENT}[0].key", CEL, "NVCF_A", "key must not begin with NVCF_", "MY_NVCF_A"),
    not_blank(f"{T}.helmChart", "oci://a", BY_CHART),
    Rule("a URL", f"{T}.helmChart", "pattern", "ftp://a", "should match '^(https?|oci)://", "http://a", BY_CHART),
    Rule("no white space", f"{T}.helmChart", "pattern", "https://a b", "should match", "https://a", BY_CHART),
    not_blank(f"{T}.helmChartServiceName", "a", BY_CHART),
    *(
        rule
        for name in ("models", "resources")
        for rule in (
            Rule("left out, not empty", f"{T}.{name}", "minItems", [], AT_LEAST_ONE),
            Rule(
                "each once",
                f"{T}.{name}",
                LIST,
                [ARTIFACT, ARTIFACT],
                "Duplicate value",
                [ARTIFACT, ARTIFACT | {"name": "b"}],
            ),
            *(required(f"{T}.{name}[0].{part}", "NVCF requires it") for part in ("name", "version", "uri")),
            *(not_blank(f"{T}.{name}[0].{part}") for part in ("name", "version", "uri")),
            Rule("no white space", f"{T}.{name}[0].uri", "pattern", "https://a b", "should match", "https://a"),
        )
    ),
    *enum(f"{T}.apiBodyFormat", "in NVCF's own words", "JSON", "CUSTOM", "PREDICT_V2"),
    Rule("at least one", TELEMETRIES, CEL, {}, "telemetries needs at least one", {"tracesTelemetryId": FUNCTION}),
    *(
        Rule("an id is a UUID", f"{TELEMETRIES}.{name}", "pattern", "x", "should match '^[0-9a-fA-F]{8}-", FUNCTION)
        for name in COMPLETE[T]["telemetries"]
    ),
    Rule("left out, not empty", "secrets", "minItems", [], AT_LEAST_ONE),
    Rule("each once", "secrets", LIST, COMPLETE["secrets"] * 2, "Duplicate value"),
    required("secrets[0].name", "NVCF requires it"),
    not_blank("secrets[0].name"),
    Rule("NVCF's form", "secrets[0].name", "pattern", "-A", "should match '^[A-Za-z0-9]", "1_A.b-c"),
    required("secrets[0].secretRef", "where its value is"),
    *(required(f"secrets[0].secretRef.{name}", "which one") for name in ("name", "key")),
    *(not_blank(f"secrets[0].secretRef.{name}") for name in ("name", "key")),
    Rule("a Secret's name", "secrets[0].secretRef.name", "pattern", "a/b", "should match '^[a-z0-9]", "a.b-1"),
    Rule("a Secret's key", "secrets[0].secretRef.key", "pattern", "a key", "should match '^[-._a-zA-Z0-9]+$'", "a.K_1"),
    *enum("secrets[0].format", "one of two ways", "Yaml", "String", "JSON"),
    Rule("each once", "tags", LIST, ["a", "a"], "Duplicate value", ["a", "b"]),
    not_blank("tags[0]"),
    Rule("NVCF's form", "tags[0]", "pattern", "a b", "should match '^[A-Za-z0-9_:=-]+$'", "a:b=C_-"),
    Rule(
        "ours are not a user's",
        "tags",
        CEL,
        ["a", "nvcf-operator:x"],
        "tags that begin with nvcf-operator: belong to the operator",
        ["nvcf-operator", "my-nvcf-operator:x"],
    ),
    Rule(
        "left out, not empty", RATE, CEL, {"syncCheck": True}, "set at least one of rateLimit", {"perUserRate": "1-S"}
    ),
    *rate(f"{RATE}.rateLimit"),
    *rate(f"{RATE}.perUserRate"),
    *rate(f"{RATE}.perNcaIdRate.{MEMBER}"),
    *(
        Rule("each unit once", f"{RATE}.{name}", CEL, bad, f"{name} must have each of the units", good)
        for name, bad, good in (
            ("rateLimit", "1-S, 2-M, 3-S", "1-S, 2-M, 3-H, 4-D"),
            ("perUserRate", "1-D,2-D", "1-D,2-H"),
            ("perNcaIdRate", {"a": "1-S", "b": "1-M,2-M"}, {"a": "1-S", "b": "1-M,2-S"}),
        )
    ),
    Rule("left out, not empty", f"{RATE}.perNcaIdRate", "minProperties", {}, AT_LEAST_ONE),
    Rule("left out, not empty", f"{RATE}.exemptedNcaIds", "minItems", [], AT_LEAST_ONE),
    Rule("each once", f"{RATE}.exemptedNcaIds", LIST, ["a", "a"], "Duplicate value", ["a", "b"]),
    not_blank(f"{RATE}.exemptedNcaIds[0]"),
    Rule(
        "exempted from something",
        f"{RATE}.exemptedNcaIds",
        CEL,
        ["a"],
        "exemptedNcaIds needs a rateLimit",
        REMOVED,
        {f"{RATE}.rateLimit": REMOVED},
    ),
    Rule(
        "exempted or with a rate of its own",
        f"{RATE}.exemptedNcaIds",
        CEL,
        ["a", MEMBER],
        "an account is either in exemptedNcaIds or has a rate of its own in perNcaIdRate",
        ["a", "b"],
    ),
    Rule(
        "nothing is limited by a policy of none",
        RATE,
        CEL,
        {"rateLimit": "1-S"},
        "rateLimitPolicy Unlimited removes the rate limit and so excludes rateLimit",
        REMOVED,
        {"rateLimitPolicy": "Unlimited"},
    ),
    *enum("rateLimitPolicy", "one of two ways", "None", "Limited"),
    Rule("each once", "authorizedAccounts", LIST, ["a", "a"], "Duplicate value", ["a", "b"]),
    not_blank("authorizedAccounts[0]"),
    Rule("none or more", "history.limit", "minimum", -1, "greater than or equal to 0", 0),
    at_most("history.limit", 10, "each counts against the quota"),
    required(SECRET, "credentials without a Secret are none"),
    required(f"{SECRET}.name", "which Secret"),
    not_blank(f"{SECRET}.name"),
    Rule("a Secret's name", f"{SECRET}.name", "pattern", "My_Secret", "should match '^[a-z0-9]", "my.secret-1"),
    not_blank(f"{SECRET}.key"),
    Rule("a Secret's key", f"{SECRET}.key", "pattern", "a key", "should match '^[-._a-zA-Z0-9]+$'", "a.Key_1-b"),
    *enum("adoptionPolicy", "one of two ways", "Ask", "Adopt", "Refuse"),
    *enum("deletionPolicy", "one of two ways", "Keep", "Delete", "Retain"),
    *enum("managementPolicy", "one of two ways", "manage", "Manage", "Observe"),
    Rule("true or false", "suspend", "type", "true", "must be of type boolean", True),
]

BESIDE = {f"{T}.helmChart": BY_CHART}
"""What must differ for some fields to be set at all."""

ALL = [*RULES, *limits_of(CLOUD_FUNCTION, COMPLETE, BESIDE)]
USES: Mapping[str, Mapping[str, Any]] = {
    f"{T}.functionType": {f"{T}.functionType": "LLM"},
    f"{T}.models": {f"{T}.models": COMPLETE[T]["models"]},
    "llm": {"llm": {}},
    "authorizedAccounts": {"authorizedAccounts": []},
}
"""What uses each of the fields that are not supported yet."""

PLAIN = changed(
    COMPLETE,
    {
        **dict.fromkeys(("llm", "authorizedAccounts"), REMOVED),
        f"{T}.models[0].llmConfig": REMOVED,
    },
)
"""The complete manifest without what is not supported yet."""


def without_refusals() -> dict[str, Any]:
    crd: dict[str, Any] = documents.load(CRD_FILES[CLOUD_FUNCTION].read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    refused = {item.message for item in UNSUPPORTED}
    spec[CEL] = [rule for rule in spec[CEL] if rule["message"] not in refused]
    return crd


def is_taken(control_plane: ControlPlane, spec: Mapping[str, Any]) -> bool:
    return not refusals(control_plane, [manifest("asked", spec, CLOUD_FUNCTION)])


@pytest.fixture(scope="module")
def shipped(control_plane: ControlPlane) -> None:
    install_crds(control_plane)


def test_what_is_not_supported_yet_is_refused_with_its_own_text_and_nothing_else(
    control_plane: ControlPlane, shipped: None
) -> None:
    assert set(USES) == {item.field for item in UNSUPPORTED}
    assert is_taken(control_plane, PLAIN)
    manifests = [
        manifest(f"bad-{number}", changed(SMALL, USES[item.field]), CLOUD_FUNCTION)
        for number, item in enumerate(UNSUPPORTED)
    ]
    texts = refusals(control_plane, manifests)
    for number, item in enumerate(UNSUPPORTED):
        assert f"spec.{item.field}: " in texts.get(f"bad-{number}", ""), item
        assert item.message in texts[f"bad-{number}"], item


@pytest.fixture(scope="module")
def relaxed(control_plane: ControlPlane, shipped: None) -> Iterator[None]:
    """The CRD as it will be when all of it is supported."""
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(without_refusals()))
    eventually(lambda: is_taken(control_plane, COMPLETE), within=30, what="the CRD without refusals")
    yield
    install_crds(control_plane)
    eventually(lambda: not is_taken(control_plane, COMPLETE), within=30, what="the shipped CRD")


@pytest.fixture(scope="module")
def refused(control_plane: ControlPlane, relaxed: None) -> Mapping[str, str]:
    return refusals(control_plane, asked(ALL, COMPLETE, CLOUD_FUNCTION))


def test_the_complete_manifest_is_accepted(refused: Mapping[str, str]) -> None:
    assert "complete" not in refused, refused["complete"]


@pytest.mark.parametrize(("number", "rule"), list(enumerate(ALL)), ids=[rule.id for rule in ALL])
def test_a_bad_manifest_is_refused_by_field_and_rule_and_a_good_one_accepted(
    refused: Mapping[str, str], number: int, rule: Rule
) -> None:
    check(refused, number, rule)


def test_every_rule_of_the_crd_is_tried() -> None:
    elsewhere = {("name", CEL), ("functionId", CEL)}  # transitions, see below
    elsewhere |= {(item.field, CEL) for item in UNSUPPORTED}
    there, asked_for = rules_of(CLOUD_FUNCTION), tried(ALL) | elsewhere
    assert there - asked_for == set()
    assert asked_for - there == set(), "the table tries rules that the CRD does not have"


TRANSITIONS: list[tuple[str, Mapping[str, Any], Mapping[str, Any], str | None]] = [
    ("another name", SMALL, {"name": "other"}, "name is immutable"),
    ("an id that is added", SMALL, {"functionId": FUNCTION}, None),
    ("an id in upper case", {**SMALL, "functionId": FUNCTION}, {"functionId": FUNCTION.upper()}, None),
    ("another id", {**SMALL, "functionId": FUNCTION}, {"functionId": FUNCTION.replace("3", "4")}, "is immutable"),
    ("no id any more", {**SMALL, "functionId": FUNCTION}, {"functionId": REMOVED}, "functionId cannot be removed"),
    ("another template", SMALL, {f"{T}.containerImage": "other:1"}, None),
    ("a revision", SMALL, {"revision": "1-4-2"}, None),
]


@pytest.mark.parametrize(("case", "before", "changes", "says"), TRANSITIONS, ids=[case for case, *_ in TRANSITIONS])
def test_what_identifies_a_function_never_changes(
    control_plane: ControlPlane,
    relaxed: None,
    namespace: str,
    case: str,
    before: Mapping[str, Any],
    changes: Mapping[str, Any],
    says: str | None,
) -> None:
    def put(verb: str, spec: Mapping[str, Any]) -> None:
        document = json.dumps(manifest("llama", spec, CLOUD_FUNCTION))
        control_plane.kubectl("-n", namespace, verb, "-f", "-", input=document)

    put("create", before)
    if says is None:
        put("replace", changed(before, changes))
        return
    with pytest.raises(KubectlError) as caught:
        put("replace", changed(before, changes))
    assert says in str(caught.value), case
