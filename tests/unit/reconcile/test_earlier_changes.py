"""Which versions a new process keeps from being deployed, since an earlier one may still be changing them."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment
from nvcf_operator.reconcile.functions.doubts import doubt_earlier_changes, settle
from nvcf_operator.reconcile.ports import Nvcf
from nvcf_operator.state.deployments import Target
from nvcf_operator.state.function_state import FunctionLocalState
from nvcf_operator.state.version_writes import Call, VersionWrites
from tests.unit.core.functions.situations import FIRST, FUNCTION, SECOND, cloud_function, recorded, situation, version
from tests.unit.core.functions.templates import UID

URL = "https://nvcf"
TAGS: Mapping[str, Any] = {"spec": {"tags": ["neu"]}}


class Started:
    """A process that has just started."""

    def __init__(self) -> None:
        self.writes = VersionWrites(lambda: 100.0)
        self.environment = cast(FunctionEnvironment, SimpleNamespace(version_writes=self.writes))
        self.local = FunctionLocalState(uid=UID)

    def sees(self, of: CloudFunction, *versions: VersionSeen) -> None:
        """It observes a resource and its versions."""
        account = cast(Nvcf, SimpleNamespace(credential=SimpleNamespace(base_url=URL)))
        context = FunctionContext(situation(of, *versions), self.local, Priority.LOW, account)
        settle(self.environment, context, versions)
        doubt_earlier_changes(self.environment, context)

    def locked_for(self, version_id: str = FIRST, call: Call = Call.DEPLOYMENT) -> float:
        """Seconds for which such a call of a version is not made."""
        return self.writes.locked_for(Target(URL, FUNCTION, version_id), call)


@pytest.fixture
def started() -> Started:
    return Started()


def test_a_version_that_is_not_as_the_manifest_says_may_be_being_changed(started: Started) -> None:
    seen = version(FIRST)
    started.sees(recorded(seen, **TAGS), seen)
    assert [started.locked_for(call=call) for call in Call] == [60.0] * 3


def test_it_is_unlocked_when_it_is_as_the_manifest_says(started: Started) -> None:
    seen = version(FIRST)
    assert seen.mark is not None
    of = recorded(seen, **TAGS)
    started.sees(of, seen)
    started.sees(of, version(FIRST, tags=frozenset({"neu", seen.mark.tag})))
    assert started.locked_for() == 0


def test_only_what_the_process_sees_first_counts(started: Started) -> None:
    seen = version(FIRST)
    assert seen.mark is not None
    started.sees(recorded(seen, **TAGS), version(FIRST, tags=frozenset({"neu", seen.mark.tag})))
    started.sees(recorded(seen, **TAGS), seen)
    assert started.locked_for() == 0


@pytest.mark.parametrize(
    ("of", "seen", "rule"),
    [
        (recorded(version(FIRST), **TAGS), version(FIRST, status="ACTIVE"), "it is deployed already"),
        (cloud_function(**TAGS), version(FIRST), "it is not on record, as one that is adopted"),
        (recorded(version(SECOND), **TAGS), version(FIRST), "another one is on record"),
    ],
)
def test_what_is_not_locked(started: Started, of: CloudFunction, seen: VersionSeen, rule: str) -> None:
    started.sees(of, seen)
    assert started.locked_for() == 0, rule
