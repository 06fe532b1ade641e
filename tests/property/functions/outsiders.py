"""What others do in the account: to versions of ours, and with functions of their own."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from nvcf_operator.api.names import FUNCTION_DEPLOYMENT
from tests.property.chance import Chance
from tests.property.cluster_model import on_record
from tests.property.functions import wanted
from tests.property.functions.manifests import TEMPLATE, Manifests, chances, image, which
from tests.property.functions.world import FUNCTIONS
from tests.property.nvcf_model import GPU

place = st.integers(0, 7)


class Outsiders(Manifests):
    """Versions that others register, change, deploy and delete."""

    @rule(which=which, image=image, tagged=st.booleans(), further=st.booleans(), chance=chances)
    def register_outside(self, which: int, image: str, tagged: bool, further: bool, chance: Chance) -> None:
        """A stranger's function of a name that a manifest has, or a further version of a function that is there."""
        there = [item for item in self.registry.visible if item.body["name"] == FUNCTIONS[which].name]
        function = there[-1].function_id if there and further else None
        if len(there) >= 3:
            return
        self._register_outside(which, image, ["theirs", "x=1"] if tagged else [], function, chance)

    def _register_outside(self, which: int, image: str, tags: list[str], function: str | None, chance: Chance) -> None:
        body: dict[str, Any] = {"name": FUNCTIONS[which].name, **TEMPLATE, "containerImage": image, "tags": tags}
        made = self.registry.register(function, body, made_for="", process=0)
        assert made is not None, "the function is there"
        self._step(f"somebody registers {made.version_id[-3:]} of {FUNCTIONS[which].name} with {image}", chance)

    @rule(place=place, chance=chances)
    def delete_a_version_outside(self, place: int, chance: Chance) -> None:
        there = [item.version_id for item in self.registry.visible]
        if there:
            version = there[place % len(there)]
            self.registry.delete(version)
            self._step(f"somebody deletes version {version[-3:]}", chance)

    @rule(place=place, chance=chances)
    def deploy_outside(self, place: int, chance: Chance) -> None:
        """Somebody else's deployment of a version that nothing of ours deploys, or the end of it."""
        latest = {(obj["status"].get("latest") or {}).get("versionId") for obj in self.cluster.objects.values()}
        deployments = [obj for key, obj in self.cluster.objects.items() if key.kind == FUNCTION_DEPLOYMENT]
        ours = latest.union(*(on_record(obj) for obj in deployments))
        there = [item.version_id for item in self.registry.visible if item.version_id not in ours]
        if not there:
            return
        version = there[place % len(there)]
        if version in self.account.rows:
            self.account.undeploy_outside(version)
        else:
            self.account.post(version, [GPU], made_for=None)
        self._step(f"somebody deploys or undeploys version {version[-3:]}", chance)

    @rule(place=place, tags=st.sampled_from([[], ["theirs"], ["theirs", "x=1:y"]]), chance=chances)
    def tag_outside(self, place: int, tags: list[str], chance: Chance) -> None:
        """Somebody else's change of the tags, who keeps the mark."""
        there = list(self.registry.visible)
        if there:
            item = there[place % len(there)]
            self.registry.change_outside(item, tags=[*tags, *(item.tags - wanted.foreign(item.tags))])
            self._step(f"somebody tags version {item.version_id[-3:]} with {tags}", chance)

    @rule(place=place, chance=chances)
    def wipe_a_mark(self, place: int, chance: Chance) -> None:
        there = list(self.registry.visible)
        if there:
            item = there[place % len(there)]
            self.registry.change_outside(item, tags=["somebody's"])
            self._step(f"somebody takes the mark off version {item.version_id[-3:]}", chance)

    @rule(place=place, limit=st.sampled_from([None, {"rateLimit": "1-D"}]), chance=chances)
    def limit_outside(self, place: int, limit: dict[str, Any] | None, chance: Chance) -> None:
        there = list(self.registry.visible)
        if there:
            item = there[place % len(there)]
            self.registry.change_outside(item, rateLimit=limit)
            self._step(f"somebody sets the rate limit of version {item.version_id[-3:]} to {limit}", chance)
