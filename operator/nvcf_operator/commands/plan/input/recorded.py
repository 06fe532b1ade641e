"""What the cluster has: the objects that manifests change, other objects that matter to them, and their Secrets."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, KINDS, Key, Kind
from nvcf_operator.commands.plan.input.reading import InputError
from nvcf_operator.commands.plan.input.validation import changed_immutables
from nvcf_operator.commands.plan.model import Basis, Manifest
from nvcf_operator.kube.dry_run import DryRunClient
from nvcf_operator.kube.errors import Denied, Invalid, KubeError, NotServed

MANAGER: Final = "nvcf-operator-plan"
"""Whose apply of a new object is tried."""

MAY_NOT_PATCH: Final = (
    "The identity may not patch {kinds} in {namespaces}, so no dry run was made there: manifests were merged locally "
    "with the objects of the cluster, and admission policies were not checked."
)

_RIGHTS = re.compile(r"cannot (patch|create) resource")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the cluster has.

    Attributes:
        manifests: those that were given, each with the object that it changes.
        others: the objects that no manifest is about.
        notes: what could not be read, a sentence each.

    """

    manifests: tuple[Manifest, ...]
    others: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


async def recorded(manifests: Sequence[Manifest], client: DryRunClient) -> Recorded:
    """Read what the cluster has of these manifests, and beside them.

    Raises:
        InputError: the API server would refuse a manifest, or the objects may not be read.
        KubeError: the API server does not respond.

    """
    found = await _read(manifests, client)
    applied = _Applied(client)
    planned = [await applied.manifest(item, found.objects.get(key_of(item))) for item in manifests]
    if applied.errors:
        raise InputError(applied.errors)
    ours = {key_of(item) for item in manifests}
    others = tuple(obj for key, obj in found.objects.items() if key not in ours)
    return Recorded(tuple(planned), others, (*found.notes, *applied.notes()))


def key_of(manifest: Manifest) -> Key:
    """The name of the resource that a manifest is about."""
    return _key(manifest.document)


def _key(obj: Mapping[str, Any]) -> Key:
    kind = CLOUD_FUNCTION if obj["kind"] == CLOUD_FUNCTION.name else FUNCTION_DEPLOYMENT
    return Key(obj["metadata"]["namespace"], obj["metadata"]["name"], kind)


@dataclass(slots=True)
class _Found:
    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, objects: Iterable[dict[str, Any]]) -> None:
        self.objects |= {_key(obj): obj for obj in objects}


async def _read(manifests: Sequence[Manifest], client: DryRunClient) -> _Found:
    """Read the objects of both kinds: of the cluster, else of the manifests' namespaces, else the manifests' own."""
    found = _Found()
    namespaces = sorted({key_of(item).namespace for item in manifests})
    for kind in KINDS:
        try:
            found.add(await client.list_resources(kind=kind))
            continue
        except NotServed as error:
            found.notes.append(f"{error.message}. All {kind.plural} were planned as new objects.")
            continue
        except Denied:
            found.notes.append(
                f"The identity may not list {kind.plural} in all namespaces, so conflicts with those in other "
                "namespaces are not detected."
            )
        for namespace in namespaces:
            try:
                found.add(await client.list_resources([namespace], kind=kind))
            except Denied:
                await _read_one_by_one(manifests, kind, namespace, client, found)
    return found


async def _read_one_by_one(
    manifests: Sequence[Manifest], kind: Kind, namespace: str, client: DryRunClient, found: _Found
) -> None:
    keys = {key for item in manifests if (key := key_of(item)).kind == kind and key.namespace == namespace}
    if kind == CLOUD_FUNCTION:
        keys |= {key for key in map(_followed, manifests) if key is not None and key.namespace == namespace}
    for key in sorted(keys):
        try:
            obj = await client.get_resource(key)
        except Denied as error:
            rights = f"get and list {kind.plural} in {namespace}"
            raise InputError(
                [f"{key} may not be read: {error.message}. Grant the right to {rights}, or leave out --kubeconfig"]
            ) from None
        if obj is not None:
            found.add([{**obj, "kind": kind.name}])


def _followed(manifest: Manifest) -> Key | None:
    """The CloudFunction that a manifest refers to."""
    reference = manifest.document["spec"].get("functionRef")
    return Key(key_of(manifest).namespace, reference["name"], CLOUD_FUNCTION) if reference else None


class _Applied:
    """Tries to apply each manifest, and does without where that is not allowed."""

    def __init__(self, client: DryRunClient) -> None:
        self._client = client
        self._may_not: dict[str, set[str]] = {}
        """Namespaces in which a kind may not be patched."""
        self._other_notes: list[str] = []
        self.errors: list[str] = []

    async def manifest(self, manifest: Manifest, found: dict[str, Any] | None) -> Manifest:
        key = key_of(manifest)
        merged = replace(manifest, recorded=found, basis=Basis.NEW if found is None else Basis.MERGED)
        manager = MANAGER if found is None else applier(found)
        refused = key.namespace in self._may_not.get(key.kind.plural, ())
        if manager is not None and not refused:
            try:
                tried = await self._client.try_apply(key, _sent(manifest), manager=manager)
            except Invalid as error:
                self._refused(manifest, error)
                return merged
            except KubeError as error:
                if isinstance(error, Denied) and not _RIGHTS.search(error.message):
                    self._refused(manifest, error)
                    return merged
                self._do_without(key, error)
            else:
                tried = {**tried, "kind": key.kind.name}
                if found is None:
                    return replace(manifest, document={**manifest.document, "spec": tried["spec"]})
                return replace(manifest, recorded=tried, basis=Basis.DRY_RUN)
        if found is not None:
            spec, stored = manifest.document["spec"], found.get("spec") or {}
            lines = changed_immutables(key.kind, stored, spec)
            self.errors += [f"{manifest.source}: {key.kind} {key.namespace}/{key.name}: {line}" for line in lines]
        return merged

    def _refused(self, manifest: Manifest, error: KubeError) -> None:
        key = key_of(manifest)
        self.errors.append(
            f"{manifest.source}: {key.kind} {key.namespace}/{key.name}: the API server rejects it: {error}"
        )

    def _do_without(self, key: Key, error: KubeError) -> None:
        if isinstance(error, Denied):
            self._may_not.setdefault(key.kind.plural, set()).add(key.namespace)
        elif error.status == 404:
            # Nothing can be in a namespace that does not exist yet.
            self._other_notes.append(f"No dry run was made for {key.kind} {key.namespace}/{key.name}: {error.message}.")
        else:
            self._other_notes.append(f"The dry run for {key.kind} {key.namespace}/{key.name} failed: {error}.")

    def notes(self) -> list[str]:
        """What was not tried, in a sentence for all."""
        denied = [
            MAY_NOT_PATCH.format(kinds=kind, namespaces=", ".join(sorted(namespaces)))
            for kind, namespaces in sorted(self._may_not.items())
        ]
        return [*denied, *self._other_notes]


def _sent(manifest: Manifest) -> dict[str, Any]:
    """What an apply sends. Defaults in it would win over what others have set."""
    document = manifest.document
    return document if manifest.applied is None else {**document, "spec": manifest.applied}


def applier(obj: Mapping[str, Any]) -> str | None:
    """The field manager whose server-side apply the manifest is; None where there is none, or more than one.

    Only its own fields go when they are gone from the manifest. Under another name, an apply would keep them.
    """
    entries = obj["metadata"].get("managedFields") or ()
    applied = [item for item in entries if item.get("operation") == "Apply" and not item.get("subresource")]
    managers = {item.get("manager") for item in applied if "f:spec" in (item.get("fieldsV1") or {})}
    return str(managers.pop()) if len(managers) == 1 else None
