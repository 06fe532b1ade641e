"""One CloudFunction, and the operator's own loop over models of its two servers."""

import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import pytest

from nvcf_client import errors
from nvcf_client.requests import Request
from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Caller
from tests.property.both_kinds import BothKinds
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import Account
from tests.property.registry_model import Registry

LLAMA = Key("team", "llama", CLOUD_FUNCTION)
SPEC = {"name": "llama", "template": {"inferenceUrl": "/v1", "containerImage": "nvcr.io/org/llama:1"}}


class OneFunction:
    """What a test begins with; nothing has been created yet."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.account = Account(random.Random(0), quiet=True)
        self.registry = Registry(self.account)
        self.operator = BothKinds(self.cluster, self.account, self.registry)

    def live(self, seconds: float, chance: Chance | None = None) -> None:
        """Let the operator work, a second at a time."""
        chance = chance or Chance()
        for _ in range(int(seconds)):
            self.cluster.now = self.account.now
            self.operator.reconcile(chance, at_all=True)
            self.account.advance(1.0)

    def refuse_beside_one_place(
        self, monkeypatch: pytest.MonkeyPatch, operations: Collection[str]
    ) -> tuple[list[str], list[str]]:
        """Have NVCF refuse calls with 403 when what is known of the list is old, and watch who waits for a place.

        Returns:
            Who waited for a place while holding one, and the operations that were refused; both grow as it goes on.

        """
        door, held, nested, refused = self.operator.door, list[str](), list[str](), list[str]()
        send, admitted = door.send, door.admitted

        @asynccontextmanager
        async def with_one_place(caller: Caller) -> AsyncIterator[Admission]:
            if held:
                nested.append("waits")
            held.append("place")
            try:
                async with admitted(caller) as admission:
                    yield admission
            finally:
                held.pop()

        async def refusing(request: Request[Any], admission: Admission) -> Any:
            if request.operation in operations:
                refused.append(request.operation)
                self.account.advance(30.0)  # what is known of the list is old by now
                raise door._error(request, errors.Forbidden, 403)
            return await send(request, admission)

        monkeypatch.setattr(door, "admitted", with_one_place)
        monkeypatch.setattr(door, "send", refusing)
        return nested, refused
