"""What is said about the secrets of a function. No text holds a value, or anything of one."""

import re
from collections.abc import Iterable

from nvcf_operator.api import names
from nvcf_operator.core.functions.report.messages import named

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
"""What an object's name looks like."""

NOT_REGISTERED = "No version with these secrets is registered."
LARGE = "The values are larger than 8 KB in total, which is more than hosted NVCF is documented to accept."


def lacking(versions: Iterable[str]) -> str:
    """Versions in use do not have all values."""
    return f"The values have yet to be sent to version {named(versions)}."


def unknown(versions: Iterable[str]) -> str:
    """Versions in use have other secrets than the manifest names, and NVCF does not show which."""
    return (
        f"Changed values are not sent to version {named(versions)}: it has other secrets than spec.secrets names, and "
        "NVCF did not show which ones. Give the key the scope list_functions_details."
    )


def missing(secret: str, wanted: Iterable[str]) -> str:
    """There is no such Secret."""
    return f"Secret {secret} does not exist; spec.secrets takes {named(wanted)} from it. Create it in this namespace."


def without_key(secret: str, key: str, name: str) -> str:
    """A Secret lacks a key."""
    return f"Secret {secret} has no key {key}, from which spec.secrets takes {name}. Add the key, or name another one."


def not_consenting(namespace: str, secret: str, function: str, allowed: Iterable[str] = ()) -> str:
    """A Secret does not allow a CloudFunction to use it. The command keeps the other CloudFunctions that it allows.

    Words that are no names allow nothing, and somebody else wrote them, so they stay out of the command.
    """
    kept = sorted(word for word in allowed if _NAME.fullmatch(word))
    names_allowed = ",".join((*kept, function))
    return (
        f"Secret {namespace}/{secret} does not allow CloudFunction {function} to use it, so nothing of it is sent. To "
        f"allow that: kubectl annotate secret {secret} -n {namespace} --overwrite "
        f"{names.ALLOW_FUNCTION_ANNOTATION}={names_allowed}"
    )


def not_permitted(namespace: str, secret: str) -> str:
    """RBAC does not let the operator read a Secret."""
    return (
        f"The operator may not read Secret {namespace}/{secret}. Add {secret} to functionSecrets.secretNames of the "
        "operator's chart, or bind a Role that lets the operator's service account get it in this namespace."
    )


def unreadable(secret: str, why: str) -> str:
    """The Kubernetes API did not return a Secret."""
    return f"Secret {secret} could not be read: {why}. The operator retries."


def invalid(secret: str, key: str, why: str) -> str:
    """A value cannot be sent."""
    return f"Secret {secret}, key {key}: the value {why}. It was not sent: correct it in the Secret."
