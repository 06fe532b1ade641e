"""What NVCF's catalogue says of the manifests: the GPUs of an instance, unknown names, what is free, and the quota."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pydantic import ValidationError

from nvcf_operator.api.names import KIND
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.commands.catalogue import NO_CATALOGUE, CatalogueAnswer, read_catalogue
from nvcf_operator.commands.plan.model import Action, Manifest, Plan, Planned
from nvcf_operator.core.catalogue.advice import advise
from nvcf_operator.core.catalogue.model import gpus_per_instance
from nvcf_operator.settings.options import AccountSettings

NONE = CatalogueAnswer(None, NO_CATALOGUE, NO_CATALOGUE, NO_CATALOGUE)


async def catalogue_for(
    manifests: Sequence[Manifest], account: AccountSettings, key: str, *, timeout: float
) -> CatalogueAnswer:
    """Read the catalogue, if there is anything to be deployed."""
    if not any(item.document["kind"] == KIND for item in manifests):
        return NONE
    return await read_catalogue(account, key, timeout=timeout)


def gpus_of(answer: CatalogueAnswer) -> Callable[[str, str | None], int | None]:
    """How many GPUs an instance has, by the catalogue or by the name of its type."""
    return lambda gpu, instance_type: gpus_per_instance(answer.catalogue, gpu, instance_type)


def advised(plan: Plan, manifests: Sequence[Manifest], answer: CatalogueAnswer) -> Plan:
    """The plan with what the catalogue says of each resource that changes, and a note where it could not be read."""
    reasons = {answer.without_types, answer.without_capacity, answer.without_quota} - {None, NO_CATALOGUE}
    notes = tuple(f"NVCF's catalogue could not be read in full: {text}." for text in sorted(map(str, reasons)))
    if answer.catalogue is None:
        return replace(plan, notes=(*plan.notes, *notes))
    planned = [_advised(item, each, answer) for item, each in zip(plan.planned, manifests, strict=True)]
    return replace(plan, planned=tuple(planned), notes=(*plan.notes, *notes))


def _advised(item: Planned, manifest: Manifest, answer: CatalogueAnswer) -> Planned:
    if item.kind != KIND or item.action == Action.UNCHANGED or answer.catalogue is None:
        return item
    try:
        spec = FunctionDeploymentSpec.model_validate(manifest.document["spec"])
    except ValidationError:
        return item
    return replace(item, notes=(*item.notes, *advise(spec.deployment_specifications, answer.catalogue)))
