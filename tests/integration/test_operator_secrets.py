"""A key stands nowhere but in its Secret and in the Authorization header, whatever happens and in any spelling."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from hack.controlplane import ControlPlane
from tests.support.listed import lists
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.spellings import places
from tests.support.waiting import eventually

CORE = "Zq7MarkOfTheKeyThatNobodyMaySee42"
KEY = f"x/{CORE}+y=="
"""Does not begin like a key, so that nothing is left out of a text for its form alone."""

SPELLINGS = (KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode())
ECHO = f"no good: {', '.join(SPELLINGS)}"


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """A sandbox whose key is the marked one."""
    sandbox.simulator.add_key("marked", KEY, kind="jwt")
    sandbox.namespace.secret(KEY)
    return sandbox


class Witness:
    """Gathers what readers without access to the Secret can see."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._place = sandbox
        assert isinstance(sandbox.namespace.plane, ControlPlane)
        self._plane = sandbox.namespace.plane
        self._offset = self._plane.audit_log.stat().st_size
        self._lists = [path for path in lists(self._plane, sandbox.namespace.name) if not path.endswith("/secrets")]
        self.seen: dict[str, str] = {}

    def check(self, stage: str, operator: Operator) -> None:
        """Take in all objects of the namespace, and the metrics."""
        found = eventually(
            lambda: {path: self._plane.read(path)["items"] for path in self._lists},
            lambda found: all(
                any(items for path, items in found.items() if path.endswith(f"/{plural}"))
                for plural in ("functiondeployments", "events")
            ),
            within=30,
            what="the resource and an Event",
        )
        self.seen[f"objects, {stage}"] = json.dumps(found)
        self.seen[f"metrics, {stage}"] = operator.get("/metrics")

    def leaks(self) -> list[str]:
        """Every sandbox where the key was found, in any spelling."""
        with self._plane.audit_log.open("rb") as log:
            log.seek(self._offset)
            self.seen["audit log"] = log.read().decode()
        self.seen["operator's log"] = self._place.log.read_text()
        # The simulator's log holds everything of a request but the Authorization header, for which it names the key.
        self.seen["requests"] = json.dumps(self._place.simulator.log())
        return [f"{where}: {what}" for where, text in self.seen.items() for what in places(CORE, text)]


def life(sandbox: Sandbox, bug: str | None, log_format: str) -> list[str]:
    """Bring a resource and its key through all that can go wrong; give the leaks."""
    witness = Witness(sandbox)
    with sandbox.operator(bug, log_level="debug", log_format=log_format) as operator:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        witness.check("ready", operator)
        echoes(sandbox, operator, witness)
        bad_secrets(sandbox, operator, witness)
        sandbox.namespace.secret(KEY)
        sandbox.namespace.wait_for("echo", "CredentialsValid", within=60)
        sandbox.simulator.change_key("marked", revoked=True)
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_for("echo", "DeletionBlocked", within=60)
        witness.check("deletion blocked", operator)
        sandbox.simulator.change_key("marked", revoked=False)
        sandbox.namespace.wait_gone("echo", within=90)
        witness.seen["metrics, gone"] = operator.get("/metrics")
    assert sandbox.simulator.log(key="marked"), "the marked key was never used: the test proves nothing"
    return witness.leaks()


ANSWERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "400": ({"status": 400, "detail": ECHO}, "Stalled", "Rejected"),
    "403": ({"status": 403, "detail": ECHO}, "Stalled", "Forbidden"),
    "500": ({"status": 500, "detail": ECHO}, "Reconciling", "NVCFUnavailable"),
    "503 of the gateway": (
        {"status": 503, "envelope": "gateway", "detail": ECHO, "headers": {"X-Request-Id": KEY}},
        "Reconciling",
        "NVCFUnavailable",
    ),
    "page": (
        {"status": 200, "body": f"<html>{ECHO}</html>", "contentType": "text/html"},
        "Reconciling",
        "NVCFUnavailable",
    ),
    "redirect": (
        {"status": 302, "headers": {"Location": f"https://elsewhere/?key={quote(KEY)}"}},
        "Reconciling",
        "InvalidAnswer",
    ),
}
"""What PATCH is answered with, and what that leads to."""


def echoes(sandbox: Sandbox, operator: Operator, witness: Witness) -> None:
    """Every kind of error, with the key in it."""
    for number, (name, (answer, condition, reason)) in enumerate(ANSWERS.items(), start=3):
        sandbox.simulator.fault(operation="updateGpuSpecification", name=name, **answer)
        sandbox.namespace.scale("echo", maxInstances=number)
        sandbox.namespace.wait_for("echo", condition, reason=reason, within=60)
        witness.check(name, operator)
        sandbox.simulator.clear_faults()
        sandbox.namespace.annotate("echo", reconcile_requested_at=name.replace(" ", "-"))
        sandbox.namespace.wait_for("echo", within=90)
    challenge = {"WWW-Authenticate": f"Bearer {KEY}"}
    sandbox.simulator.fault(status=401, envelope="gateway", detail=ECHO, headers=challenge)
    sandbox.namespace.annotate("echo", reconcile_requested_at="again")
    sandbox.namespace.wait_for("echo", "CredentialsValid", "False", reason="Unauthorized", within=60)
    witness.check("401", operator)
    sandbox.simulator.clear_faults()
    sandbox.namespace.wait_for("echo", "CredentialsValid", within=60)


BAD_SECRETS: dict[str, tuple[dict[str, str], str]] = {
    "of two lines": ({"key": f"{KEY}\n{KEY}"}, "SecretInvalid"),
    "too long": ({"key": KEY * 500}, "SecretInvalid"),
    "not ASCII": ({"key": f"{KEY}é"}, "SecretInvalid"),
    "user info": ({"key": KEY, "NVCF_BASE_URL": f"https://user:{KEY}@nvcf.example/v2/nvcf"}, "BaseURLNotAllowed"),
    "query": ({"key": KEY, "NVCF_BASE_URL": f"https://nvcf.example/v2/nvcf?key={KEY}"}, "BaseURLNotAllowed"),
}


def bad_secrets(sandbox: Sandbox, operator: Operator, witness: Witness) -> None:
    """Every kind of Secret that holds the key and cannot be used."""
    plane, name = sandbox.namespace.plane, sandbox.namespace.name
    for stage, (data, reason) in BAD_SECRETS.items():
        sandbox.namespace.secret(**data)
        sandbox.namespace.wait_for("echo", "CredentialsValid", "False", reason=reason, within=60)
        witness.check(f"Secret {stage}", operator)
        plane.kubectl("-n", name, "delete", "secret", "nvcf-credentials")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_key_is_seen_nowhere_but_in_its_secret_and_the_header(sandbox: Sandbox, log_format: str) -> None:
    assert life(sandbox, None, log_format) == []


@pytest.mark.parametrize("bug", ["key_logged", "key_quoted"])
def test_a_key_that_leaks_is_found(sandbox: Sandbox, bug: str) -> None:
    leaks = life(sandbox, bug, "json")
    where = {"key_logged": "operator's log", "key_quoted": "objects, 400"}[bug]
    assert any(leak.startswith(f"{where}: plain") for leak in leaks), leaks


def test_a_key_in_a_setting_is_not_repeated(sandbox: Sandbox) -> None:
    url = f"https://user:{KEY}@nvcf.example/v2/nvcf?key={KEY}"
    with Operator.start(sandbox.identity, url, sandbox.log, ready=False, allowed_base_urls=url) as operator:
        eventually(lambda: operator.running, lambda running: not running, within=30, what="the operator has refused")
        assert "--nvcf-base-url" in operator.output()
        assert places(CORE, operator.output()) == []


def test_the_operators_own_key_is_not_shown_either(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.namespace.plane.kubectl("-n", sandbox.namespace.name, "delete", "secret", "nvcf-credentials")
    file = tmp_path / "key"
    settings: dict[str, Any] = {"log_level": "debug", "api_key_namespaces": sandbox.namespace.name}
    file.write_text(f"{KEY}\n")
    witness = Witness(sandbox)
    with sandbox.operator(api_key_file=file, **settings) as operator:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        sandbox.simulator.fault(status=401, detail=ECHO)
        sandbox.namespace.wait_for("echo", "CredentialsValid", "False", reason="Unauthorized", within=60)
        witness.check("401", operator)
        file.write_text(f"{KEY}\n{KEY}\n")
        sandbox.namespace.wait_for("echo", "CredentialsValid", "False", reason="NoCredentials", within=60)
        witness.check("two lines", operator)
    assert witness.leaks() == []
