"""`nvcf-operator check`: each question by a fault of its own, in both generations of the API."""

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane.certificates import Authority
from tests.contract.commands.command_process import Account, Done, nvcf_operator
from tests.contract.scripted_server import answer, reset, serving, silence
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

T10 = {"backend": "GFN", "gpu": "T10", "instanceType": "g4.tiny", "minInstances": 1, "maxInstances": 2}
OPTIONAL = ["list_functions_details", "register_function", "update_function", "update_secrets", "delete_function"]
ALL = ["deploy_function", "list_functions", *OPTIONAL]
QUESTIONS = [
    "key",
    "server",
    "accepted",
    "list_functions",
    "deploy_function",
    *OPTIONAL,
    "policy",
    "account",
    "deployments",
    "instances",
    "catalogue",
]


@dataclass(frozen=True)
class Checked:
    """What a check said."""

    code: int
    results: dict[str, str]
    texts: dict[str, str]

    @classmethod
    def of(cls, done: Done) -> "Checked":
        """Read the lines."""
        rows = [line.split(maxsplit=2) for line in done.stdout.partition("\n\n")[0].splitlines()]
        assert done.stderr == ""
        assert [row[1] for row in rows] == QUESTIONS, done.stdout
        return cls(done.returncode, {row[1]: row[0] for row in rows}, {row[1]: row[2] for row in rows})

    @property
    def failed(self) -> set[str]:
        """Questions whose answer is failed."""
        return {name for name, result in self.results.items() if result == "failed"}

    @property
    def unknown(self) -> set[str]:
        """Questions without an answer."""
        return {name for name, result in self.results.items() if result == "unknown"}


def checked(url: str, folder: Path, *arguments: str, key: str = KEY) -> Checked:
    return Checked.of(Account(url, folder, key).run("check", *arguments))


def served(simulator: Simulator, name: str = "echo", **changes: Any) -> str:
    """A function that is ACTIVE; the id of its version."""
    _, version = simulator.add_function(name)
    simulator.deploy(version, {**T10, **changes})
    states = ["running"] * changes.get("minInstances", 1)
    eventually(lambda: _state(simulator, version), lambda seen: seen == ("ACTIVE", states), within=15, what="it serves")
    return version


def _state(simulator: Simulator, version: str) -> tuple[str, list[str]]:
    (status,) = (item["status"] for item in simulator.state()["functions"] if item["versionId"] == version)
    return status, [item["state"] for item in simulator.allocations() if item["functionVersionId"] == version]


def with_scopes(simulator: Simulator, *scopes: str) -> str:
    """A key with these scopes."""
    simulator.add_key("limited", "nvapi-limited", scopes=list(scopes))
    return "nvapi-limited"


def test_all_is_ok_and_what_runs_is_shown(simulator: Simulator, tmp_path: Path) -> None:
    version = served(simulator, minInstances=2)
    done = Account(simulator.url, tmp_path, KEY).run("check")
    found = Checked.of(done)
    assert (found.code, found.failed, found.unknown) == (0, set(), {"policy", "catalogue"})
    assert found.texts["account"] == "acme"
    assert found.texts["deployments"].startswith("1 version of 1 function deployed: 1 ACTIVE")
    assert found.texts["instances"] == "2 instances running for 1 version"
    heads, row = (line.split() for line in done.stdout.splitlines()[-2:])
    assert heads == ["FUNCTION", "VERSION", "STATUS", "RUNNING"]
    assert row == ["echo", version, "ACTIVE", "2"]


def test_a_new_account_is_fit_and_what_cannot_be_known_is_unknown(simulator: Simulator, tmp_path: Path) -> None:
    found = checked(simulator.url, tmp_path)
    assert (found.code, found.failed) == (0, set())
    assert found.unknown == {"list_functions_details", "policy", "account", "catalogue"}


@pytest.mark.parametrize("scope", [True, False])
def test_a_version_that_is_not_deployed_shows_the_scope_for_details(
    simulator: Simulator, tmp_path: Path, scope: bool
) -> None:
    simulator.add_function("idle")
    key = with_scopes(simulator, *(name for name in ALL if scope or name != "list_functions_details"))
    found = checked(simulator.url, tmp_path, key=key)
    assert found.results["list_functions_details"] == ("ok" if scope else "failed")
    assert found.texts["instances"] == "nothing is deployed, so nothing runs"


def test_json_says_the_same_for_programs(simulator: Simulator, tmp_path: Path) -> None:
    version = served(simulator)
    text = Account(simulator.url, tmp_path, KEY).run("check")
    done = Account(simulator.url, tmp_path, KEY).run("check", "-o", "json")
    value = json.loads(done.stdout)
    assert (done.returncode, value["ok"], value["accountId"], value["baseUrl"]) == (0, True, "acme", simulator.url)
    assert {item["question"]: item["result"] for item in value["answers"]} == Checked.of(text).results
    assert [item["question"] for item in value["answers"] if item["required"]] == QUESTIONS[:5]
    (one,) = value["deployed"]
    assert (one["functionVersionId"], one["functionStatus"], one["runningInstances"]) == (version, "ACTIVE", 1)


@pytest.mark.parametrize(
    ("missing", "code", "failed"),
    [("deploy_function", 1, "deploy_function"), *((scope, 0, scope) for scope in OPTIONAL)],
)
def test_a_scope_that_the_key_lacks_is_named(
    simulator: Simulator, tmp_path: Path, missing: str, code: int, failed: str
) -> None:
    served(simulator)
    key = with_scopes(simulator, *(scope for scope in ALL if scope != missing))
    found = checked(simulator.url, tmp_path, key=key)
    assert (found.code, found.failed) == (code, {failed})
    assert f"the key lacks the scope {missing}" in found.texts[failed]


def test_what_tries_a_scope_changes_nothing_and_is_about_nothing(simulator: Simulator, tmp_path: Path) -> None:
    served(simulator)
    before = simulator.state()["functions"]
    assert checked(simulator.url, tmp_path).code == 0
    tried = [entry for entry in simulator.log() if entry["mutating"]]
    assert {entry["operation"] for entry in tried} >= {"createVersion", "updateSecrets", "deleteFunction"}
    assert {entry["status"] for entry in tried} <= {404, 405}
    assert simulator.state()["functions"] == before


def test_a_key_for_one_function_has_the_scopes_and_its_policy_is_not_checked(
    simulator: Simulator, tmp_path: Path
) -> None:
    function, _ = simulator.add_function("echo")
    simulator.add_key("one", "nvapi-one", resources=[f"function:{function}/*"])
    found = checked(simulator.url, tmp_path, key="nvapi-one")
    assert (found.code, found.failed) == (0, set())
    assert found.results["policy"] == "unknown"
    assert "not checked" in found.texts["policy"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 500}, "NVCF returned an error (500"),
        ({"status": 405, "envelope": "framework"}, "this server does not have the call (405"),
        ({"status": 404, "envelope": "framework"}, "this server does not have the call (404"),
        ({"reset": True}, "the connection"),
    ],
)
def test_a_scope_that_cannot_be_tried_is_unknown_and_no_reason_to_fail(
    current: Simulator, tmp_path: Path, fault: dict[str, Any], words: str
) -> None:
    current.fault(operation="deleteFunction", **fault)
    found = checked(current.url, tmp_path)
    assert (found.code, found.failed, found.results["delete_function"]) == (0, set(), "unknown")
    assert words in found.texts["delete_function"]


def test_a_key_that_may_not_list_but_deploy_is_distinguished_from_a_bad_one(
    simulator: Simulator, tmp_path: Path
) -> None:
    found = checked(simulator.url, tmp_path, key=with_scopes(simulator, "deploy_function"))
    assert (found.code, found.failed) == (1, {"list_functions", *OPTIONAL[1:]})
    assert {found.results[name] for name in ("key", "server", "accepted", "deploy_function")} == {"ok"}


@pytest.mark.parametrize("key", ["nvapi-unknown", "not-even-a-jwt"])
def test_a_bad_key_is_reported(simulator: Simulator, tmp_path: Path, key: str) -> None:
    found = checked(simulator.url, tmp_path, key=key)
    assert (found.code, found.failed) == (1, {"accepted"})
    assert found.results["server"] == "ok"
    assert found.unknown == set(QUESTIONS[3:])
    assert "15 minutes" in found.texts["accepted"]


def test_a_bad_key_is_reported_through_the_gateway_as_well(current: Simulator, tmp_path: Path) -> None:
    found = checked(current.url.replace("/v2/nvcf", "/v2/orgs/o/nvcf"), tmp_path, key="nvapi-unknown")
    assert (found.code, found.failed) == (1, {"accepted"})
    assert "does not accept the key (401" in found.texts["accepted"]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ('"nvapi-x1y2z3"', "quotation marks"),
        ("NGC_API_KEY=nvapi-x1y2z3", "like a line of an env file"),
        ("bnZhcGkteDF5Mnoz", "base64 of a key"),
    ],
)
def test_what_looks_like_a_mistake_in_a_refused_key_is_reported(
    current: Simulator, tmp_path: Path, key: str, hint: str
) -> None:
    found = checked(current.url, tmp_path, key=key)
    assert found.failed == {"accepted"}
    assert hint in found.texts["accepted"]
    assert "x1y2z3" not in str(found)
    imported = Account(current.url, tmp_path, key).run("import")
    assert imported.returncode == 1
    assert hint in imported.stderr


def test_a_key_of_an_account_that_is_gone_is_reported(current: Simulator, tmp_path: Path) -> None:
    current.add_account("gone")
    current.add_key("late", "nvapi-late", ncaId="gone")
    current.remove_account("gone")
    current.fault(operation="listFunctions", status=404, detail="Account 'gone': Not found")
    found = checked(current.url, tmp_path, key="nvapi-late")
    assert (found.code, found.failed) == (1, {"accepted"})
    assert "no account for this key" in found.texts["accepted"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "the API key is empty"), (b"a b", "one line of visible ASCII"), (b"\xff", "ASCII"), (None, "no such file")],
)
def test_a_key_that_cannot_be_sent_is_reported_and_nothing_is_asked(
    current: Simulator, tmp_path: Path, content: bytes | None, words: str
) -> None:
    account = Account(current.url, tmp_path, "nvapi-never-written")
    if content is None:
        account.file.unlink()
    else:
        account.file.write_bytes(content)
    found = Checked.of(account.run("check"))
    assert (found.code, found.failed, found.unknown) == (1, {"key"}, set(QUESTIONS[1:]))
    assert words in found.texts["key"]
    assert current.log() == []


class TestServer:
    """What is wrong on the way to NVCF, each in words of its own."""

    @staticmethod
    def failed(url: str, folder: Path, words: str, *arguments: str) -> None:
        found = checked(url, folder, *arguments)
        assert (found.code, found.failed, found.unknown) == (1, {"server"}, set(QUESTIONS[2:]))
        assert words in found.texts["server"]

    def test_a_port_where_nothing_listens(self, tmp_path: Path) -> None:
        self.failed("http://127.0.0.1:1/v2/nvcf", tmp_path, "Connection refused: nothing is listening there")

    def test_a_name_without_an_address(self, tmp_path: Path) -> None:
        self.failed("http://no-such-host.invalid/v2/nvcf", tmp_path, "the host's name cannot be resolved")

    def test_a_certificate_that_is_not_trusted(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path / "certificates")
        pair = authority.server("nvcf", dns=["localhost"], addresses=["127.0.0.1"])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.certificate, pair.key)
        with serving(answer(200, b'{"functions": []}'), tls=context) as server:
            self.failed(server.url, tmp_path, "TLS failed. For a certificate from a private CA set --nvcf-ca-file")
            trusted = Account(server.url, tmp_path, KEY).run("check", f"--nvcf-ca-file={authority.certificate}")
        assert Checked.of(trusted).results["server"] == "ok"

    @pytest.mark.parametrize("status", [200, 401, 403, 404, 502])
    def test_a_page_that_is_not_nvcfs(self, tmp_path: Path, status: int) -> None:
        with serving(answer(status, b"<html>hello</html>", Content_Type="text/html")) as server:
            self.failed(server.url, tmp_path, "response did not come from NVCF: the answer is not")

    def test_a_path_that_is_not_nvcfs(self, current: Simulator, tmp_path: Path) -> None:
        self.failed(current.url.replace("/v2/nvcf", "/v3"), tmp_path, "no such path (404")

    def test_a_redirect(self, tmp_path: Path) -> None:
        with serving(answer(307, Location="https://elsewhere.example/v2/nvcf")) as server:
            self.failed(server.url, tmp_path, "redirects are not followed, correct the base URL")

    def test_a_server_that_says_nothing(self, tmp_path: Path) -> None:
        with serving(silence) as server:
            self.failed(server.url, tmp_path, "answer within the timeout. Try again; --timeout", "--timeout=0.5s")

    def test_a_server_that_hangs_up(self, tmp_path: Path) -> None:
        with serving(reset) as server:
            self.failed(server.url, tmp_path, "the connection")

    def test_a_server_that_fails(self, current: Simulator, tmp_path: Path) -> None:
        current.fault(status=503, detail="down for the night")
        self.failed(current.url, tmp_path, "NVCF returned an error (503: down for the night). Try again later")


def test_a_slow_server_passes_within_the_timeout(simulator: Simulator, tmp_path: Path) -> None:
    simulator.fault(operation="listFunctions", delay=1.5)
    assert checked(simulator.url, tmp_path).code == 0
    assert checked(simulator.url, tmp_path, "--timeout=0.5").failed == {"server"}


def test_a_server_that_throttles_is_there_and_the_rest_is_unknown(simulator: Simulator, tmp_path: Path) -> None:
    simulator.fault(status=429)
    found = checked(simulator.url, tmp_path)
    assert (found.code, found.failed, found.results["server"]) == (1, set(), "ok")
    assert "too many calls (429" in found.texts["accepted"]
    assert 1 < len(simulator.log(operation="listFunctions")) <= 4, "asked again, with an end"


def test_a_failure_that_passes_is_waited_for(simulator: Simulator, tmp_path: Path) -> None:
    simulator.fault(count=2, status=502)
    assert checked(simulator.url, tmp_path).code == 0


def test_a_scope_that_cannot_be_found_out_is_unknown_and_not_passed(simulator: Simulator, tmp_path: Path) -> None:
    simulator.fault(operation="getDeployment", status=500)
    found = checked(simulator.url, tmp_path)
    assert (found.code, found.results["deploy_function"], found.failed) == (1, "unknown", set())


def test_instances_that_nvcf_cannot_read_are_unknown_and_no_reason_to_fail(current: Simulator, tmp_path: Path) -> None:
    served(current)
    current.behave(loop=False, dependencies={"instances": {"status": 503}})
    found = checked(current.url, tmp_path)
    assert (found.code, found.failed) == (0, set())
    assert {"list_functions_details", "instances"} <= found.unknown


def test_a_version_that_is_active_without_an_instance_is_named(current: Simulator, tmp_path: Path) -> None:
    version, idle = served(current), served(current, "idle")
    current.behave(loop=False)
    current.lose(idle)
    found = checked(current.url, tmp_path)
    assert found.texts["instances"] == f"1 instance running for 2 versions; ACTIVE without a running instance: {idle}"
    assert version not in found.texts["instances"]


def test_statuses_are_counted(current: Simulator, tmp_path: Path) -> None:
    current.behave(loop=False)
    for number, status in enumerate(["ACTIVE", "ACTIVE", "DEGRADED", "ERROR"]):
        _, version = current.add_function(f"f{number}")
        current.deploy(version, T10)
        current.change(version, status=status)
    current.add_function("idle")
    text = checked(current.url, tmp_path).texts["deployments"]
    assert text == ("4 versions of 4 functions deployed: 2 ACTIVE, 1 DEGRADED, 1 ERROR; 1 not deployed, or draining")


def test_what_of_the_list_cannot_be_read_is_named(current: Simulator, tmp_path: Path) -> None:
    _, version = current.add_function("odd")
    current.change(version, odd={"status": None})
    found = checked(current.url, tmp_path)
    assert found.code == 0
    assert found.texts["list_functions"] == (
        "the key may list functions; skipped, because it cannot be read: "
        "functions[].status: Input should be a valid string"
    )


@pytest.mark.parametrize("revoked", [False, True])
def test_what_the_gateway_announces_is_shown(current: Simulator, tmp_path: Path, revoked: bool) -> None:
    current.behave(envelope="gateway", notice="PUT of deployments ends in May")
    current.change_key("default", revoked=revoked)
    done = Account(current.url, tmp_path, KEY).run("check")
    assert done.returncode == revoked
    assert "announced" in done.stdout
    assert "the gateway says: PUT of deployments ends in May" in done.stdout


def test_a_base_url_of_a_team_is_refused_and_the_one_that_replaces_it_is_named() -> None:
    done = nvcf_operator("check", "--nvcf-base-url=https://api.ngc.nvidia.com/v2/orgs/o/teams/t/nvcf")
    assert done.returncode == 2
    assert "use https://api.ngc.nvidia.com/v2/orgs/o/nvcf" in done.stderr


def test_all_mistakes_are_reported_at_once_and_nothing_is_asked() -> None:
    done = nvcf_operator("check", "--nvcf-host-header=a b", "--timeout=soon", "-o", "xml")
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.partition(": ")[2].split(":")[0] for line in done.stderr.splitlines()] == [
        "--nvcf-host-header (NVCF_OPERATOR_NVCF_HOST_HEADER)",
        "--api-key-file (NVCF_OPERATOR_API_KEY_FILE)",
        "--timeout",
        "--output",
    ]
