"""The command `nvcf-operator`."""

import sys
from typing import Any

import click
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from nvcf_operator import logs, settings
from nvcf_operator.settings import Settings


@click.group()
@click.version_option(package_name="nvcf-operator")
def main() -> None:
    """Kubernetes operator for NVIDIA Cloud Functions deployments."""


def _options(command: Any) -> Any:
    """Give a command one option for each setting."""
    for name, field in reversed(Settings.model_fields.items()):
        if field.annotation is bool:
            declaration = f"{settings.flag(name)}/{settings.flag('no_' + name)}"
            option = click.option(declaration, name, default=None, help=field.description)
        else:
            several = isinstance(field.default, tuple)
            option = click.option(
                settings.flag(name), name, default=None, multiple=several, metavar=_metavar(name), help=_help(field)
            )
        command = option(command)
    return command


def _metavar(name: str) -> str:
    return name.rpartition("_")[2].upper()


def _help(field: Any) -> str:
    default = field.default
    shown = "" if default in (None, (), PydanticUndefined) else f"  [default: {default}]"
    return f"{field.description}{shown}"


@main.command()
@_options
def run(**given: Any) -> None:
    """Run the operator until it is told to stop.

    Each option is also a variable: --poll-interval is NVCF_OPERATOR_POLL_INTERVAL. The option wins.
    """
    chosen = {name: value for name, value in given.items() if value not in (None, ())}
    try:
        checked = Settings(**chosen)
    except ValidationError as error:
        for line in settings.mistakes(error):
            click.echo(f"nvcf-operator: {line}", err=True)
        sys.exit(2)
    logs.configure(checked.log_format, checked.log_level)
    from nvcf_operator.runtime import operator

    sys.exit(operator.run(checked))


@main.command()
def crd() -> None:
    """Print the CustomResourceDefinition."""
    from nvcf_operator.api.crd import crd_yaml

    click.echo(crd_yaml(), nl=False)
