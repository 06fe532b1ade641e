"""What users change in place: tags and rate limit, and what others do to these."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property.chance import Chance
from tests.property.functions.manifests import Manifests, chances, which

tags = st.sampled_from([None, None, [], ["team-a"], ["prod", "team-a"], ["a:b=c_d-e"]])
limits = st.sampled_from(
    [
        {"rateLimit": None, "rateLimitPolicy": "Limited"},
        {"rateLimit": {"rateLimit": "100-M"}, "rateLimitPolicy": "Limited"},
        {"rateLimit": {"rateLimit": "100-M, 5-S", "exemptedNcaIds": ["b", "a"]}, "rateLimitPolicy": "Limited"},
        {"rateLimit": {"perNcaIdRate": {"acme": "7-S,1-D"}, "syncCheck": True}, "rateLimitPolicy": "Limited"},
        {"rateLimit": None, "rateLimitPolicy": "Unlimited"},
    ]
)


class InPlace(Manifests):
    """Tags and rate limits."""

    @rule(which=which, tags=tags, chance=chances)
    def change_tags(self, which: int, tags: list[str] | None, chance: Chance) -> None:
        self._edit(self._function(which), chance, tags=tags)

    @rule(which=which, limit=limits, chance=chances)
    def change_rate_limit(self, which: int, limit: dict[str, Any], chance: Chance) -> None:
        self._edit(self._function(which), chance, **limit)
