"""The running instances of deployed versions, which NVCF shows to keys with one more scope."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nvcf_client import endpoints, errors
from nvcf_client.answers import one_line
from nvcf_client.models import Function, Instance
from nvcf_operator.commands.check_report import DeployedVersion, Outcome
from nvcf_operator.commands.read_only_client import ReadOnlyClient, counted, error_text
from nvcf_operator.core.report.instances import RUNNING, count

DETAILS = "list_functions_details"
"""The scope that shows instances."""


@dataclass(frozen=True, slots=True)
class VersionInstances:
    """Instances of one version; None where NVCF does not report them; the error of a failed call."""

    function: Function
    instances: tuple[Instance, ...] | None
    error: errors.NvcfError | None = None

    @property
    def number(self) -> int | None:
        """How many run."""
        if self.instances is None:
            return None
        return count(self.instances)

    @property
    def shown(self) -> DeployedVersion:
        """The version as the report shows it."""
        return DeployedVersion(
            one_line(self.function.name or "", limit=100) or "-",
            self.function.id,
            self.function.version_id,
            one_line(self.function.status, limit=32),
            self.number,
        )


async def read_instances(client: ReadOnlyClient, deployed: Sequence[Function]) -> list[VersionInstances]:
    """The instances of each version. Where one shows that NVCF does not report them, no other is requested."""
    first = [await _instances_of(client, item) for item in deployed[:1]]
    if first and first[0].error is None and first[0].instances is None:
        return [*first, *(VersionInstances(item, None) for item in deployed[1:])]
    return [*first, *await asyncio.gather(*(_instances_of(client, item) for item in deployed[1:]))]


def may_see_instances(found: Sequence[VersionInstances]) -> tuple[Outcome, str]:
    """Whether the key has the scope that shows running instances and names of secrets."""
    if any(item.instances is not None for item in found):
        return Outcome.OK, "the key may see running instances and names of secrets"
    failed = next((item.error for item in found if item.error is not None), None)
    if failed is not None:
        return Outcome.UNKNOWN, error_text(failed)
    if found:
        text = (
            f"the key lacks the scope {DETAILS}: running instances are not shown, and import leaves out the names of "
            "secrets. Everything else works"
        )
        return Outcome.FAILED, text
    return Outcome.UNKNOWN, "the key sees no function, so this cannot be checked"


def running_instances(found: Sequence[VersionInstances]) -> tuple[Outcome, str]:
    """How many instances run, and which versions have none."""
    known = [item for item in found if item.instances is not None]
    if not found:
        return Outcome.OK, "nothing is deployed, so nothing runs"
    if not known:
        return Outcome.UNKNOWN, "NVCF does not report them"
    works = sum(item.number or 0 for item in known)
    others = Counter(_state(x) for item in known for x in item.instances or () if _state(x) not in RUNNING)
    text = f"{counted(works, 'instance')} running for {counted(len(known), 'version')}"
    text += "".join(f", {number} {state}" for state, number in sorted(others.items()))
    silent = len(found) - len(known)
    if silent:
        return Outcome.UNKNOWN, f"{text}; NVCF does not report them for {counted(silent, 'version')} more"
    without = _idle(known)
    return Outcome.OK, text + (f"; ACTIVE without a running instance: {', '.join(without)}" if without else "")


def _idle(known: Iterable[VersionInstances]) -> list[str]:
    """Versions that are ACTIVE without an instance, which is fine if the minimum is 0 and a fault otherwise."""
    return [
        one_line(item.function.version_id, limit=64)
        for item in known
        if item.number == 0 and item.function.status.upper() == "ACTIVE"
    ][:10]


def _state(instance: Instance) -> str:
    return one_line((instance.instance_status or "UNKNOWN").upper(), limit=32)


async def _instances_of(client: ReadOnlyClient, function: Function) -> VersionInstances:
    request = endpoints.get_function(function_id=function.id, function_version_id=function.version_id)
    try:
        return VersionInstances(function, (await client.call(request)).function.active_instances)
    except errors.NvcfError as error:
        return VersionInstances(function, None, error)
