"""From a function that NVCF shows to the manifest of a CloudFunction that adopts it, and deployments that follow it."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from nvcf_client.answers import one_line
from nvcf_client.models import FunctionDetails
from nvcf_operator.accounts.registered import version_seen
from nvcf_operator.api import names
from nvcf_operator.api.function_spec import History
from nvcf_operator.commands.function_templates import accepted, written_rate_limit, written_tags, written_template
from nvcf_operator.commands.manifests import UUID, Manifest, credentials, joined_name, metadata
from nvcf_operator.commands.read_only_client import counted
from nvcf_operator.commands.specifications import NotExpressibleError
from nvcf_operator.settings.options import ImportOptions

MOST_HISTORY = 10
REVISION_LENGTH = 8
"""Characters of a version's id that make its revision where it has no other."""


def function_names(function_ids: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """A name for each function, by its id: its own name, and as much of its id as makes it unique.

    A name depends on the function alone. Of several names that its versions have, the first one given counts. Ids that
    are no UUID have no name.
    """
    functions: dict[str, str] = {}
    for function, name in function_ids:
        if UUID.fullmatch(function.lower()):
            functions.setdefault(function.lower(), name or "")
    short = {function: joined_name(name, function[:8]) for function, name in functions.items()}
    taken = Counter(short.values())
    return {
        function: short[function] if taken[short[function]] == 1 else joined_name(name, function)
        for function, name in functions.items()
    }


def revision_of(version: FunctionDetails, *, pinned: bool) -> str | None:
    """The revision that stands for a version: that of its mark, else, where it is pinned, the start of its id."""
    mark = version_seen(version).mark
    if mark is not None and mark.revision is not None:
        return mark.revision
    return version.version_id.lower()[:REVISION_LENGTH] if pinned else None


def function_manifest(
    name: str,
    version: FunctionDetails,
    options: ImportOptions,
    *,
    deployed: int,
    secrets: tuple[str, ...] | None = (),
    unknown_secrets: str = "",
    key: str,
) -> Manifest:
    """The manifest of a function.

    Args:
        name: name of the resource.
        version: the version that its template describes, as the account's list shows it.
        options: what the manifest is to say beside the function.
        deployed: how many of the function's versions are deployed.
        secrets: names of the version's secrets; None where they are not shown.
        unknown_secrets: why they are not.
        key: the API key, which no manifest contains.

    Raises:
        NotExpressibleError: no manifest can say what the function is.

    """
    left_out: list[str] = []
    remarks: list[str] = []
    spec: dict[str, Any] = {"name": version.name, "functionId": version.id.lower()}
    if (revision := revision_of(version, pinned=deployed > 1)) is not None:
        spec["revision"] = revision
        remarks.append(f"revision {revision} stands for this template: set another one with each change of it")
    if version.description and version.description != version.name:
        spec["description"] = version.description
    spec["template"] = written_template(version, key=key)
    if secrets is None:
        advice = "Add those that the function has, or the operator registers another version without them"
        left_out.append(f"secrets: {unknown_secrets}. {advice}")
    elif secrets:
        spec["secrets"] = _secrets(name, secrets)
        remarks.append(_to_create(name, secrets))
    if (tags := written_tags(version)) is not None:
        spec["tags"] = tags
    if (limit := written_rate_limit(version, left_out)) is not None:
        spec["rateLimit"] = limit
    if deployed - 1 > History().limit:
        spec["history"] = {"limit": min(deployed - 1, MOST_HISTORY)}
    spec |= credentials(options) | {"deletionPolicy": "Retain"}
    accepted(spec)
    if key and key in json.dumps(spec, ensure_ascii=False):
        raise NotExpressibleError("its description or tags contain the API key itself")
    if version.container_environment:
        variables = counted(len(version.container_environment), "variable")
        remarks.append(
            f"template.containerEnvironment: {variables} printed as in NVCF. Values may be secrets: read them before "
            "you commit this"
        )
    if version_seen(version).mark is not None:
        remarks.append(
            "its version bears the tag of a CloudFunction: apply this only where that resource is this one, or is gone"
        )
    body = {
        "apiVersion": names.API_VERSION,
        "kind": names.CLOUD_FUNCTION.name,
        "metadata": metadata(name, options),
        "spec": spec,
    }
    about = f"Function {one_line(version.name or '', key, limit=100)}, as in its version {version.version_id.lower()}"
    return Manifest(body, about, tuple(left_out), tuple(remarks))


def following(deployment: Manifest, function: str, revision: str | None) -> Manifest:
    """The manifest of a deployment by ids as one that refers to a CloudFunction, and pins its revision if one is given.

    Args:
        deployment: the manifest by ids.
        function: name of the CloudFunction.
        revision: the revision to pin.

    """
    reference = {"name": function} | ({"revision": revision} if revision is not None else {})
    spec = {name: value for name, value in deployment.body["spec"].items() if name not in _IDS}
    return replace(deployment, body={**deployment.body, "spec": {"functionRef": reference, **spec}})


_IDS = ("functionId", "functionVersionId")


def _secrets(name: str, secrets: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {"name": secret, "secretRef": {"name": secret_name(name), "key": secret}} for secret in sorted(set(secrets))
    ]


def secret_name(name: str) -> str:
    """Name of the Secret that a CloudFunction's manifest refers to."""
    return f"{name}-secrets"


def _to_create(name: str, secrets: Iterable[str]) -> str:
    """What to do about the values, which NVCF shows to nobody."""
    keys, secret = ", ".join(sorted(set(secrets))), secret_name(name)
    return (
        f"secrets: NVCF shows no values, and the operator sends those of the Secret {secret}. Create it with the keys "
        f"{keys} and the values that the function has, and allow its use: kubectl annotate secret {secret} "
        f"{names.ALLOW_FUNCTION_ANNOTATION}={name}. A value that is a JSON object needs format: JSON"
    )
