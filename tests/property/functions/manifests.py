"""What users do with the manifest of a CloudFunction, but for what it asks for in place."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from nvcf_operator.api import names
from tests.property import user_actions
from tests.property.chance import Chance, chance_of
from tests.property.functions.ending import Ending
from tests.property.functions.world import COPY, FUNCTIONS

IMAGES = tuple(f"nvcr.io/größe/llama:{tag}" for tag in ("1", "2", "3", "broken"))
TEMPLATE = {"inferenceUrl": "/v1/chat", "inferencePort": 8000}
TOOLS = ("delete", "strip", "wipe the status", "force away", "rotate a secret")

chances = st.integers(0, 2**18).map(lambda number: chance_of(number, TOOLS))
which = st.integers(0, 1)
image = st.sampled_from([*IMAGES[:3], *IMAGES])
revision = st.sampled_from([None, None, None, "r1", "r2"])


class Manifests(Ending):
    """Templates, policies, requests, copies."""

    @rule(which=which, image=image, revision=revision, limit=st.integers(0, 2), chance=chances)
    def create_function(self, which: int, image: str, revision: str | None, limit: int, chance: Chance) -> None:
        self._create(which, image, revision, limit, chance)

    def _create(self, which: int, image: str, revision: str | None, limit: int, chance: Chance, **more: Any) -> None:
        key = FUNCTIONS[which]
        if key in self.cluster.objects:
            return
        spec: dict[str, Any] = {"name": key.name, "template": TEMPLATE | {"containerImage": image}, **more}
        spec |= {"history": {"limit": limit}} | ({"revision": revision} if revision else {})
        self._now()
        self.cluster.create(key, spec)
        self._step(f"create {key} with {image}, revision {revision}, limit {limit}, {more}", chance)

    @rule(which=which, image=image, revision=revision, args=st.sampled_from([None, None, "--x"]), chance=chances)
    def change_template(self, which: int, image: str, revision: str | None, args: str | None, chance: Chance) -> None:
        template = TEMPLATE | {"containerImage": image} | ({"containerArgs": args} if args else {})
        if FUNCTIONS[which] not in self.cluster.objects:
            self._create(which, image, revision, 1, chance)
        else:
            self._edit(FUNCTIONS[which], chance, template=template, revision=revision)

    @rule(which=which, chance=chances)
    def write_a_default_out(self, which: int, chance: Chance) -> None:
        if (obj := self.cluster.objects.get(self._function(which))) is not None:
            self._edit(self._function(which), chance, template=obj["spec"]["template"] | {"functionType": "DEFAULT"})

    @rule(
        which=which,
        change=st.sampled_from(
            [
                {"suspend": True},
                {"suspend": False, "managementPolicy": "Manage"},
                {"deletionPolicy": "Retain"},
                {"deletionPolicy": "Delete"},
                {"managementPolicy": "Observe"},
                {"managementPolicy": "Manage", "suspend": False},
                {"history": {"limit": 0}},
            ]
        ),
        chance=chances,
    )
    def change_policy(self, which: int, change: dict[str, Any], chance: Chance) -> None:
        self._edit(self._function(which), chance, **change)

    @rule(
        which=which,
        annotation=st.sampled_from([names.RECONCILE_REQUESTED_ANNOTATION, names.NEW_VERSION_REQUESTED_ANNOTATION]),
        chance=chances,
    )
    def request(self, which: int, annotation: str, chance: Chance) -> None:
        if (key := self._function(which)) in self.cluster.objects:
            self.token += 1
            self.cluster.annotate(key, annotation, str(self.token))
            self._step(f"{annotation.rsplit('/')[-1]} of {key}", chance)

    @rule(which=st.integers(0, 5), chance=chances)
    def delete(self, which: int, chance: Chance) -> None:
        there = sorted(self.cluster.objects)
        if which < len(there):
            key = there[which]
            self._does(key, "delete")
            self._step(f"delete {key}", chance)

    @rule(which=which, what=st.sampled_from(TOOLS[:4]), chance=chances)
    def use_a_tool(self, which: int, what: str, chance: Chance) -> None:
        if (key := self._function(which)) in self.cluster.objects:
            self._does(key, what)
            self._step(f"{what}: {key}", chance)

    @rule(which=which, with_status=st.booleans(), chance=chances)
    def copy(self, which: int, with_status: bool, chance: Chance) -> None:
        """Make an object of another one, under another name."""
        if COPY not in self.cluster.objects and (obj := self.cluster.read(FUNCTIONS[which])) is not None:
            self._now()
            user_actions.copied(self.cluster, obj, COPY, with_status=with_status)
            self._step(f"{COPY} is made of {FUNCTIONS[which]} with{'' if with_status else 'out'} status", chance)
