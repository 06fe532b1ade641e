"""`nvcf-operator import`: manifests for what an account has, by reading calls alone."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from nvcf_client import endpoints, errors
from nvcf_client.models import Deployment, Function
from nvcf_client.responses import FunctionsResponse
from nvcf_operator.commands import manifests, printing
from nvcf_operator.commands.cloud_functions import with_functions
from nvcf_operator.commands.function_manifests import function_names
from nvcf_operator.commands.imported import Imported, LeftOut
from nvcf_operator.commands.manifests import Manifest
from nvcf_operator.commands.read_only_client import (
    MANY,
    NEW_KEY,
    RATE,
    ReadOnlyClient,
    error_text,
    with_key_hint,
)
from nvcf_operator.commands.specifications import NotExpressibleError
from nvcf_operator.logs import Redactor
from nvcf_operator.settings.options import ImportOptions, ImportSettings, read_key

COMPLETE, FAILED, INCOMPLETE = 0, 1, 3
"""Exit codes: all that is deployed is printed; nothing could be read; something was left out."""

_STATES = {
    "INACTIVE": "it is draining, or is just being deployed. Import again once that is done",
    "ERROR": "its deployment has failed, and an operator that manages it may undeploy it and deploy it again. Write a "
    "manifest yourself if you want that",
    "DELETED": "it is being deleted",
}
"""Why a version with one of these statuses is left out although it has a deployment."""

_PUBLIC = "it is public, and NVCF does not let anyone change its deployment"
_ELSEWHERE = "it belongs to another account"
_GONE = (
    "the list shows it as deployed, but it has no deployment (404): it is just being undeployed, or NVCF has a fault. "
    "Import again"
)


Report = Callable[[str], None]
"""Prints a line for the user at the terminal."""


class NothingReadError(Exception):
    """Nothing could be read. The text is for users."""


def run(account: ImportSettings, options: ImportOptions) -> int:
    """Print manifests on standard output, all else on standard error; return the exit code."""
    key = read_key(account.api_key_file)
    redactor = Redactor()
    redactor.add(key)

    def report(line: str) -> None:
        printing.err(f"nvcf-operator: {redactor.clean(line)}\n")

    try:
        found = asyncio.run(_read(account, options, key, report))
    except NothingReadError as error:
        report(str(error))
        return FAILED
    printing.out("".join(item.to_yaml() for item in found.manifests))
    for line in found.lines():
        report(line)
    return COMPLETE if found.complete else INCOMPLETE


async def _read(account: ImportSettings, options: ImportOptions, key: str, report: Report) -> Imported:
    async with ReadOnlyClient(account, key, timeout=options.timeout) as client:
        found = await read(client, options, key, report)
        return replace(found, remarks=(*found.remarks, *(f"the gateway says: {text}" for text in client.notices)))


async def read(client: ReadOnlyClient, options: ImportOptions, key: str, report: Report) -> Imported:
    """Read what is deployed, and make manifests of it.

    Raises:
        NothingReadError: the account could not be read at all.

    """
    answer = await _listed(client, key)
    # In an order that does not depend on the server's.
    functions = sorted(answer.functions, key=lambda item: (item.name or "", item.id, item.version_id))
    public, remarks = await _public(client)
    names = manifests.resource_names(functions)
    wanted = [item for item in functions if options.wants(item.name, item.id, item.version_id)]
    if len(wanted) > MANY:
        report(f"requesting the deployments of {len(wanted)} versions, {RATE:g} per second")
    results = await asyncio.gather(*(_one(client, item, public, names, options, key) for item in wanted))
    deployed = {
        item.version_id: found for item, found in zip(wanted, results, strict=True) if isinstance(found, Manifest)
    }
    imported = Imported(
        manifests=tuple(sorted(deployed.values(), key=lambda item: item.name)),
        left_out=tuple(item for item in results if isinstance(item, LeftOut)),
        remarks=remarks,
        unmatched=_unmatched(functions, options),
        unreadable=answer.passed_over if answer.skipped_versions else (),
    )
    if not options.cloud_functions:
        return imported
    own = answer.details({item.version_id for item in wanted if not item.owned_by_different_account})
    number = len({item.id for item in own})
    if number > MANY:
        report(f"requesting names of secrets and sharing of {number} functions, {RATE:g} calls per second")
    resources = function_names((item.id, item.name) for item in functions)
    more = await with_functions(client, own, deployed, public, resources, options, key)
    return replace(imported, manifests=more.manifests, by_id=more.by_id, remarks=(*remarks, *more.remarks))


async def _listed(client: ReadOnlyClient, key: str) -> FunctionsResponse:
    """The account's own versions."""
    try:
        answer = await client.call(endpoints.list_functions(visibility="private"))
    except errors.Forbidden as error:
        raise NothingReadError(
            with_key_hint(
                f"NVCF does not list the functions ({error.detail.rstrip('. ')}): it does not know the key, or the "
                f"key lacks the scope list_functions; {NEW_KEY}. `nvcf-operator check` shows which",
                key,
            )
        ) from None
    except errors.Unauthorized as error:
        raise NothingReadError(with_key_hint(error_text(error), key)) from None
    except errors.NvcfError as error:
        raise NothingReadError(error_text(error)) from None
    may = await client.may_deploy()
    if isinstance(may, errors.NvcfError):
        raise NothingReadError(error_text(may))
    if not may:
        raise NothingReadError("the key lacks the scope deploy_function, which NVCF also requires to read deployments")
    return answer


async def _public(client: ReadOnlyClient) -> tuple[frozenset[str], tuple[str, ...]]:
    """The versions that are public, by id; and what is to be reported when NVCF does not say."""
    try:
        answer = await client.call(endpoints.list_functions(visibility="public"))
    except errors.NvcfError as error:
        return frozenset(), (
            f"NVCF does not report which functions are public, so none is left out: {error_text(error)}",
        )
    public = frozenset(item.version_id for item in answer.functions)
    if not answer.skipped_versions:
        return public, ()
    odd = "; ".join(answer.passed_over)
    return public, (f"the list of public functions cannot be read in full, so some may be included: {odd}",)


async def _one(
    client: ReadOnlyClient,
    function: Function,
    public: frozenset[str],
    names: dict[str, str],
    options: ImportOptions,
    key: str,
) -> Manifest | LeftOut | None:
    """The manifest of one version, why it has none, or None where it is not deployed.

    A version that the list shows as INACTIVE is asked for as well: it has a deployment while it drains.
    """
    try:
        answer = await client.call(
            endpoints.get_deployment(function_id=function.id, function_version_id=function.version_id)
        )
    except errors.NotFound as error:
        if error.unknown_path:
            return LeftOut(function, error_text(error))
        return None if function.status.upper() == "INACTIVE" else LeftOut(function, _GONE)
    except errors.NvcfError as error:
        return LeftOut(function, error_text(error))
    why = _unfit(function, answer.deployment, public)
    if why is not None:
        return LeftOut(function, why)
    name = names.get(function.version_id.lower())
    if name is None:
        return LeftOut(function, "its id is not a UUID, and the resource accepts nothing else")
    try:
        return manifests.manifest(name, function, answer.deployment, options, key=key)
    except NotExpressibleError as error:
        return LeftOut(function, str(error))


def _unfit(function: Function, deployment: Deployment, public: frozenset[str]) -> str | None:
    """Why a deployment must not be adopted; None if it may be."""
    if function.owned_by_different_account:
        return _ELSEWHERE
    if function.version_id in public:
        return _PUBLIC
    if deployment.function_version_id.lower() != function.version_id.lower():
        return "NVCF answers with the deployment of another version. Import again"
    odd = sorted(item for item in deployment.unreadable if item.startswith("deploymentSpecifications"))
    if odd:
        return f"NVCF shows {', '.join(odd)} in a form that cannot be read. Look for a newer version of the operator"
    return _STATES.get(deployment.function_status.upper())


def _unmatched(functions: Sequence[Function], options: ImportOptions) -> tuple[str, ...]:
    return tuple(
        pattern
        for pattern in options.function
        if not any(options.matches(pattern, item.name, item.id, item.version_id) for item in functions)
    )
