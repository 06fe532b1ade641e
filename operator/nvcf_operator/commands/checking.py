"""`nvcf-operator check`: is the key good, is NVCF there, and what does the account run? Reading calls alone."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from nvcf_client import endpoints, errors
from nvcf_client.answers import one_line
from nvcf_client.models import Function, Instance
from nvcf_client.responses import FunctionsResponse
from nvcf_operator.commands import scopes
from nvcf_operator.commands.answers import Answer, DeployedVersion, Report, Result
from nvcf_operator.commands.asking import Asker
from nvcf_operator.commands.explaining import NEW_KEY, in_words, of_key
from nvcf_operator.commands.options import AccountSettings, CheckOptions, KeyFileError, read_key
from nvcf_operator.redaction import Redactor

PASSED, NOT_PASSED = 0, 1
"""Exit codes: all that the operator needs is there; or it is not, or that could not be found out."""

KEY, SERVER, ACCEPTED = "key", "server", "accepted"
LIST, DEPLOY, DETAILS = "list_functions", "deploy_function", "list_functions_details"
ACCOUNT, DEPLOYMENTS, INSTANCES = "account", "deployments", "instances"
ANNOUNCED = "announced"

QUESTIONS = (KEY, SERVER, ACCEPTED, LIST, DEPLOY, DETAILS, ACCOUNT, DEPLOYMENTS, INSTANCES, ANNOUNCED)
"""In the order in which they are answered. What the gateway announces is shown only where it announces something."""

REQUIRED = frozenset({KEY, SERVER, ACCEPTED, LIST, DEPLOY})

RUNNING = frozenset({"ACTIVE", "RUNNING"})
"""Statuses of an instance that works."""

_UNANSWERED = "skipped: an earlier check did not pass"


def run(account: AccountSettings, options: CheckOptions) -> int:
    """Print all answers; give the exit code."""
    redactor = Redactor()
    try:
        key = read_key(account.api_key_file)
    except KeyFileError as error:
        answers = {KEY: (Result.FAILED, f"{error}. Set --api-key-file to a file with the API key in one line")}
        report = _report(account.nvcf_base_url, answers)
    else:
        redactor.add(key)
        report = asyncio.run(_ask(account, options, key))
    text = report.to_json(redactor.clean) if options.output == "json" else redactor.clean(report.to_text())
    click.echo(text, nl=False)
    return PASSED if report.ok else NOT_PASSED


Answers = dict[str, tuple[Result, str]]


@dataclass(frozen=True, slots=True)
class _Running:
    """Instances of one version; None where NVCF does not tell; the error where it was not answered."""

    function: Function
    instances: tuple[Instance, ...] | None
    error: errors.NvcfError | None = None

    @property
    def number(self) -> int | None:
        """How many work."""
        if self.instances is None:
            return None
        return sum((item.instance_status or "").upper() in RUNNING for item in self.instances)


async def _ask(account: AccountSettings, options: CheckOptions, key: str) -> Report:
    answers: Answers = {KEY: (Result.OK, "the file contains a key that can be sent")}
    async with Asker(account, key, timeout=options.timeout) as asker:
        try:
            listed = await asker.ask(endpoints.list_functions(visibility="private"))
        except errors.NvcfError as error:
            answers |= await _without_list(asker, error, account.nvcf_base_url) | _announced(asker)
            if answers.get(ACCEPTED, (Result.OK, ""))[0] == Result.FAILED:
                answers[ACCEPTED] = (Result.FAILED, of_key(answers[ACCEPTED][1], key))
            return _report(account.nvcf_base_url, answers)
        answers[SERVER] = _reached(account.nvcf_base_url)
        answers[ACCEPTED] = (Result.OK, "NVCF accepts the key")
        answers[LIST] = (Result.OK, "the key may list functions" + _passed_over(listed))
        answers[DEPLOY] = _deploy(await scopes.may_deploy(asker))
        own = [item for item in listed.functions if not item.owned_by_different_account]
        answers[ACCOUNT], account_id = _account(own)
        deployed = sorted((x for x in own if _is_deployed(x)), key=lambda x: (x.name or "", x.id, x.version_id))
        answers[DEPLOYMENTS] = (Result.OK, _counts(own, deployed))
        running = await _running(asker, deployed)
        answers[DETAILS], answers[INSTANCES] = _details(running), _instances(running)
        answers |= _announced(asker)
    return _report(account.nvcf_base_url, answers, account_id, [_shown(item) for item in running])


async def _running(asker: Asker, deployed: Sequence[Function]) -> list[_Running]:
    """The instances of each version. Where one shows that NVCF does not tell them, no other is asked for."""
    first = [await _instances_of(asker, item) for item in deployed[:1]]
    if first and first[0].error is None and first[0].instances is None:
        return [*first, *(_Running(item, None) for item in deployed[1:])]
    return [*first, *await asyncio.gather(*(_instances_of(asker, item) for item in deployed[1:]))]


async def _instances_of(asker: Asker, function: Function) -> _Running:
    request = endpoints.get_function(function_id=function.id, function_version_id=function.version_id)
    try:
        return _Running(function, (await asker.ask(request)).function.active_instances)
    except errors.NvcfError as error:
        return _Running(function, None, error)


async def _without_list(asker: Asker, error: errors.NvcfError, base_url: str) -> Answers:
    """What it means that the list of functions was not answered."""
    words = in_words(error)
    if error.foreign or isinstance(error, errors.Unreachable | errors.OutcomeUnknown | errors.Redirected):
        return {SERVER: (Result.FAILED, words)}
    match error:
        case errors.Unauthorized():
            return {SERVER: _reached(base_url), ACCEPTED: (Result.FAILED, words)}
        case errors.Forbidden():
            return {SERVER: _reached(base_url), **await _forbidden(asker, error)}
        case errors.NotFound() if not error.unknown_path:
            text = f"NVCF knows no account for this key (404: {error.detail.rstrip('. ')}). Use a key of an account"
            return {SERVER: _reached(base_url), ACCEPTED: (Result.FAILED, text)}
        case errors.Throttled():
            return {SERVER: _reached(base_url), ACCEPTED: (Result.UNKNOWN, words)}
        case _:
            return {SERVER: (Result.FAILED, words)}


async def _forbidden(asker: Asker, error: errors.Forbidden) -> Answers:
    """Tell a key that may not list from one that may nothing, by whether it may read deployments."""
    may = await scopes.may_deploy(asker)
    if may is True:
        return {
            ACCEPTED: (Result.OK, "NVCF accepts the key"),
            LIST: (Result.FAILED, _missing(LIST)),
            DEPLOY: _deploy(may),
        }
    told = f"403: {error.detail.rstrip('. ')}"
    if may is False:
        text = (
            f"NVCF does not recognise the key, it was revoked, or it has none of the scopes ({told}). Put a valid key "
        )
        return {ACCEPTED: (Result.FAILED, f"{text}with {DEPLOY} and {LIST} into the file; {NEW_KEY}")}
    text = f"NVCF lists nothing ({told}), and it is unclear whether the key or a scope is at fault: "
    return {ACCEPTED: (Result.UNKNOWN, text + in_words(may))}


def _report(
    base_url: str, answers: Answers, account_id: str | None = None, deployed: Sequence[DeployedVersion] = ()
) -> Report:
    return Report(
        base_url,
        tuple(
            Answer(name, *answers.get(name, (Result.UNKNOWN, _UNANSWERED)), required=name in REQUIRED)
            for name in QUESTIONS
            if name != ANNOUNCED or name in answers
        ),
        account_id,
        deployed,
    )


def _reached(base_url: str) -> tuple[Result, str]:
    return Result.OK, f"NVCF answers at {base_url}"


def _deploy(may: bool | errors.NvcfError) -> tuple[Result, str]:
    if may is True:
        return Result.OK, "the key may read and change deployments"
    if may is False:
        return Result.FAILED, _missing(DEPLOY)
    return Result.UNKNOWN, in_words(may)


def _missing(scope: str) -> str:
    return f"the key lacks the scope {scope}. Grant it that scope, or use another key; {NEW_KEY}"


def _announced(asker: Asker) -> Answers:
    """What NGC's gateway has announced beside its answers."""
    return {ANNOUNCED: (Result.OK, f"the gateway says: {'; '.join(asker.notices)}")} if asker.notices else {}


def _passed_over(listed: FunctionsResponse) -> str:
    """What of the list could not be read."""
    return f"; skipped, because it cannot be read: {'; '.join(listed.passed_over[:5])}" if listed.passed_over else ""


def _account(own: Sequence[Function]) -> tuple[tuple[Result, str], str | None]:
    ids = sorted({item.nca_id for item in own})
    if len(ids) == 1:
        return (Result.OK, one_line(ids[0])), ids[0]
    if not ids:
        return (Result.UNKNOWN, "the key sees no function, and NVCF names the account only with functions"), None
    return (Result.UNKNOWN, f"the key sees functions of several accounts: {one_line(', '.join(ids))}"), None


def _is_deployed(function: Function) -> bool:
    return function.status.upper() not in ("INACTIVE", "DELETED")


def _counts(own: Sequence[Function], deployed: Sequence[Function]) -> str:
    idle = len(own) - len(deployed)
    if not deployed:
        return f"nothing is deployed; {_count(idle, 'version')} not deployed, or draining"
    by_status = Counter(one_line(item.status.upper(), limit=32) for item in deployed)
    statuses = ", ".join(f"{number} {status}" for status, number in sorted(by_status.items()))
    of = _count(len({item.id for item in deployed}), "function")
    return f"{_count(len(deployed), 'version')} of {of} deployed: {statuses}; {idle} not deployed, or draining"


def _details(running: Sequence[_Running]) -> tuple[Result, str]:
    if any(item.instances is not None for item in running):
        return Result.OK, "the key may see running instances"
    failed = next((item.error for item in running if item.error is not None), None)
    if failed is not None:
        return Result.UNKNOWN, in_words(failed)
    if running:
        text = f"the key lacks the scope {DETAILS}: running instances are not shown. Everything else works"
        return Result.FAILED, text
    return Result.UNKNOWN, "nothing is deployed, so this cannot be checked"


def _instances(running: Sequence[_Running]) -> tuple[Result, str]:
    told = [item for item in running if item.instances is not None]
    if not running:
        return Result.OK, "nothing is deployed, so nothing runs"
    if not told:
        return Result.UNKNOWN, "NVCF does not report them"
    works = sum(item.number or 0 for item in told)
    others = Counter(_state(x) for item in told for x in item.instances or () if _state(x) not in RUNNING)
    text = f"{_count(works, 'instance')} running for {_count(len(told), 'version')}"
    text += "".join(f", {number} {state}" for state, number in sorted(others.items()))
    silent = len(running) - len(told)
    if silent:
        return Result.UNKNOWN, f"{text}; NVCF does not report them for {_count(silent, 'version')} more"
    without = _idle(told)
    return Result.OK, text + (f"; ACTIVE without a running instance: {', '.join(without)}" if without else "")


def _idle(told: Iterable[_Running]) -> list[str]:
    """Versions that are ACTIVE and run nothing, which is in order where the minimum is 0 and trouble elsewhere."""
    return [
        one_line(item.function.version_id, limit=64)
        for item in told
        if item.number == 0 and item.function.status.upper() == "ACTIVE"
    ][:10]


def _state(instance: Instance) -> str:
    return one_line((instance.instance_status or "UNKNOWN").upper(), limit=32)


def _shown(item: _Running) -> DeployedVersion:
    function = item.function
    return DeployedVersion(
        one_line(function.name or "", limit=100) or "-",
        function.id,
        function.version_id,
        one_line(function.status, limit=32),
        item.number,
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
