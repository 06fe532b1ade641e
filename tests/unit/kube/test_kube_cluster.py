"""Where the cluster is found, and what is said when it is not."""

import asyncio
import gc
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.controlplane.certificates import Authority
from nvcf_operator.kube import cluster
from nvcf_operator.kube.cluster import ConnectionProblem, load
from tests.unit.kube.kube_server import Pod, kubeconfig

SERVER = "https://127.0.0.1:6443"
SECRET = "very-secret-token"


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return Authority(tmp_path / "certificates").certificate


def plugin(tmp_path: Path, status: dict[str, Any] | None, *, exits: int = 0) -> dict[str, Any]:
    """A user whose credentials come from a program, which counts how often it was asked in a file `asked`."""
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    count = f"with open({str(tmp_path / 'asked')!r}, 'a') as file: file.write('x')"
    program = f"import sys\n{count}\nprint({json.dumps(answer)!r})\nsys.exit({exits})"
    return {"exec": {"apiVersion": answer["apiVersion"], "command": sys.executable, "args": ["-c", program]}}


def asked(tmp_path: Path) -> int:
    return len((tmp_path / "asked").read_text())


async def test_kubeconfig_wins_over_the_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: Path, pod: Pod
) -> None:
    pod(ca=ca)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "k", SERVER, user={"token": "t"})))
    found = await load()
    assert (found.configuration.host, found.namespace, found.in_pod) == (SERVER, "here", False)
    assert await found.authorization() == "Bearer t"


async def test_the_pod_wins_over_the_kubeconfig_in_the_home(tmp_path: Path, ca: Path, pod: Pod) -> None:
    pod(ca=ca, port=6443)
    (tmp_path / "home/.kube").mkdir(parents=True)
    kubeconfig(tmp_path / "home/.kube/config", "https://elsewhere:1")
    found = await load()
    assert (found.configuration.host, found.namespace, found.in_pod) == (SERVER, "pod-namespace", True)
    assert await found.authorization() == "bearer pod-token"


async def test_the_kubeconfig_in_the_home_is_the_last_one(tmp_path: Path) -> None:
    (tmp_path / "home/.kube").mkdir(parents=True)
    kubeconfig(tmp_path / "home/.kube/config", SERVER)
    found = await load()
    assert (found.configuration.host, found.source) == (SERVER, "~/.kube/config")
    assert await found.authorization() is None


async def test_without_a_cluster_all_three_places_are_named() -> None:
    with pytest.raises(ConnectionProblem) as caught:
        await load()
    for place in ("KUBECONFIG (not set)", str(cluster.SERVICE_ACCOUNT), "~/.kube/config"):
        assert place in str(caught.value)


async def test_several_files_are_one_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubeconfig(tmp_path / "one", SERVER, user={"token": "t"})
    parts = yaml.safe_load((tmp_path / "one").read_text())
    (tmp_path / "two").write_text(yaml.safe_dump({"users": parts.pop("users")}))
    (tmp_path / "one").write_text(yaml.safe_dump(parts))
    names = [str(tmp_path / name) for name in ("one", "two", "not-there")]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(names))
    assert await (await load()).authorization() == "Bearer t"


@dataclass(frozen=True)
class Broken:
    reason: str
    content: str | None
    says: str


def changed(change: Callable[[dict[str, Any]], Any]) -> str:
    content = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": SERVER}}],
        "users": [{"name": "test", "user": {"token": SECRET}}],
    }
    change(content)
    return yaml.safe_dump(content)


BROKEN = [
    Broken("no file", None, "there is no such file"),
    Broken("an empty file", "", "it is not a kubeconfig"),
    Broken("a text", "hello", "it is not a kubeconfig"),
    Broken("no YAML", f"users: [{{token: {SECRET}", "in line"),
    Broken("bytes", "\x00", "it is not a kubeconfig"),
    Broken("no context chosen", changed(lambda c: c.pop("current-context")), "current-context"),
    Broken("a context that is not there", changed(lambda c: c.update({"current-context": "other"})), "other"),
    Broken("no cluster of that name", changed(lambda c: c["clusters"].clear()), "test"),
    Broken("a cluster without its content", changed(lambda c: c["clusters"][0].pop("cluster")), "Expected key cluster"),
    Broken(
        "a user without the level `user`",
        changed(lambda c: c.update(users=[{"name": "test", "token": SECRET}])),
        "Expected key user",
    ),
    Broken(
        "a plugin without a command",
        changed(lambda c: c.update(users=[{"name": "test", "user": {"exec": {"env": [SECRET]}}}])),
        "the exec plugin gave no credentials; the log says why",
    ),
    Broken(
        "an authority that is not there",
        changed(lambda c: c["clusters"][0]["cluster"].update({"certificate-authority": "/not/there"})),
        "File does not exists: /not/there",
    ),
    Broken(
        "an authority that is not base64",
        changed(lambda c: c["clusters"][0]["cluster"].update({"certificate-authority-data": "x"})),
        "it is not a kubeconfig",
    ),
    Broken(
        "a token file that is not there",
        changed(lambda c: c.update(users=[{"name": "test", "user": {"tokenFile": "/not/there"}}])),
        "No such file or directory: '/not/there'",
    ),
]


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.reason)
async def test_a_broken_kubeconfig_is_named_with_its_mistake_and_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Broken
) -> None:
    path = tmp_path / "kubeconfig"
    if case.content is not None:
        path.write_text(case.content)
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(ConnectionProblem) as caught:
        await load()
    assert str(caught.value).startswith(f"KUBECONFIG={path}")
    assert case.says in str(caught.value)
    assert SECRET not in str(caught.value)
    hidden = caught.value.__suppress_context__ or caught.value.__context__ is None
    assert hidden, "a traceback would show what the client's own error repeats"


async def test_a_pod_without_its_authority_reports_it(ca: Path, pod: Pod) -> None:
    folder = pod(ca=ca)
    (folder / "ca.crt").unlink()
    with pytest.raises(ConnectionProblem, match=r"the pod's ServiceAccount.*certification file does not exist"):
        await load()


async def test_a_pods_token_is_read_again_each_minute(ca: Path, pod: Pod) -> None:
    folder = pod(ca=ca)
    found = await load()
    assert await found.authorization() == "bearer pod-token"
    (folder / "token").write_text("next-token")
    loader = found.configuration.refresh_api_key_hook.__closure__[0].cell_contents
    loader.token_expires_at -= 2 * loader._token_refresh_period
    assert await found.authorization() == "bearer next-token"


async def test_a_token_file_is_read_again_each_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("first\n")
    path = kubeconfig(tmp_path / "kubeconfig", SERVER, user={"tokenFile": "token"})
    monkeypatch.setenv("KUBECONFIG", str(path))
    found = await load()
    (tmp_path / "token").write_text("second\n")
    assert await found.authorization() == "Bearer first", "not yet"
    found.configuration.refresh_api_key_hook._due = 0.0
    assert await found.authorization() == "Bearer second"


async def test_a_token_file_that_is_gone_leaves_the_old_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_text("first")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "kubeconfig", SERVER, user={"tokenFile": "token"})))
    found = await load()
    (tmp_path / "token").unlink()
    found.configuration.refresh_api_key_hook._due = 0.0
    assert await found.authorization() == "Bearer first"
    assert "the kubeconfig's credentials were not renewed" in caplog.text


@dataclass(frozen=True)
class Plugin:
    reason: str
    status: dict[str, Any]
    asked: int


PLUGINS = [
    Plugin("a token for ever is kept until it is refused", {"token": "t"}, 1),
    Plugin("a token that is good for long is kept", {"token": "t", "expirationTimestamp": "2099-01-01T00:00:00Z"}, 1),
    Plugin("a token that runs out is renewed", {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}, 2),
]


@pytest.mark.parametrize("case", PLUGINS, ids=lambda case: case.reason)
async def test_an_exec_plugin_is_asked_when_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Plugin
) -> None:
    path = kubeconfig(tmp_path / "kubeconfig", SERVER, user=plugin(tmp_path, case.status))
    monkeypatch.setenv("KUBECONFIG", str(path))
    found = await load()
    assert await found.authorization() == "Bearer t"
    found.configuration.refresh_api_key_hook._due = 0.0
    assert await found.authorization() == "Bearer t"
    assert asked(tmp_path) == case.asked


async def test_an_exec_plugin_that_fails_is_no_anonymous_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = kubeconfig(tmp_path / "kubeconfig", SERVER, user=plugin(tmp_path, None, exits=3))
    monkeypatch.setenv("KUBECONFIG", str(path))
    with caplog.at_level(logging.ERROR), pytest.raises(ConnectionProblem, match="exec plugin gave no credentials"):
        await load()
    assert "process returned 3" in caplog.text


async def test_an_exec_plugin_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = plugin(tmp_path, {"token": "t"})
    user["exec"]["args"] = ["-c", "import time; time.sleep(1.5)"]
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "kubeconfig", SERVER, user=user)))
    monkeypatch.setattr(cluster, "PLUGIN_TIMEOUT", 0.3)
    with pytest.raises(ConnectionProblem, match="no credentials were returned within"):
        await load()
    await plugins_ended()


async def plugins_ended(deadline: float = 20.0) -> None:
    """Wait for the processes of this loop, which the official client does not end itself."""
    until = time.monotonic() + deadline
    while running := [
        found.get_pid()
        for found in gc.get_objects()
        if issubclass(type(found), asyncio.SubprocessTransport) and found.get_returncode() is None
    ]:
        assert time.monotonic() < until, f"processes {running} still run after {deadline:.0f} s"
        await asyncio.sleep(0.05)


async def test_a_file_that_is_asked_for_wins_over_all_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: Path, pod: Pod
) -> None:
    pod(ca=ca)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "k", "https://elsewhere:1", user={"token": "t"})))
    asked = str(kubeconfig(tmp_path / "größe", SERVER, user={"token": "ü"}))
    found = await load(asked)
    assert (found.configuration.host, found.namespace, found.in_pod) == (SERVER, "here", False)
    assert await (await found.reload()).authorization() == "Bearer ü"
    with pytest.raises(ConnectionProblem, match="there is no such file"):
        await load(str(tmp_path / "missing"))


async def test_a_context_is_chosen_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: Path, pod: Pod
) -> None:
    pod(ca=ca)
    path = kubeconfig(tmp_path / "k", SERVER, user={"token": "t"})
    config = yaml.safe_load(path.read_text())
    (context,) = config["contexts"]
    config["contexts"].append({"name": "große", "context": {**context["context"], "namespace": "team-a"}})
    path.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    found = await load("", "große")
    assert (found.namespace, found.in_pod, found.source) == ("team-a", False, f"{path}, context große")
    assert (await found.reload()).namespace == "team-a"
    with pytest.raises(ConnectionProblem, match="context missing cannot be used"):
        await load(str(path), "missing")
