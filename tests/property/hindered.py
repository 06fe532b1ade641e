"""Stories about what keeps a resource from going on: admission, an NVCF that fails or answers oddly, a missing key."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property import oddities
from tests.property.chance import Chance
from tests.property.nvcf_model import FUNCTION, specifications_of
from tests.property.stories import KEYS, SQUATTERS
from tests.property.story import Story, chances, version
from tests.property.story_runs import focused

SECRETS = ("late", SQUATTERS)
"""Of resources whose key comes late, and of those whose key may never come."""


class Hindered(Story):
    """What can happen, and what can stand in the way."""

    hindered = True

    @rule(seconds=st.sampled_from([0.0, 6.0, 20.0]))
    def slow_admission(self, seconds: float) -> None:
        self.cluster.slow = seconds
        self._step(f"admission takes {seconds:.0f} s", Chance())

    @rule(methods=st.sampled_from(["", "POST", "PATCH", "DELETE", "POST PATCH DELETE"]))
    def fail_for_good(self, methods: str) -> None:
        self.account.failing = frozenset(methods.split())
        self._step(f"NVCF answers 500 to: {methods or 'nothing'}", Chance())

    @rule(of=version, kind=st.sampled_from([None, *oddities.KINDS]), chance=chances)
    def answer_oddly(self, of: str, kind: str | None, chance: Chance) -> None:
        self.account.odd.pop(of, None)
        if kind is not None:
            self.account.odd[of] = kind
        self._step(f"of version {of[-1]} NVCF shows oddly: {kind or 'nothing'}", chance)

    @rule(of=version, count=st.integers(1, 2), secret=st.sampled_from(SECRETS), suspend=st.booleans())
    def create_without_key(self, of: str, count: int, secret: str, suspend: bool) -> None:
        """Create a resource whose Secret comes late, or a squatter's, which is older than all."""
        squats = secret == SQUATTERS
        key = next((key for key in (KEYS[2:] if squats else KEYS[:2]) if key not in self.cluster.objects), None)
        if key is None:
            return
        spec: dict[str, Any] = {
            "functionId": FUNCTION,
            "functionVersionId": of,
            "credentials": {"secretRef": {"name": secret}},
        }
        spec |= {"deploymentSpecifications": specifications_of(count), "suspend": squats and suspend}
        self.operator.missing.add(secret)
        self.cluster.now = self.account.now
        self.cluster.create(key, spec, {"creationTimestamp": "2026-01-31T09:00:00Z"} if squats else None)
        self._step(f"create {key} for {of[-1]}, which names the Secret {secret} that is not there", Chance())

    @rule(secret=st.sampled_from(SECRETS), there=st.sampled_from([True, True, False]))
    def bring_the_secret(self, secret: str, there: bool) -> None:
        (self.operator.missing.discard if there else self.operator.missing.add)(secret)
        self._step(f"the Secret {secret} is {'there' if there else 'not there'}", Chance())


Kept = focused(
    "Kept",
    (
        "create",
        "create_without_key",
        "bring_the_secret",
        "delete",
        "scale",
        "change_version",
        "wait",
        "refuse_writes",
        "slow_admission",
        "fail_for_good",
        "answer_oddly",
    ),
    Hindered,
)
"""Resources that cannot go on: refused, failed, answered oddly, without a key, or behind another one."""

Failing = focused("Failing", ("create", "scale", "fail_for_good", "answer_oddly", "wait"), Hindered)
Refused = focused("Refused", ("create", "scale", "refuse_writes", "wait"), Hindered)
