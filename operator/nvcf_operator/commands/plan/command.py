"""`nvcf-operator plan`: reads manifests, NVCF and perhaps a cluster, and prints what the operator would do."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, Final

from nvcf_operator.api.names import KIND
from nvcf_operator.commands import printing
from nvcf_operator.commands.plan.advised import advised, catalogue_for, gpus_of
from nvcf_operator.commands.plan.engine import make_plan
from nvcf_operator.commands.plan.input.reading import STDIN, Input, InputError, read
from nvcf_operator.commands.plan.input.recorded import Recorded, recorded
from nvcf_operator.commands.plan.input.secrets import ClusterCredentials
from nvcf_operator.commands.plan.loop.ports import GivenKey
from nvcf_operator.commands.plan.model import FAILED, Manifest, Plan
from nvcf_operator.commands.plan.output import markdown, structured, text, words
from nvcf_operator.commands.read_only_client import MANY, RATE, ReadOnlyClient, counted
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.kube.dry_run import DryRunClient
from nvcf_operator.kube.errors import KubeError
from nvcf_operator.kube.secrets import Secrets
from nvcf_operator.logs import Redactor
from nvcf_operator.reconcile.ports import Credentials, SecretStore
from nvcf_operator.settings import Settings
from nvcf_operator.settings.options import ImportSettings, PlanOptions, read_key

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as of a shell."""


class ClusterError(Exception):
    """The cluster cannot be read. The text is for users."""


@contextmanager
def interruptible() -> Iterator[None]:
    """End the process without a traceback when a user interrupts it."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def run(account: ImportSettings, operator: Settings, options: PlanOptions) -> int:
    """Print the plan on standard output, and errors on standard error; return the exit code."""
    key = read_key(account.api_key_file)
    redactor = Redactor()
    redactor.add(key)
    try:
        # Before the event loop: a read that blocks it could not be interrupted.
        stdin = _standard_input() if STDIN in options.filename else b""
        given, plan = asyncio.run(_Run(account, operator, options, key, stdin, redactor.add).plan())
    except (InputError, ClusterError) as error:
        for line in error.lines if isinstance(error, InputError) else str(error).splitlines():
            printing.err(f"nvcf-operator: {words.printable(redactor.clean(line))}\n")
        return FAILED
    printing.out(_rendered(given, plan, options, redactor))
    return plan.exit_code


def _standard_input() -> bytes:
    """All of standard input.

    Raises:
        InputError: it cannot be read.

    """
    if sys.stdin is None:
        raise InputError(["standard input is closed"])
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError([f"standard input cannot be read: {error.strerror}"]) from None


def _rendered(given: Input, plan: Plan, options: PlanOptions, redactor: Redactor) -> str:
    match options.output:
        case "json":
            return structured.render(plan, warnings=given.warnings, clean=redactor.clean)
        case "markdown":
            return redactor.clean(markdown.render(plan, warnings=given.warnings))
        case _:
            return redactor.clean(text.render(plan, warnings=given.warnings, colour=_in_colour()))


def _in_colour() -> bool:
    return (
        sys.stdout is not None
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


class _Run:
    """One run of the command."""

    def __init__(
        self,
        account: ImportSettings,
        operator: Settings,
        options: PlanOptions,
        key: str,
        stdin: bytes,
        redact: Callable[[str], None],
    ) -> None:
        self._account = account
        self._operator = operator
        self._options = options
        self._key = key
        self._stdin = stdin
        self._redact = redact
        self._clients: list[ReadOnlyClient] = []

    async def plan(self) -> tuple[Input, Plan]:
        """Read the manifests, and plan for them."""
        options = self._options
        if options.kubeconfig is None and options.context is None:
            given = self._read(None)
            plan = await self._made(given.manifests, GivenKey(self._operator.base_url, self._key))
            return given, self._complete(plan, given)
        async with self._cluster() as (client, namespace):
            given = self._read(namespace)
            try:
                found = await recorded(given.manifests, client)
            except KubeError as error:
                raise ClusterError(f"the cluster cannot be read: {error}") from None
            return given, await self._plan_in_cluster(given, found, Secrets(client))

    async def _plan_in_cluster(self, given: Input, found: Recorded, secrets: Secrets) -> Plan:
        credentials = ClusterCredentials(secrets, self._operator, self._key, redact=self._redact)
        plan = await self._made(found.manifests, credentials, found.others, secrets)
        return self._complete(plan, given, *found.notes, *credentials.notes)

    async def _made(
        self,
        manifests: Sequence[Manifest],
        credentials: Credentials,
        others: Sequence[Mapping[str, Any]] = (),
        secrets: SecretStore | None = None,
    ) -> Plan:
        catalogue = await catalogue_for(manifests, self._account, self._key, timeout=self._options.timeout)
        number = sum(item.document["kind"] == KIND for item in manifests)
        if number > MANY:
            printing.err(f"nvcf-operator: reading the deployments of {number} manifests, {RATE:g} per second\n")
        plan = await make_plan(
            manifests,
            self._operator,
            credentials,
            self._connect,
            others=others,
            secrets=secrets,
            gpus=gpus_of(catalogue),
        )
        return advised(plan, manifests, catalogue)

    def _read(self, namespace: str | None) -> Input:
        chosen = self._options.namespace or namespace
        return read(self._options.filename, namespace=chosen, stdin=lambda: self._stdin)

    @asynccontextmanager
    async def _cluster(self) -> AsyncIterator[tuple[DryRunClient, str | None]]:
        """The cluster, and the namespace of its context."""
        from nvcf_operator.kube.connection import ConnectionProblem, connect

        options = self._options
        if options.kubeconfig and not os.path.exists(options.kubeconfig):  # noqa: ASYNC240  one check, at the start
            raise ClusterError(f"{options.kubeconfig}: there is no such file")
        try:
            connection = await connect(options.kubeconfig or "", options.context or "", user_agent="nvcf-operator/plan")
        except ConnectionProblem as problem:
            raise ClusterError(str(problem)) from None
        try:
            yield DryRunClient(connection), connection.default_namespace
        finally:
            await connection.close()

    def _connect(self, credential: Credential) -> ReadOnlyClient:
        account = self._account.model_copy(update={"nvcf_base_url": credential.base_url})
        client = ReadOnlyClient(account, credential.api_key, timeout=self._options.timeout)
        self._clients.append(client)
        return client

    def _complete(self, plan: Plan, given: Input, *notes: str) -> Plan:
        number = sum(given.skipped.values())
        kinds = ", ".join(f"{count} {kind}" for kind, count in given.skipped.items())
        skipped = [f"{counted(number, 'document')} of other kinds skipped: {kinds}."] if number else []
        announced = dict.fromkeys(f"The gateway says: {text}" for client in self._clients for text in client.notices)
        return replace(plan, skipped=number, notes=(*plan.notes, *notes, *skipped, *announced))
