"""The registries of images, charts, models and resources: what is there, and the form that they require."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from nvcf_simulator.model.clock import SECOND
from nvcf_simulator.model.entities import Function
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import DependencyError, ProblemError, bad_request
from nvcf_simulator.settings import Model, Seconds

_CONTAINER_HOSTS = re.compile(
    r"docker\.io|(stg\.|canary\.)?nvcr\.io|\d+\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com|public\.ecr\.aws"
    r"|.+\.cr\.volces\.com|.+\.azurecr\.io"
)
_NGC = r"https://api(\.(stg|canary))?\.ngc\.nvidia\.com/v2/org/[\w-]+(/team/[\w-]+)?"
_SCHEMES = ("http", "https", "oci")


class Artifact(Model):
    """What the registry says about an artifact."""

    status: Annotated[int, Field(ge=400, le=599)]
    """404: it is missing. 403: no permission. 401: the registry's credential is bad. 429: too many requests."""
    pushed_after: Seconds | None = None
    """Seconds until it can be found; None: never."""


class Registries:
    """Checks the artifacts of a version, at its registration and at each deployment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._unavailable: dict[str, tuple[Artifact, int]] = {}

    def set(self, artifacts: dict[str, Artifact | None]) -> None:
        """Set what is unavailable, by reference or pattern with `*`; None: it is there."""
        for reference, artifact in artifacts.items():
            self._unavailable.pop(reference, None)
            if artifact is not None:
                self._unavailable[reference] = (artifact, self._world.clock.now())

    def unavailable(self) -> dict[str, Any]:
        """Return what is unavailable at the moment."""
        lasting = {name: found[0] for name, found in self._unavailable.items() if self._lasts(found)}
        return {name: artifact.model_dump(by_alias=True) for name, artifact in lasting.items()}

    def check(self, function: Function) -> None:
        """Raise what the registries return for the first artifact that cannot be used, as if it were NVCF's."""
        self._world.depend("artifacts", function.version_id, function.id)
        about = f"Account '{function.nca_id}', {function.label}: "
        for field, reference in _references(function.details):
            if self._world.behaviour.artifact_rules and not _has_form(field, reference):
                raise bad_request(f"{about}Invalid or unsupported {field}: '{reference}'")
            for pattern, found in self._unavailable.items():
                if self._lasts(found) and _matches(pattern, reference):
                    problem = DependencyError("registry", found[0].status)
                    raise ProblemError(problem.status, f"{about}'{reference}': {problem.detail}")

    def _lasts(self, found: tuple[Artifact, int]) -> bool:
        artifact, since = found
        if artifact.pushed_after is None:
            return True
        return self._world.clock.now() < since + int(artifact.pushed_after * SECOND)


def _references(details: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for field in ("models", "resources"):
        for item in details.get(field, ()):
            if item.get("uri"):
                yield field, item["uri"]
    for field in ("helmChart", "containerImage"):
        if details.get(field):
            yield field, details[field]


def _matches(pattern: str, reference: str) -> bool:
    tagged = reference if re.search(r"[:@][^/]*$", reference) else f"{reference}:latest"
    return fnmatchcase(reference, pattern) or fnmatchcase(tagged, pattern)


def _has_form(field: str, reference: str) -> bool:
    if field == "helmChart":
        address = urlsplit(reference)
        return address.scheme.lower() in _SCHEMES and bool(address.hostname)
    if field == "containerImage":
        host = reference.split("/", 1)[0]
        ngc = host.endswith("nvcr.io")
        in_form = reference.count(":") <= 1 and reference.count("@") <= 1 if ngc else True
        return "/" in reference and in_form and bool(_CONTAINER_HOSTS.fullmatch(host.split(":")[0]))
    direct = re.fullmatch(rf"{_NGC}/{field}/.+/.+/files", reference)
    return bool(direct) and not re.fullmatch(rf"{_NGC}/{field}/.+/versions/.+/files", reference)
