"""What sends secrets, only with consent, and until NVCF has the newest values."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nvcf_operator.core.functions.branches import in_place
from nvcf_operator.core.functions.model import versions
from nvcf_operator.core.functions.model.decision import SendSecrets
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.reconcile.functions import secrets
from nvcf_operator.reconcile.functions.secrets import Values
from nvcf_operator.reconcile.functions.send_secrets import SecretSender
from tests.property.functions.focused import Consents, Names, Rotations
from tests.property.functions.story import FunctionStory

Patch = pytest.MonkeyPatch


def what_was_not_sent_recorded(patch: Patch) -> None:
    """Record where the values are from that are read once more after the call, as if these had been sent."""
    original = SecretSender.send

    async def send(self: SecretSender, context: Any, action: SendSecrets) -> Any:
        outcome = await original(self, context, action)
        values = await self._reader.read(context.resource, max_age=0.0)
        if outcome.context.situation.wrote is None or not isinstance(values, Values):
            return outcome
        return replace(outcome, context=outcome.context.after(wrote=replace(action, sources=values.sources)))

    patch.setattr(SecretSender, "send", send)


def consent_not_asked(patch: Patch) -> None:
    original = secrets._allowed

    def allowed(resource: Any, item: Any, read: Any, taken: Any) -> Any:
        return read if isinstance(read, StoredSecret) else original(resource, item, read, taken)

    patch.setattr(secrets, "_allowed", allowed)


def _names_left_to_puts(patch: Patch, *, of_none: bool) -> None:
    """Leave the names out of what a version is, and send all of the manifest's to each."""
    patch.setattr(versions, "has_wanted_secrets", lambda situation, seen: True)

    def everything(situation: FunctionSituation, seen: VersionSeen) -> SendSecrets | None:
        names, found = situation.resource.secret_names, situation.secrets
        recorded = situation.resource.recorded_version(seen.version_id)
        has_none = recorded is None or recorded.secrets is None
        sent = recorded is not None and found is not None and recorded.secrets == found.sources
        if not names or found is None or found.sources is None or has_none != of_none or sent:
            return None
        return SendSecrets(seen.function_id, seen.version_id, found.sources, names)

    patch.setattr(in_place, "unsent", everything)


def names_added_without_a_version(patch: Patch) -> None:
    _names_left_to_puts(patch, of_none=False)


def first_secrets_by_put(patch: Patch) -> None:
    _names_left_to_puts(patch, of_none=True)


BUGS: dict[Callable[[Patch], None], tuple[type[FunctionStory], str]] = {
    what_was_not_sent_recorded: (Rotations, r"secret \S+ of \w+ of CloudFunction team/\w+ are not up to date"),
    consent_not_asked: (Consents, "without the consent of"),
    names_added_without_a_version: (Names, "(which adds|has other secrets)"),
    first_secrets_by_put: (Names, "which has had none"),
}
