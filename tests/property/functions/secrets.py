"""What users do with Secrets, and with the secrets that a manifest names."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from nvcf_operator.api import names
from tests.property.chance import Chance
from tests.property.functions.manifests import Manifests, chances, which
from tests.property.secrets_model import Place

SECRETS: tuple[dict[str, Any], ...] = (
    {"name": "HF_TOKEN", "secretRef": {"name": "llama-secrets", "key": "hf"}},
    {"name": "API.key", "secretRef": {"name": "other-secrets", "key": "key.json"}, "format": "JSON"},
)
"""The secrets of a function. Each is in a Secret of its own."""

PLACES: tuple[Place, ...] = (("team", "llama-secrets"), ("team", "other-secrets"))

chosen = st.sampled_from([None, SECRETS[:1], SECRETS, SECRETS[1:]])


class Secrets(Manifests):
    """Values, names, consent, and Secrets that come and go."""

    @rule(which=which, secrets=chosen, chance=chances)
    def change_secrets(self, which: int, secrets: tuple[dict[str, Any], ...] | None, chance: Chance) -> None:
        for place in range(2):
            self._provide(place, "*")
        self._edit(self._function(which), chance, secrets=list(secrets) if secrets is not None else None)

    @rule(which=which, chance=chances)
    def rotate(self, which: int, chance: Chance) -> None:
        self._rotate(which)
        self._step(f"the value in {PLACES[which][1]} changes", chance)

    @rule(which=which, chance=chances)
    def relabel(self, which: int, chance: Chance) -> None:
        """Change of a Secret what is none of its values."""
        if PLACES[which] in self.cluster.secrets.there:
            self.token += 1
            self.cluster.secrets.annotate(PLACES[which], "example.com/größe", str(self.token), self.account.now)
            self._step(f"metadata of {PLACES[which][1]} change", chance)

    @rule(which=which, allows=st.sampled_from([None, "mistral", "llama", "x, llama", "*", "*"]), chance=chances)
    def consent(self, which: int, allows: str | None, chance: Chance) -> None:
        self._consent(which, allows)
        self._step(f"{PLACES[which][1]} allows {allows}", chance)

    def _consent(self, which: int, allows: str | None) -> None:
        if PLACES[which] in self.cluster.secrets.there:
            annotation = names.ALLOW_FUNCTION_ANNOTATION
            self.cluster.secrets.annotate(PLACES[which], annotation, allows, self.account.now)

    @rule(which=which, again=st.sampled_from([None, "*", "llama"]), chance=chances)
    def delete_a_secret(self, which: int, again: str | None, chance: Chance) -> None:
        """Delete a Secret, and perhaps create another one of its name."""
        if PLACES[which] in self.cluster.secrets.there:
            self.cluster.secrets.delete(PLACES[which], self.account.now)
        if again is not None:
            self._provide(which, again)
        self._step(f"{PLACES[which][1]} is deleted{f', and is there again for {again}' if again else ''}", chance)

    @rule(which=which, chance=chances)
    def send_all_again(self, which: int, chance: Chance) -> None:
        if (key := self._function(which)) in self.cluster.objects:
            self.token += 1
            self.cluster.annotate(key, names.SECRETS_REQUESTED_ANNOTATION, str(self.token))
            self._step(f"secrets of {key} are requested", chance)

    def _provide(self, which: int, allows: str) -> None:
        place, ref = PLACES[which], SECRETS[which]["secretRef"]
        if place not in self.cluster.secrets.there:
            self.cluster.secrets.create(place, {ref["key"]: self._value(which)}, allows=allows, now=self.account.now)

    def _rotate(self, which: int) -> None:
        place, ref = PLACES[which], SECRETS[which]["secretRef"]
        if place in self.cluster.secrets.there:
            self.cluster.secrets.set_value(place, ref["key"], self._value(which), self.account.now)

    def _value(self, which: int) -> bytes:
        """A value that nothing else looks like."""
        self.token += 1
        value = f"gehëim-<&>-{self.token}-{which}"
        self.values.append(value)
        return f'{{"kéy": "{value}"}}'.encode() if which == 1 else value.encode()
