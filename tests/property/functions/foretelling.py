"""Stories of functions in which a plan is made before each step, and the operator has to do what it says first."""

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import note

from nvcf_operator.accounts.account import Account
from nvcf_operator.api.names import Key
from nvcf_operator.commands.plan.entries import SENT_PERHAPS
from nvcf_operator.commands.plan.model import Action, Planned
from nvcf_operator.kube.secrets import Absent, SecretRead
from nvcf_operator.kube.stored_secret import StoredSecret
from tests.property.chance import Chance
from tests.property.cluster_model import START
from tests.property.foretelling import AT_REST, Reads, plan_of
from tests.property.functions import pictures
from tests.property.functions.story import FunctionStory
from tests.property.nvcf_api import Process
from tests.property.registry_api import RegistryDoor
from tests.property.secrets_model import SecretStore
from tests.property.story_runs import focused


class Secrets:
    """Reads the Secrets of a story."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    async def read(self, namespace: str, name: str, *, max_age: float) -> SecretRead:
        found = self._store.there.get((namespace, name))
        if found is None:
            return Absent()
        return StoredSecret(found.data, found.uid, found.resource_version, found.annotations)


class FunctionForetelling(FunctionStory):
    """Steps from rest to rest. NVCF fails nothing, and nobody else writes meanwhile."""

    calm = True

    def _step(self, said: str, chance: Chance, seconds: float = 0.0, *, always: bool = False) -> None:
        planned, begun = self._plan(), self._count()
        super()._step(said, chance, seconds)
        at_once = self._first(begun)
        for _ in range(6):
            before = self._count()
            self._live(AT_REST, Chance())
            if before == self._count() and not self.operator.waits:
                break
        later = self._first(begun)
        for key, item in planned.items():
            note(f"              plan of {key}: {item.action} {item.first_write} after {item.waits:.0f} s")
            self._is_as_planned(key, item, at_once.get(key), later.get(key))

    def _is_as_planned(
        self, key: Key, item: Planned, at_once: tuple[str, str] | None, later: tuple[str, str] | None
    ) -> None:
        reported = f"{key}: the plan is {item}, the operator wrote {at_once or later}"
        if item.first_write is None:
            waits = item.action == Action.WAIT
            assert waits or at_once is None, pictures.of(self, reported)
            return
        made = at_once or later
        if item.first_write.path.startswith("/secrets/") and SENT_PERHAPS in item.notes and at_once is None:
            return  # this process remembers the values
        assert made is not None, pictures.of(self, reported)
        same = made[1] in item.first_write.path or "<new version>" in item.first_write.path
        assert (item.first_write.method, same) == (made[0], True), pictures.of(self, reported)

    def _count(self) -> tuple[int, int]:
        return len(self.operator.function_writes), len(self.operator.writes)

    def _first(self, begun: tuple[int, int]) -> dict[Key, tuple[str, str]]:
        """Method and version of the first write for each resource since then; a registration has no version."""
        found: dict[Key, tuple[str, str]] = {}
        for write in self.operator.function_writes[begun[0] :]:
            if write.key is not None:
                found.setdefault(write.key, (write.kind.split()[0], write.version_id))
        for asked in self.operator.writes[begun[1] :]:
            if asked.key is not None:
                found.setdefault(asked.key, (asked.kind, asked.specification_id or asked.version))
        return found

    def _plan(self) -> dict[Key, Planned]:
        stub: Any = SimpleNamespace(chance=Chance(), witnessed=set(), called=lambda: None)
        account = cast(Account, SimpleNamespace(limiter=None))
        door = RegistryDoor(account, self.account, self.cluster, cast(Process, stub), self.registry)
        now = START.timestamp() + self.account.now + self.operator.wall_is_ahead
        return plan_of(self.cluster, Reads(door), now, Secrets(self.cluster.secrets))


FunctionsForetold = focused(
    "FunctionsForetold",
    (
        "create_function",
        "change_template",
        "change_policy",
        "follow",
        "change_deployment",
        "change_both",
        "change_tags",
        "change_rate_limit",
        "change_secrets",
        "rotate",
        "adopt",
        "wait",
    ),
    FunctionForetelling,
)
"""What users do, each when all is at rest."""
