"""Functions that exist already, and manifests that adopt them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property.chance import Chance
from tests.property.functions.manifests import IMAGES, Manifests, chances, which
from tests.property.functions.world import FUNCTIONS

NOWHERE = "00000000-0000-4000-8000-00000000dead"


class Adoption(Manifests):
    """Strangers' functions, functionId and adoptionPolicy."""

    @rule(
        which=which,
        place=st.sampled_from([0, 0, 1, 2, None]),
        policy=st.sampled_from(["Refuse", "Adopt"]),
        upper=st.booleans(),
        chance=chances,
    )
    def adopt(self, which: int, place: int | None, policy: str, upper: bool, chance: Chance) -> None:
        """A manifest that names a function by its id, or, without one, by its name under a policy."""
        key, functions = FUNCTIONS[which], sorted({item.function_id for item in self.registry.visible})
        if key in self.cluster.objects:
            return
        more: dict[str, Any] = {"adoptionPolicy": policy}
        if place is not None:
            named = functions[place % len(functions)] if functions and place < 2 else NOWHERE
            more |= {"functionId": named.upper() if upper else named}
        self._create(which, IMAGES[0], None, 1, chance, **more)

    @rule(which=which, right=st.sampled_from([True] * 5 + [False]), chance=chances)
    def name_the_function(self, which: int, right: bool, chance: Chance) -> None:
        """The id of the function goes into the manifest later."""
        obj = self.cluster.objects.get(self._function(which))
        if obj is not None and "functionId" not in obj["spec"] and obj["status"].get("functionId"):
            self._edit(self._function(which), chance, functionId=obj["status"]["functionId"] if right else NOWHERE)

    @rule(which=which, chance=chances)
    def apply_again(self, which: int, chance: Chance) -> None:
        """Delete a CloudFunction that retains, and apply it again with the id."""
        key = FUNCTIONS[which]
        obj = self.cluster.objects.get(key)
        if obj is None or not obj["status"].get("functionId") or "deletionTimestamp" in obj["metadata"]:
            return
        spec = obj["spec"] | {"functionId": obj["status"]["functionId"]}
        self._edit(key, Chance(), deletionPolicy="Retain")
        self._live(30.0, Chance())
        self._does(key, "delete")
        self._live(30.0, Chance())
        if key not in self.cluster.objects:
            self.cluster.create(key, spec)
        self._step(f"{key} is applied again with its id", chance)
