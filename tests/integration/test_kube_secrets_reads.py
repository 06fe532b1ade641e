"""How often Secrets are read, by the API server's own audit log."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from hack.controlplane import ControlPlane, read_audit_log
from nvcf_operator.kube import secrets as module
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import connect
from nvcf_operator.kube.secrets import Absent, Denied, SecretRead, Secrets, Unavailable
from nvcf_operator.kube.stored_secret import StoredSecret
from tests.integration.kube_cluster import Admin

NAME = "nvcf-credentials"
FOR_EVER = float("inf")
NOW = 0.0


class Reads:
    """Counts the reads of a namespace's Secrets by the operator."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._plane, self._namespace = plane, namespace
        self._offset = plane.audit_log.stat().st_size

    def __len__(self) -> int:
        return sum(
            event.resource == "secrets"
            and event.namespace == self._namespace
            and event.user == "system:serviceaccount:nvcf-operator-system:nvcf-operator"
            for event in read_audit_log(self._plane.audit_log, self._offset)
        )


@pytest.fixture
async def secrets(operator_identity: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Secrets]:
    monkeypatch.setenv("KUBECONFIG", str(operator_identity))
    connection = await connect(user_agent="nvcf-operator/test")
    yield Secrets(KubeClient(connection))
    await connection.close()


@pytest.fixture
def admin(control_plane: ControlPlane, namespace: str) -> Admin:
    return Admin(control_plane, namespace)


@pytest.fixture
def reads(control_plane: ControlPlane, namespace: str) -> Reads:
    return Reads(control_plane, namespace)


def put(admin: Admin, key: str) -> None:
    made = admin.kubectl(
        "create", "secret", "generic", NAME, f"--from-literal=NGC_API_KEY={key}", "--dry-run=client", "-o", "yaml"
    )
    admin.kubectl("apply", "-f", "-", input=made)


async def test_a_thousand_reconciles_at_once_read_the_secret_once(secrets: Secrets, admin: Admin, reads: Reads) -> None:
    put(admin, "nvapi-test")
    answers = await asyncio.gather(*(secrets.read(admin.namespace, NAME, max_age=FOR_EVER) for _ in range(1000)))
    assert [cast(StoredSecret, answer).data for answer in answers] == [{"NGC_API_KEY": b"nvapi-test"}] * 1000
    assert len(reads) == 1


async def test_who_wants_it_as_it_is_now_shares_at_most_two_calls(secrets: Secrets, admin: Admin, reads: Reads) -> None:
    put(admin, "nvapi-test")
    await asyncio.gather(*(secrets.read(admin.namespace, NAME, max_age=NOW) for _ in range(1000)))
    assert len(reads) <= 2


async def test_a_key_that_was_replaced_is_seen_by_who_asks_for_it_again(
    secrets: Secrets, admin: Admin, reads: Reads
) -> None:
    put(admin, "nvapi-test-old")
    old = await secrets.read(admin.namespace, NAME, max_age=FOR_EVER)
    put(admin, "nvapi-test-new")
    assert await secrets.read(admin.namespace, NAME, max_age=FOR_EVER) == old
    assert len(reads) == 1
    new = await secrets.read(admin.namespace, NAME, max_age=NOW)
    assert cast(StoredSecret, new).data == {"NGC_API_KEY": b"nvapi-test-new"}
    assert await secrets.read(admin.namespace, NAME, max_age=FOR_EVER) == new, "the old key is used no more"
    assert len(reads) == 2


async def test_what_is_not_there_is_asked_for_once_by_all_who_ask_at_once(
    secrets: Secrets, admin: Admin, reads: Reads
) -> None:
    absent = await asyncio.gather(*(secrets.read(admin.namespace, NAME, max_age=FOR_EVER) for _ in range(100)))
    assert set(absent) == {Absent()}
    assert len(reads) == 1


async def test_a_refusal_is_shared_and_believed_when_it_has_lasted(
    secrets: Secrets, admin: Admin, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_at_once() -> set[type[SecretRead]]:
        asked = (secrets.read(admin.namespace, "other", max_age=FOR_EVER) for _ in range(100))
        return {type(answer) for answer in await asyncio.gather(*asked)}

    assert await all_at_once() == {Unavailable}
    assert len(reads) == 1
    monkeypatch.setattr(module, "DOUBT", 0.0)
    assert await all_at_once() == {Denied}
    assert len(reads) == 2
