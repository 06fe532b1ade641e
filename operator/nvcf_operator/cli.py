"""The command `nvcf-operator`."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, get_origin

import click
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from nvcf_client import keys
from nvcf_operator import logs, settings
from nvcf_operator.settings import Settings
from nvcf_operator.settings.options import AccountSettings, CheckOptions, ImportOptions, ImportSettings, PlanOptions

BAD_SETTINGS = 2
"""Exit code when nothing was started because of a setting."""

PLAN_FAILED = 1
"""Exit code of `plan` for a bad option, since 2 means that something would change."""

SHORT: Mapping[str, tuple[str, ...]] = {"output": ("-o",), "filename": ("-f",)}
"""Options that have a short form."""


class _Command(click.Command):
    """A command whose usage errors show no key."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(keys.redacted(error.format_message()), ctx) from None


class _PlanUsageError(click.UsageError):
    exit_code = PLAN_FAILED


class _PlanCommand(_Command):
    """The same, where exit code 2 has another meaning."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _PlanUsageError(error.format_message(), ctx) from None


def _options(*models: type[BaseModel]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for each setting of these models."""

    def give(function: Callable[..., None]) -> Callable[..., None]:
        for model in reversed(models):
            for name, field in reversed(model.model_fields.items()):
                function = _option(name, field, model)(function)
        return function

    return give


def _option(
    name: str, field: FieldInfo, model: type[BaseModel]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    default = settings.default_in_words(name, model)
    notes = "required" if field.is_required() else f"default: {default}" if default else ""
    text = f"{field.description} [{notes}]" if notes else field.description
    if field.annotation is bool:
        # What has a variable needs a flag for each way, to take back what the variable says.
        off = f"/{settings.flag('no_' + name)}" if issubclass(model, BaseSettings) else ""
        return click.option(f"{settings.flag(name)}{off}", name, is_flag=True, default=None, help=text)
    several = isinstance(field.default, tuple) or get_origin(field.annotation) is tuple
    short = SHORT.get(name, ())
    placeholder = settings.form(name, model).placeholder
    return click.option(
        *short, settings.flag(name), name, default=None, multiple=several, metavar=placeholder, help=text
    )


def _checked(given: Mapping[str, Any], *models: type[BaseModel]) -> tuple[Any, ...]:
    """The settings of these models; the command ends if any of them has errors."""
    chosen = {name: value for name, value in given.items() if value not in (None, ())}
    made, errors = [], []
    for model in models:
        try:
            made.append(model(**{name: value for name, value in chosen.items() if name in model.model_fields}))
        except ValidationError as error:
            errors += settings.validation_errors(error, model)
    for line in errors:
        click.echo(f"nvcf-operator: {line}", err=True)
    if errors:
        sys.exit(BAD_SETTINGS)
    return tuple(made)


def _ensure_reachable(nvcf: settings.NvcfSettings, *more: str) -> None:
    """End the command if a variable or file of the environment keeps a server from being reached at all."""
    from nvcf_client.http import route

    ca_file = str(nvcf.nvcf_ca_file) if nvcf.nvcf_ca_file else None
    catalogue = (nvcf.nvcf_catalogue_url,) if nvcf.nvcf_catalogue_url else ()
    lines = route.obstacles((nvcf.nvcf_base_url, *catalogue, *more), ca_file)
    for line in lines:
        click.echo(f"nvcf-operator: {line}", err=True)
    if lines:
        sys.exit(BAD_SETTINGS)


def _warn_of_unknown_variables() -> None:
    for line in settings.unknown_variables(os.environ):
        click.echo(f"nvcf-operator: {line}", err=True)


@click.group()
@click.version_option(package_name="nvcf-operator", prog_name="nvcf-operator")
def main() -> None:
    """Kubernetes operator for NVIDIA Cloud Functions deployments."""


@main.command(cls=_Command)
@_options(Settings)
def run(**given: Any) -> None:
    """Run the operator until it is stopped.

    Each option is also a variable: --poll-interval is NVCF_OPERATOR_POLL_INTERVAL. The option takes precedence. An
    option that takes several values may be given several times. The cluster is found as kubectl finds it:
    KUBECONFIG, else the pod's service account.
    """
    from nvcf_operator.process import signals

    with signals.ending_at_once():
        checked: Settings
        (checked,) = _checked(given, Settings)
        _ensure_reachable(checked, *checked.allowed_base_urls)
        logs.configure(checked.log_format, checked.log_level)
        for line in settings.unknown_variables(os.environ):
            logging.getLogger(__name__).warning("%s", line)
        from nvcf_operator.runtime import operator

        sys.exit(operator.run(checked))


@main.command("import", cls=_Command)
@_options(ImportSettings, ImportOptions)
def import_(**given: Any) -> None:
    """Print FunctionDeployments for what an NVCF account has deployed.

    The manifests adopt the deployments as they are: applied as printed, they cause no write to NVCF. With
    --cloud-functions, which also prints CloudFunctions, the only write is a tag on each version that is adopted. This
    command writes nothing to NVCF either. What is left out is reported on standard error, and the exit code is then 3;
    it is 1 if nothing could be read.

    The options about NVCF and the key are variables as well, like those of `run`.
    """
    from nvcf_operator.commands import importing

    account, options = _checked(given, ImportSettings, ImportOptions)
    _ensure_reachable(account)
    _warn_of_unknown_variables()
    sys.exit(importing.run(account, options))


@main.command(cls=_Command)
@_options(AccountSettings, CheckOptions)
def check(**given: Any) -> None:
    """Check that an API key works with the operator, and show what the account runs.

    Each check is one line: ok, failed or unknown, and what to do. Exits 0 if all required checks pass. Nothing is
    written to NVCF.

    The options about NVCF and the key are variables as well, like those of `run`.
    """
    from nvcf_operator.commands import checking

    account, options = _checked(given, AccountSettings, CheckOptions)
    _ensure_reachable(account)
    _warn_of_unknown_variables()
    sys.exit(checking.run(account, options))


@main.command(cls=_PlanCommand)
@_options(ImportSettings, PlanOptions)
def plan(**given: Any) -> None:
    """Show what the operator would do for manifests, without writing anything.

    FunctionDeployments and CloudFunctions are planned by the operator's own decisions; other kinds are skipped.
    NVCF is read, and with --kubeconfig or --context the cluster. Nothing is written to either.

    Exits 0 if nothing would change, 2 if something would, and 1 if a manifest is refused or the plan fails, also
    because of an invalid option.

    The options about NVCF and the key are variables as well, like those of `run`.
    """
    from nvcf_operator.commands.plan import command

    with command.interruptible():
        try:
            account, options = _checked(given, ImportSettings, PlanOptions)
            (operator,) = _checked(account.model_dump(), Settings)
            _ensure_reachable(account)
        except SystemExit:
            sys.exit(PLAN_FAILED)
        _warn_of_unknown_variables()
        sys.exit(command.run(account, operator, options))


@main.command()
def crd() -> None:
    """Print the CustomResourceDefinitions."""
    from nvcf_operator.api.crd import crds_yaml

    click.echo(crds_yaml(), nl=False)
