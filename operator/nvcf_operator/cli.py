"""The command `nvcf-operator`."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from nvcf_operator import logs, settings
from nvcf_operator.nvcf import keys
from nvcf_operator.settings import Settings

BAD_SETTINGS = 2
"""Exit code when nothing was started because of a setting."""


class _Command(click.Command):
    """A command whose complaints about what was typed show no key."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(keys.redacted(error.format_message()), ctx) from None


def _options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting."""
    for name, field in reversed(Settings.model_fields.items()):
        function = _option(name, field)(function)
    return function


def _option(name: str, field: FieldInfo) -> Callable[[Callable[..., None]], Callable[..., None]]:
    default = settings.default_in_words(name)
    text = f"{field.description} [default: {default}]" if default else field.description
    if field.annotation is bool:
        declaration = f"{settings.flag(name)}/{settings.flag('no_' + name)}"
        return click.option(declaration, name, default=None, help=text)
    several = isinstance(field.default, tuple)
    placeholder = settings.form(name).placeholder
    return click.option(settings.flag(name), name, default=None, multiple=several, metavar=placeholder, help=text)


@click.group()
@click.version_option(package_name="nvcf-operator", prog_name="nvcf-operator")
def main() -> None:
    """Kubernetes operator for NVIDIA Cloud Functions deployments."""


@main.command(cls=_Command)
@_options
def run(**given: Any) -> None:
    """Run the operator until it is told to stop.

    Each option is also a variable: --poll-interval is NVCF_OPERATOR_POLL_INTERVAL. The option wins. An option that
    takes several values may be given several times. The cluster is found as kubectl finds it: KUBECONFIG, else the
    pod's service account.
    """
    chosen = {name: value for name, value in given.items() if value not in (None, ())}
    try:
        checked = Settings(**chosen)
    except ValidationError as error:
        for line in settings.mistakes(error):
            click.echo(f"nvcf-operator: {line}", err=True)
        sys.exit(BAD_SETTINGS)
    logs.configure(checked.log_format, checked.log_level)
    for line in settings.strangers(os.environ):
        logging.getLogger(__name__).warning("%s", line)
    from nvcf_operator.runtime import operator

    sys.exit(operator.run(checked))


@main.command()
def crd() -> None:
    """Print the CustomResourceDefinition."""
    from nvcf_operator.api.crd import crd_yaml

    click.echo(crd_yaml(), nl=False)
