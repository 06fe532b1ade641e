"""`nvcf-operator check`: does the key work, does NVCF respond, and what does the account run? It changes nothing."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from nvcf_client import endpoints, errors
from nvcf_client.answers import one_line
from nvcf_client.models import Function
from nvcf_client.responses import FunctionsResponse
from nvcf_operator.commands import printing
from nvcf_operator.commands.catalogue import NO_CATALOGUE, CatalogueAnswer, read_catalogue
from nvcf_operator.commands.check_report import CheckResult, DeployedVersion, Outcome, Report
from nvcf_operator.commands.instances import DETAILS, may_see_instances, read_instances, running_instances
from nvcf_operator.commands.read_only_client import NEW_KEY, ReadOnlyClient, counted, error_text, with_key_hint
from nvcf_operator.commands.scopes import NAMES, check_scopes, lacks
from nvcf_operator.core.catalogue.model import Catalogue
from nvcf_operator.logs import Redactor
from nvcf_operator.settings.options import AccountSettings, CheckOptions, KeyFileError, read_key

PASSED, NOT_PASSED = 0, 1
"""Exit codes: all required checks passed; or one failed, or could not be made."""

KEY, SERVER, ACCEPTED = "key", "server", "accepted"
LIST, DEPLOY = "list_functions", "deploy_function"
ACCOUNT, DEPLOYMENTS, INSTANCES = "account", "deployments", "instances"
CATALOGUE, QUOTA = "catalogue", "quota"
ANNOUNCED = "announced"

QUESTIONS = (
    *(KEY, SERVER, ACCEPTED, LIST, DEPLOY, DETAILS, *NAMES),
    *(ACCOUNT, DEPLOYMENTS, INSTANCES, CATALOGUE, QUOTA, ANNOUNCED),
)
"""In the order in which they are reported. The quota is shown only where there is a catalogue, and what the gateway
announces only where it announces something."""

REQUIRED = frozenset({KEY, SERVER, ACCEPTED, LIST, DEPLOY})
"""What both kinds of resources need. What only CloudFunctions need is optional: FunctionDeployments work without it."""

_WITHOUT = {LIST: "nothing works without it", DEPLOY: "FunctionDeployments do nothing"}

_UNANSWERED = "skipped: an earlier check did not pass"


def run(account: AccountSettings, options: CheckOptions) -> int:
    """Print all results; return the exit code."""
    redactor = Redactor()
    try:
        key = read_key(account.api_key_file)
    except KeyFileError as error:
        results = {KEY: (Outcome.FAILED, f"{error}. Set --api-key-file to a file with the API key in one line")}
        report = _report(account.nvcf_base_url, results)
    else:
        redactor.add(key)
        report = asyncio.run(_ask(account, options, key))
    text = report.to_json(redactor.clean) if options.output == "json" else redactor.clean(report.to_text())
    printing.out(text)
    return PASSED if report.ok else NOT_PASSED


Results = dict[str, tuple[Outcome, str]]


async def _ask(account: AccountSettings, options: CheckOptions, key: str) -> Report:
    results: Results = {KEY: (Outcome.OK, "the file contains a key that can be sent")}
    async with ReadOnlyClient(account, key, timeout=options.timeout) as client:
        try:
            listed = await client.call(endpoints.list_functions(visibility="private"))
        except errors.NvcfError as error:
            results |= await _without_list(client, error, account.nvcf_base_url) | _announced(client)
            if results.get(ACCEPTED, (Outcome.OK, ""))[0] == Outcome.FAILED:
                results[ACCEPTED] = (Outcome.FAILED, with_key_hint(results[ACCEPTED][1], key))
            return _report(account.nvcf_base_url, results)
        results[SERVER] = _reached(account.nvcf_base_url)
        results[ACCEPTED] = (Outcome.OK, "NVCF accepts the key")
        results[LIST] = (Outcome.OK, "the key may list functions" + _passed_over(listed))
        results[DEPLOY] = _deploy(await client.may_deploy())
        results |= await check_scopes(client)
        own = [item for item in listed.functions if not item.owned_by_different_account]
        results[ACCOUNT], account_id = _account(own)
        deployed = sorted((x for x in own if _is_deployed(x)), key=lambda x: (x.name or "", x.id, x.version_id))
        results[DEPLOYMENTS] = (Outcome.OK, _counts(own, deployed))
        instances = await read_instances(client, deployed)
        # Any version shows the scope, deployed or not.
        results[DETAILS] = may_see_instances(instances or await read_instances(client, own[:1]))
        results[INSTANCES] = running_instances(instances)
        results |= _announced(client)
    answer = await read_catalogue(account, key, timeout=options.timeout)
    results |= _catalogue(answer)
    deployments = [item.shown for item in instances]
    return _report(account.nvcf_base_url, results, account_id, deployments, answer.catalogue)


def _catalogue(answer: CatalogueAnswer) -> Results:
    """What can be deployed, and the quota, as far as the key may read them."""
    catalogue = answer.catalogue
    quotas = catalogue.quotas if catalogue is not None else ()
    offers = catalogue.offers if catalogue is not None else ()
    gpus = len({offer.gpu.casefold() for offer in offers})
    shown = f"{counted(len(offers), 'instance type')} of {counted(gpus, 'GPU')}"
    if answer.without_types == NO_CATALOGUE:
        return {CATALOGUE: (Outcome.UNKNOWN, NO_CATALOGUE)}
    if answer.without_types is not None and not offers:
        types = (Outcome.FAILED, answer.without_types)
    elif answer.without_capacity is not None:
        types = (Outcome.OK, f"{shown}; what is free is not shown: {answer.without_capacity}")
    else:
        types = (Outcome.OK, f"{shown}; see the table for what exists together, and what is free")
    if answer.without_quota is not None:
        quota = (Outcome.FAILED, answer.without_quota)
    else:
        quota = (Outcome.OK, f"rules for {counted(len(quotas), 'GPU')}" if quotas else "the account has no rules")
    return {CATALOGUE: types, QUOTA: quota}


async def _without_list(client: ReadOnlyClient, error: errors.NvcfError, base_url: str) -> Results:
    """The results when the list of functions failed."""
    words = error_text(error)
    if error.foreign or isinstance(error, errors.Unreachable | errors.OutcomeUnknown | errors.Redirected):
        return {SERVER: (Outcome.FAILED, words)}
    match error:
        case errors.Unauthorized():
            return {SERVER: _reached(base_url), ACCEPTED: (Outcome.FAILED, words)}
        case errors.Forbidden():
            return {SERVER: _reached(base_url), **await _forbidden(client, error)}
        case errors.NotFound() if not error.unknown_path:
            text = f"NVCF knows no account for this key (404: {error.detail.rstrip('. ')}). Use a key of an account"
            return {SERVER: _reached(base_url), ACCEPTED: (Outcome.FAILED, text)}
        case errors.Throttled():
            return {SERVER: _reached(base_url), ACCEPTED: (Outcome.UNKNOWN, words)}
        case _:
            return {SERVER: (Outcome.FAILED, words)}


async def _forbidden(client: ReadOnlyClient, error: errors.Forbidden) -> Results:
    """Distinguish a key that may not list from one that may do nothing: may it read deployments?"""
    may = await client.may_deploy()
    if may is True:
        return {
            ACCEPTED: (Outcome.OK, "NVCF accepts the key"),
            LIST: (Outcome.FAILED, lacks(LIST, _WITHOUT[LIST])),
            DEPLOY: _deploy(may),
            **await check_scopes(client),
        }
    detail = f"403: {error.detail.rstrip('. ')}"
    if may is False:
        text = (
            f"NVCF does not recognise the key, it was revoked, or it has none of the scopes ({detail}). "
            f"Put a valid key with {DEPLOY} and {LIST} into the file; {NEW_KEY}"
        )
        return {ACCEPTED: (Outcome.FAILED, text)}
    text = f"NVCF lists nothing ({detail}), and it is unclear whether the key or a scope is at fault: "
    return {ACCEPTED: (Outcome.UNKNOWN, text + error_text(may))}


def _report(
    base_url: str,
    results: Results,
    account_id: str | None = None,
    deployed: Sequence[DeployedVersion] = (),
    catalogue: Catalogue | None = None,
) -> Report:
    return Report(
        base_url,
        tuple(
            CheckResult(name, *results.get(name, (Outcome.UNKNOWN, _UNANSWERED)), required=name in REQUIRED)
            for name in QUESTIONS
            if name not in (QUOTA, ANNOUNCED) or name in results
        ),
        account_id,
        deployed,
        catalogue,
    )


def _reached(base_url: str) -> tuple[Outcome, str]:
    return Outcome.OK, f"NVCF answers at {base_url}"


def _deploy(may: bool | errors.NvcfError) -> tuple[Outcome, str]:
    if may is True:
        return Outcome.OK, "the key may read and change deployments"
    if may is False:
        return Outcome.FAILED, lacks(DEPLOY, _WITHOUT[DEPLOY])
    return Outcome.UNKNOWN, error_text(may)


def _announced(client: ReadOnlyClient) -> Results:
    """What NGC's gateway has announced beside its responses."""
    return {ANNOUNCED: (Outcome.OK, f"the gateway says: {'; '.join(client.notices)}")} if client.notices else {}


def _passed_over(listed: FunctionsResponse) -> str:
    """What of the list could not be read."""
    return f"; skipped, because it cannot be read: {'; '.join(listed.passed_over[:5])}" if listed.passed_over else ""


def _account(own: Sequence[Function]) -> tuple[tuple[Outcome, str], str | None]:
    ids = sorted({item.nca_id for item in own})
    if len(ids) == 1:
        return (Outcome.OK, one_line(ids[0])), ids[0]
    if not ids:
        return (Outcome.UNKNOWN, "the key sees no function, and NVCF names the account only with functions"), None
    return (Outcome.UNKNOWN, f"the key sees functions of several accounts: {one_line(', '.join(ids))}"), None


def _is_deployed(function: Function) -> bool:
    return function.status.upper() not in ("INACTIVE", "DELETED")


def _counts(own: Sequence[Function], deployed: Sequence[Function]) -> str:
    idle = len(own) - len(deployed)
    if not deployed:
        return f"nothing is deployed; {counted(idle, 'version')} not deployed, or draining"
    by_status = Counter(one_line(item.status.upper(), limit=32) for item in deployed)
    statuses = ", ".join(f"{number} {status}" for status, number in sorted(by_status.items()))
    of = counted(len({item.id for item in deployed}), "function")
    return f"{counted(len(deployed), 'version')} of {of} deployed: {statuses}; {idle} not deployed, or draining"
