"""The settings: each is a flag and a variable, checked at the start, all errors reported at once."""

from nvcf_operator.settings.model import (
    LEAST,
    PREFIX,
    NvcfSettings,
    Settings,
    default_in_words,
    flag,
    form,
    unknown_variables,
    validation_errors,
    variable,
)
from nvcf_operator.settings.values import address

__all__ = [
    "LEAST",
    "PREFIX",
    "NvcfSettings",
    "Settings",
    "address",
    "default_in_words",
    "flag",
    "form",
    "unknown_variables",
    "validation_errors",
    "variable",
]
