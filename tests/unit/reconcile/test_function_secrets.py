"""Secrets of a function as they are read: who consents, what is remembered of values, and when they are read again."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from nvcf_operator.api.function_spec import SecretFormat
from nvcf_operator.core.functions.model.observed import SecretsSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.kube.errors import Unavailable as NotReached
from nvcf_operator.kube.secrets import Absent, Denied, SecretRead, Unavailable
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.reconcile.functions.secrets import ANY, NOW, SOON, SecretReader, SecretsDue, Values
from nvcf_operator.reconcile.ports import Outdated
from nvcf_operator.state.function_state import FunctionLocalState
from tests.unit.core.functions.situations import cloud_function

VALUE = "hunter2-größe-<&>"
ALLOW = "nvcf-operator.io/allow-function"


@dataclass
class Store:
    """Gives Secrets by name, and notes how old each may have been."""

    secrets: dict[str, SecretRead] = field(default_factory=dict)
    reads: list[tuple[str, float]] = field(default_factory=list)

    async def read(self, namespace: str, name: str, *, max_age: float) -> SecretRead:
        assert namespace == "team"
        self.reads.append((name, max_age))
        return self.secrets.get(name, Absent())


def reads(store: Store) -> SecretReader:
    """A reader of that store."""
    return SecretReader(store, SecretsDue(100.0))


def stored(version: str = "1", *, allow: str | None = "llama", **data: str) -> StoredSecret:
    """A Secret of that version."""
    annotations = {ALLOW: allow} if allow is not None else {}
    return StoredSecret({key: text.encode() for key, text in data.items()}, "uid", version, annotations)


def function(*entries: tuple[str, str, str], status: dict[str, Any] | None = None, **more: Any) -> CloudFunction:
    """A CloudFunction with secrets of a name, from a Secret and a key."""
    secrets = [{"name": name, "secretRef": {"name": secret, "key": key}} for name, secret, key in entries]
    return cloud_function(spec={"secrets": secrets}, status=status, **more)


ONE = function(("A", "s", "a"))


def failure(read: SecretRead, of: CloudFunction = ONE) -> Failure:
    """Why a Secret cannot be used."""
    found = asyncio.run(reads(Store({"s": read})).read(of, max_age=NOW))
    assert isinstance(found, Failure)
    assert VALUE not in found.message
    return found


@pytest.mark.parametrize("allow", ["llama", "*", "other,llama", " other , llama ", "*,other"])
def test_a_secret_consents_by_name_list_or_asterisk(allow: str) -> None:
    found = asyncio.run(reads(Store({"s": stored(a=VALUE, allow=allow)})).read(ONE, max_age=NOW))
    assert isinstance(found, Values)
    assert VALUE not in repr(found)


@pytest.mark.parametrize("allow", [None, "", ",", "llama2", "LLAMA", "l*", "other llama"])
def test_anything_else_is_no_consent(allow: str | None) -> None:
    found = failure(stored(a=VALUE, allow=allow))
    assert found.reason == Reason.SECRET_NOT_CONSENTING
    assert "kubectl annotate secret s -n team --overwrite nvcf-operator.io/allow-function=llama" in found.message


def test_the_command_that_allows_it_keeps_what_others_were_allowed() -> None:
    found = failure(stored(a=VALUE, allow="other, llama2 ,x; reboot,$(id)"))
    assert found.message.endswith(" nvcf-operator.io/allow-function=llama2,other,llama")


@pytest.mark.parametrize(
    ("read", "reason", "scope"),
    [
        (Absent(), Reason.SECRET_MISSING, Scope.RESOURCE),
        (stored(b=VALUE), Reason.SECRET_MISSING, Scope.RESOURCE),
        (Denied("forbidden"), Reason.SECRET_NOT_PERMITTED, Scope.RESOURCE),
        (Unavailable("timed out"), Reason.SECRET_UNREADABLE, Scope.SERVER),
        (stored(a=""), Reason.SECRET_INVALID, Scope.RESOURCE),
    ],
)
def test_why_a_secret_cannot_be_used(read: SecretRead, reason: Reason, scope: Scope) -> None:
    found = failure(read)
    assert (found.reason, found.scope) == (reason, scope)
    assert "team/s" in found.message


def test_each_secret_is_read_once_for_all_its_keys() -> None:
    store = Store({"s": stored(a=VALUE, b="x"), "t": stored(c="y")})
    asyncio.run(reads(store).read(function(("A", "s", "a"), ("B", "s", "b"), ("C", "t", "c")), max_age=SOON))
    assert store.reads == [("s", SOON), ("t", SOON)]


def recording(*digests: str | None) -> CloudFunction:
    """A CloudFunction whose versions have values from these sources."""
    versions = [{"versionId": f"v{i}", "hash": "h", "secrets": digest} for i, digest in enumerate(digests)]
    return function(("A", "s", "a"), ("B", "s", "b"), status={"versions": versions, "observedGeneration": 1})


def test_what_has_changed_is_known_by_hashes_of_this_process_alone() -> None:
    store = Store()
    reader, local = reads(store), FunctionLocalState(uid="u")

    def seen(secret: StoredSecret, *digests: str | None) -> SecretsSeen:
        store.secrets["s"] = secret
        return asyncio.run(reader.seen(recording(*digests), local, max_age=NOW))

    first = seen(stored("1", a=VALUE, b="x"))
    assert first.sources is not None
    assert first.changed_since == {}
    metadata = seen(stored("2", a=VALUE, b="x"), first.sources)
    assert metadata.sources not in (None, first.sources)
    assert metadata.changed_since == {first.sources: frozenset()}
    changed = seen(stored("3", a=f"{VALUE}!", b="x"), first.sources, "of another process")
    assert changed.changed_since == {first.sources: frozenset({"A"})}
    assert VALUE not in f"{local!r} {changed!r}"
    assert json.dumps(sorted(local.secret_hashes)) == json.dumps(sorted({str(first.sources), str(changed.sources)}))
    other = reads(store)
    elsewhere = FunctionLocalState(uid="u")
    asyncio.run(other.seen(recording(), elsewhere, max_age=NOW))
    known = str(changed.sources)
    assert elsewhere.secret_hashes[known]["A"] != local.secret_hashes[known]["A"], "each process has its own key"


def test_another_format_of_the_same_text_is_another_value() -> None:
    store = Store({"s": stored(a='{"x": 1}')})
    reader, local = reads(store), FunctionLocalState(uid="u")
    text = asyncio.run(reader.seen(ONE, local, max_age=NOW))
    assert ONE.spec is not None
    assert ONE.spec.secrets is not None
    (secret,) = ONE.spec.secrets
    entry = {"versionId": "v", "hash": "h", "secrets": text.sources}
    parsed = cloud_function(
        spec={"secrets": [{**secret.to_dict(), "format": SecretFormat.JSON}]},
        status={"versions": [entry], "observedGeneration": 1},
    )
    found = asyncio.run(reader.seen(parsed, local, max_age=NOW))
    assert found.changed_since == {text.sources: frozenset({"A"})}


def test_values_that_are_large_together_are_noticed() -> None:
    local = FunctionLocalState(uid="u")
    for size, large in ((4000, False), (9000, True)):
        store = Store({"s": stored(a="x" * size)})
        assert asyncio.run(reads(store).seen(ONE, local, max_age=NOW)).large is large


def test_right_before_a_call_a_failure_ends_the_reconcile() -> None:
    with pytest.raises(Outdated):
        asyncio.run(reads(Store()).current(ONE))
    with pytest.raises(NotReached):
        asyncio.run(reads(Store({"s": Unavailable("timed out")})).current(ONE))


def test_secrets_are_read_again_at_first_then_when_due_and_on_request() -> None:
    due, local = SecretsDue(100.0), FunctionLocalState(uid="u")
    assert due.max_age(ONE, local, 0.0) == NOW
    assert local.secrets_due is not None
    assert 70.0 <= local.secrets_due <= 100.0
    synced = {"conditions": [{"type": "SecretsSynced", "status": "True", "reason": "SecretsSynced"}]}
    calm = function(("A", "s", "a"), status=synced)
    assert due.max_age(calm, local, 1.0) == ANY
    assert due.max_age(calm, local, 101.0) == NOW
    assert due.max_age(calm, local, 102.0) == ANY
    assert due.left(local, 101.0) == pytest.approx(local.secrets_due - 101.0)
    assert due.left(local, 999.0) == 50.0, "not at once, where a reconcile did not come to it"
    for request in ("secrets-requested-at", "reconcile-requested-at"):
        assert due.max_age(function(("A", "s", "a"), annotations={request: "now"}), local, 103.0) == NOW


@pytest.mark.parametrize("reason", ["SecretMissing", "SecretNotConsenting", "SecretNotPermitted", "SecretInvalid"])
def test_a_secret_that_could_not_be_used_is_read_again_soon(reason: str) -> None:
    due, local = SecretsDue(100.0), FunctionLocalState(uid="u", secrets_due=50.0)
    failing = {"conditions": [{"type": "SecretsSynced", "status": "False", "reason": reason}]}
    assert due.max_age(function(("A", "s", "a"), status=failing), local, 1.0) == SOON
