"""What `import --cloud-functions` adds: a CloudFunction for each function, and deployments that refer to it.

A CloudFunction has one template, so of several deployed versions it describes the newest. The others keep their ids in
their FunctionDeployments: a resource takes no other version of a function for its own.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from nvcf_client import endpoints, errors
from nvcf_client.models import FunctionDetails
from nvcf_operator.accounts.registered import version_seen
from nvcf_operator.api import names
from nvcf_operator.commands.function_manifests import following, function_manifest, revision_of
from nvcf_operator.commands.imported import ById
from nvcf_operator.commands.instances import DETAILS
from nvcf_operator.commands.manifests import Manifest
from nvcf_operator.commands.read_only_client import ReadOnlyClient, error_text
from nvcf_operator.commands.specifications import NotExpressibleError
from nvcf_operator.core.functions.model.adoption import FIRST
from nvcf_operator.settings.options import ImportOptions

SHARING = "authorize_clients"
"""The scope that shows with which accounts a function is shared."""

_PUBLIC = "it is public, and NVCF lets nobody register a version of it"
_SHARED = "it is shared with other accounts, which a CloudFunction cannot express yet"
_NO_DETAILS = f"NVCF shows their names only to a key with the scope {DETAILS}"
_NO_SHARING = (
    f"the key lacks the scope {SHARING}, so functions that are shared with other accounts are not recognised. "
    "A CloudFunction leaves the sharing alone, and NVCF decides what a version registered later gets of it"
)


@dataclass(frozen=True, slots=True)
class WithFunctions:
    """Manifests of both kinds, the functions without a CloudFunction, and what else is to be reported."""

    manifests: tuple[Manifest, ...]
    by_id: tuple[ById, ...]
    remarks: tuple[str, ...]


@dataclass(slots=True)
class _Reader:
    """Reads what no list shows of a version. A scope that the key lacks is noticed once, and not asked for again."""

    client: ReadOnlyClient
    remarks: dict[str, None] = field(default_factory=dict)
    no_details: bool = False
    no_sharing: bool = False

    async def secrets(self, version: FunctionDetails) -> tuple[tuple[str, ...] | None, str]:
        """The names of its secrets; None where they are not shown, and why."""
        if self.no_details:
            return None, _NO_DETAILS
        request = endpoints.get_function(
            function_id=version.id, function_version_id=version.version_id, include_secrets=True
        )
        try:
            found = (await self.client.call(request)).details()
        except errors.NvcfError as error:
            return None, f"their names could not be read: {error_text(error)}"
        if found.secrets is None and found.active_instances is None and "activeInstances" not in found.unreadable:
            self.no_details = True
            return None, _NO_DETAILS
        if "secrets" in found.unreadable:
            return None, "NVCF shows their names in a form that cannot be read"
        return found.secrets or (), ""

    async def is_shared(self, version: FunctionDetails) -> bool:
        """Whether other accounts may use it, as far as NVCF says so."""
        if self.no_sharing:
            return False
        request = endpoints.get_authorizations(function_id=version.id, function_version_id=version.version_id)
        try:
            return bool((await self.client.call(request)).function.authorized_parties)
        except errors.Forbidden:
            self.no_sharing = True
            self.remarks.setdefault(_NO_SHARING)
        except errors.NotFound:
            pass  # nobody is authorized
        except errors.NvcfError as error:
            self.remarks.setdefault(f"NVCF does not report whether functions are shared: {error_text(error)}")
        return False


async def with_functions(
    client: ReadOnlyClient,
    versions: Sequence[FunctionDetails],
    deployed: Mapping[str, Manifest],
    public: frozenset[str],
    resource_names: Mapping[str, str],
    options: ImportOptions,
    key: str,
) -> WithFunctions:
    """Make CloudFunctions of the functions of these versions, and deployments that refer to them.

    Args:
        client: reads what the list does not show.
        versions: the account's own versions, as far as they were asked for.
        deployed: the manifests of those that are deployed, by version id.
        public: the versions that are public, by id.
        resource_names: name of each function's resource, by the function's id.
        options: what the manifests are to say beside what NVCF shows.
        key: the API key.

    """
    functions: dict[str, list[FunctionDetails]] = {}
    for item in sorted(versions, key=_age, reverse=True):
        functions.setdefault(item.id, []).append(item)
    reader = _Reader(client)

    async def one(of_function: list[FunctionDetails]) -> Manifest | ById:
        chosen = _chosen(of_function, deployed)
        name = resource_names.get(chosen.id.lower())
        running = sum(item.version_id in deployed for item in of_function)
        if any(item.version_id in public for item in of_function):
            return ById(chosen, _PUBLIC)
        if name is None:
            return ById(chosen, "its id is not a UUID, and the resource accepts nothing else")
        try:
            # What cannot be expressed needs no further reads.
            function_manifest(name, chosen, options, deployed=running, key=key)
            if await reader.is_shared(chosen):
                return ById(chosen, _SHARED)
            secrets, why = await reader.secrets(chosen)
            return function_manifest(
                name, chosen, options, deployed=running, secrets=secrets, unknown_secrets=why, key=key
            )
        except NotExpressibleError as error:
            return ById(chosen, str(error))

    groups = sorted(functions.values(), key=lambda group: (group[0].name or "", group[0].id))
    # The first one shows which scopes the key lacks.
    results = [await one(group) for group in groups[:1]]
    results += await asyncio.gather(*(one(group) for group in groups[1:]))
    made = [item for item in results if isinstance(item, Manifest)]
    named = {item.body["spec"]["functionId"]: item for item in made}
    deployments = [item for group in groups for item in _deployments(group, deployed, named.get(group[0].id.lower()))]
    return WithFunctions(
        manifests=(*_in_order(made), *_in_order(deployments)),
        by_id=tuple(item for item in results if isinstance(item, ById)),
        remarks=tuple(reader.remarks),
    )


def _deployments(
    versions: Sequence[FunctionDetails], deployed: Mapping[str, Manifest], function: Manifest | None
) -> Iterable[Manifest]:
    """The manifests of a function's deployments: of the version that its CloudFunction describes, and of the others."""
    chosen = _chosen(versions, deployed)
    running = [item for item in versions if item.version_id in deployed]
    for item in running:
        by_ids = deployed[item.version_id]
        if function is None:
            yield by_ids
        elif item is chosen:
            yield following(by_ids, function.name, revision_of(item, pinned=True) if len(running) > 1 else None)
        else:
            note = (
                f"it names its version by id, since {names.CLOUD_FUNCTION} {function.name} describes the newer version "
                f"{chosen.version_id.lower()}"
            )
            yield replace(by_ids, remarks=(*by_ids.remarks, note))


def _chosen(versions: Sequence[FunctionDetails], deployed: Mapping[str, Manifest]) -> FunctionDetails:
    """The version that the template describes: the newest that is deployed, else the newest."""
    return next((item for item in versions if item.version_id in deployed), versions[0])


def _age(version: FunctionDetails) -> tuple[datetime, str]:
    """The order in which adoption prefers versions of the same content; without a time it is the oldest."""
    seen = version_seen(version)
    return seen.created_at or FIRST, seen.version_id


def _in_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=lambda item: item.name)
