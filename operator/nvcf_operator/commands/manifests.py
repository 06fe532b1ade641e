"""From a deployment that NVCF shows to the manifest of a FunctionDeployment that adopts it, and manifests as YAML."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from nvcf_client.answers import one_line
from nvcf_client.models import Deployment, Function
from nvcf_operator.api import names
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.commands.specifications import NotExpressibleError, written
from nvcf_operator.settings.options import ImportOptions

LONGEST_NAME = 63
"""Characters of a resource's name: those of a label, though the API server takes more."""

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{2,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, its comments, and what it leaves out of what NVCF shows."""

    body: Mapping[str, Any]
    about: str
    left_out: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    """What to know when it is applied."""

    @property
    def kind(self) -> str:
        """Kind of the resource."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """Name of the resource."""
        return str(self.body["metadata"]["name"])

    def to_yaml(self) -> str:
        """The manifest as a YAML document, the same text for the same content."""
        lines = [self.about, *(f"Left out: {item}" for item in self.left_out), *(f"Note: {x}" for x in self.remarks)]
        text = yaml.dump(self.body, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
        return "---\n" + "".join(f"# {line}\n" for line in lines) + text


def manifest(name: str, function: Function, deployment: Deployment, options: ImportOptions, *, key: str) -> Manifest:
    """The manifest of a deployment.

    Args:
        name: name of the resource.
        function: the version as the account's list shows it.
        deployment: the deployment as a GET shows it.
        options: what the manifest is to say beside the deployment.
        key: the API key, which no manifest contains.

    Raises:
        NotExpressibleError: no manifest can say what is deployed.

    """
    found = written(deployment.deployment_specifications, with_configuration=options.include_configuration, key=key)
    spec: dict[str, Any] = {
        "functionId": deployment.function_id.lower(),
        "functionVersionId": deployment.function_version_id.lower(),
        "deploymentSpecifications": [item.to_dict() for item in found.specifications],
    }
    spec |= credentials(options) | {"deletionPolicy": options.deletion_policy.value}
    try:
        FunctionDeploymentSpec.model_validate(spec)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
        raise NotExpressibleError(f"the resource does not accept its {place}") from None
    body = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata(name, options), "spec": spec}
    return Manifest(
        body, f"Function {one_line(function.name or 'without a name', key, limit=100)}", found.left_out, found.remarks
    )


def credentials(options: ImportOptions) -> dict[str, Any]:
    """What a spec says about its API key."""
    if options.secret_name is None:
        return {}
    chosen = {"key": options.secret_key} if options.secret_key is not None else {}
    return {"credentials": {"secretRef": {"name": options.secret_name, **chosen}}}


def metadata(name: str, options: ImportOptions) -> dict[str, str]:
    """The metadata of a resource."""
    return {"name": name} | ({"namespace": options.namespace} if options.namespace is not None else {})


def resource_names(functions: Iterable[Function]) -> dict[str, str]:
    """A name for each version, by its id: the function's name, and as much of the version's id as makes it unique.

    A name depends on function and version alone, so that the next run gives the same, whatever is deployed by then. Ids
    that are no UUID have no name.
    """
    versions = {item.version_id.lower(): item.name or "" for item in functions}
    versions = {version: name for version, name in versions.items() if UUID.fullmatch(version)}
    short = {version: joined_name(name, version[:8]) for version, name in versions.items()}
    taken = Counter(short.values())
    return {
        version: short[version] if taken[short[version]] == 1 else joined_name(name, version)
        for version, name in versions.items()
    }


def joined_name(function: str, ending: str) -> str:
    """A function's name as a resource may have it, and what makes it unique."""
    slug = re.sub(r"[^a-z0-9]+", "-", function.lower()).strip("-")
    return f"{slug[: LONGEST_NAME - 1 - len(ending)].strip('-') or 'function'}-{ending}"


class _Dumper(yaml.SafeDumper):
    """YAML that every parser reads alike: texts that some of them read as numbers or booleans are quoted."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(value) or UUID.fullmatch(value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _text)
