"""Settings as users see them: flags, variables, placeholders, defaults, and what is wrong with a value."""

import difflib
import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings

from nvcf_client import keys
from nvcf_operator.settings.model import PREFIX, Settings
from nvcf_operator.settings.values import Form

SERVICE_LINK = re.compile(r"(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
"""Variables that Kubernetes sets for each Service of the pod's namespace, also for one named nvcf-operator."""


def flag(field: str) -> str:
    """The flag of a field."""
    return "--" + field.replace("_", "-")


def variable(field: str) -> str:
    """The variable of a field."""
    return PREFIX + field.upper()


def form(field: str, model: type[BaseModel] = Settings) -> Form:
    """The form of a field's value."""
    return next(item for item in model.model_fields[field].metadata if isinstance(item, Form))


def default_in_words(field: str, model: type[BaseModel] = Settings) -> str:
    """The default of a field as users type it; empty for switches and for what is not set by default."""
    info = model.model_fields[field]
    default = info.default
    if info.is_required() or default is None or default == () or isinstance(default, bool):
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def validation_errors(error: ValidationError, model: type[BaseModel] = Settings) -> list[str]:
    """All errors in settings, one line each, with flag, variable and what is allowed. No value of a key is shown.

    A `model` that is no `BaseSettings` has flags and no variables.
    """
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        field, *place = item["loc"] or ("",)
        what = str(item["ctx"]["error"]) if item["type"] == "value_error" else _must_be(str(field), model)
        if place:
            what = f"item {int(place[0]) + 1}: {what}"
        names = f" ({variable(str(field))})" if issubclass(model, BaseSettings) else ""
        lines.append(keys.redacted(f"{flag(str(field))}{names}: {what}"))
    return lines


def unknown_variables(environment: Iterable[str]) -> Iterator[str]:
    """Variables with the prefix of the settings that are no setting, one line each: most likely misspelt."""
    known = {variable(field) for field in Settings.model_fields}
    for name in sorted(environment):
        rest = name.removeprefix(PREFIX)
        if rest != name and name not in known and not SERVICE_LINK.fullmatch(rest):
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            yield f"the variable {name} is not a setting" + (f"; did you mean {close[0]}?" if close else "")


def _must_be(field: str, model: type[BaseModel]) -> str:
    return f"must be {form(field, model).allowed}" if field in model.model_fields else "there is no such setting"
