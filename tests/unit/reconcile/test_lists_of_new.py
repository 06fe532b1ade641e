"""How often the account's whole list is asked for while many resources are new, or gone at once."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_client.requests import Request
from nvcf_operator.api.names import Key
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.reconcile.ports import BELIEF
from tests.property.cluster_model import Cluster
from tests.property.nvcf_api import Door
from tests.property.nvcf_model import FUNCTION, Account, specifications_of
from tests.property.operator_process import OperatorProcess

CROWD = [Key("team", f"echo-{number:02}") for number in range(20)]


class Crowd:
    """20 resources of an account, each with a version of its own, reconciled side by side."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.cluster, self.nvcf = Cluster(), Account(random.Random(0))
        self.operator = OperatorProcess(self.cluster, self.nvcf)
        sent = Door.send

        async def send(door: Door, request: Request[Any], admission: Admission) -> Any:
            self.calls.append(request.operation)
            await asyncio.sleep(0)  # others come meanwhile
            return await sent(door, request, admission)

        monkeypatch.setattr(Door, "send", send)
        for number, key in enumerate(CROWD):
            version = f"7c1e0000-0000-4000-8000-0000000001{number:02}"
            spec = {"functionId": FUNCTION, "functionVersionId": version}
            self.cluster.create(key, spec | {"deploymentSpecifications": specifications_of(1, idle=False)})
        self.operator.loop.run_until_complete(self.operator.informer.relist(first=True))

    def reconcile(self) -> None:
        """Reconcile all of them, side by side."""
        reconciles = (self.operator.reconciler.reconcile(key, Priority.NORMAL) for key in CROWD)

        async def all_of_them() -> None:
            await asyncio.gather(*reconciles)

        self.cluster.now = self.nvcf.now
        self.operator.loop.run_until_complete(all_of_them())

    def reconcile_in_turn(self, apart: float) -> None:
        """Reconcile one after the other."""
        for key in CROWD:
            self.cluster.now = self.nvcf.now
            self.operator.loop.run_until_complete(self.operator.reconciler.reconcile(key, Priority.NORMAL))
            self.nvcf.advance(apart)

    def count(self, operation: str) -> int:
        """Calls of that operation since the last count."""
        found = self.calls.count(operation)
        self.calls = [call for call in self.calls if call != operation]
        return found


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    made = Crowd(monkeypatch)
    yield made
    made.operator.loop.close()


def test_resources_that_are_new_at_once_share_one_list(crowd: Crowd) -> None:
    crowd.reconcile()
    assert crowd.count("create_deployment") == len(CROWD)
    assert crowd.count("list_functions") == 1


def test_resources_that_are_new_one_after_the_other_share_a_list_for_seconds(crowd: Crowd) -> None:
    begun = crowd.nvcf.now
    crowd.reconcile_in_turn(0.2)
    assert crowd.count("create_deployment") == len(CROWD)
    lists = crowd.count("list_functions")
    assert lists <= 1 + (crowd.nvcf.now - begun) / BELIEF
    assert lists < len(CROWD) / 2


def test_deployments_that_are_gone_at_once_share_one_list(crowd: Crowd) -> None:
    crowd.reconcile()
    crowd.nvcf.advance(60.0)
    crowd.reconcile()
    crowd.nvcf.rows.clear()
    crowd.nvcf.advance(60.0)
    crowd.count("list_functions")
    crowd.reconcile()
    assert crowd.count("create_deployment") == len(CROWD), "none but the first ones"
    assert crowd.count("list_functions") <= 2
