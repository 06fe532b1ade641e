"""Which of two CloudFunctions asks for a function, while the intent of neither is on record yet."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.reconcile.functions.context import FunctionClaims
from nvcf_operator.reconcile.ports import Accounts, Cluster, Nvcf, Outdated
from tests.unit.core.functions.situations import cloud_function

OLDER = replace(cloud_function(), key=Key("a", "llama", CLOUD_FUNCTION), created="2026-01-01T00:00:00Z")
YOUNGER = replace(cloud_function(), key=Key("b", "llama", CLOUD_FUNCTION), created="2026-01-02T00:00:00Z", uid="other")


def account(*ids: str) -> Nvcf:
    """A key of its own that lists these accounts."""
    found: Any = SimpleNamespace(
        credential=SimpleNamespace(base_url="https://nvcf"), listing=SimpleNamespace(account_ids=frozenset(ids))
    )
    return cast(Nvcf, found)


@pytest.fixture
def known() -> dict[Key, Nvcf]:
    """The accounts of those that were reconciled."""
    return {}


@pytest.fixture
def claims(known: dict[Key, Nvcf]) -> FunctionClaims:
    both = {item.key: item for item in (OLDER, YOUNGER)}
    cluster: Any = SimpleNamespace(named=lambda name: tuple(both), with_function=lambda of: (), get=both.get)
    return FunctionClaims(cast(Cluster, cluster), cast(Accounts, SimpleNamespace(known=known.get)))


def test_two_keys_of_one_account_do_not_ask_for_one_name_at_once(
    claims: FunctionClaims, known: dict[Key, Nvcf]
) -> None:
    known[YOUNGER.key] = account("acme")
    with claims.intending(YOUNGER, known[YOUNGER.key]):  # before the older one was reconciled for the first time
        known[OLDER.key] = account("acme")
        with pytest.raises(Outdated), claims.intending(OLDER, known[OLDER.key]):
            pass
    with claims.intending(OLDER, known[OLDER.key]):
        pass


def test_the_same_name_in_two_accounts_is_two_functions(claims: FunctionClaims, known: dict[Key, Nvcf]) -> None:
    known |= {YOUNGER.key: account("acme"), OLDER.key: account("other")}
    with claims.intending(YOUNGER, known[YOUNGER.key]), claims.intending(OLDER, known[OLDER.key]):
        pass
