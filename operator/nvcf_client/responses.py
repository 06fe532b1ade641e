"""The bodies of successful answers, each with the one object or list that it wraps, read although a part is odd.

What an object needs is what its model requires (ids, the account, the status, GPU and numbers of a specification), and
an id that is there must be readable. Everything else is left out when it has another form than is known, and named. In
a list an entry that lacks what it needs is left out whole: an absence from such a list proves nothing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import PrivateAttr, ValidationError
from pydantic_core import from_json

from nvcf_client.details import read_details
from nvcf_client.models import (
    AuthorizedFunction,
    ClusterGroup,
    Deployment,
    Function,
    FunctionDetails,
    GpuSpecification,
    Model,
    Queue,
)

Path = tuple[int | str, ...]

IDS = frozenset({"deploymentId", "gpuSpecificationId"})
"""Ids that old servers leave out: one that is there and cannot be read is no sign of an old server."""

UNKNOWN = ""
"""In place of the version of an entry whose version id cannot be read."""

_GONE = object()


class Answered(Model):
    """The body of a successful answer."""

    _passed_over: tuple[str, ...] = PrivateAttr(default=())
    _skipped_versions: frozenset[str] = PrivateAttr(default=frozenset())
    _skipped_tags: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def passed_over(self) -> tuple[str, ...]:
        """What had another form than is known and was left out, as nothing depends on it: place and why, no values."""
        return self._passed_over

    @property
    def skipped_versions(self) -> frozenset[str]:
        """Version ids of the functions that were left out of the list; an empty one where the id itself is odd."""
        return self._skipped_versions

    @property
    def skipped_tags(self) -> frozenset[str]:
        """The tags of those functions, as far as they can be read."""
        return self._skipped_tags


A = TypeVar("A", bound=Answered)


class DeploymentResponse(Answered):
    """Answer of the calls that make, read or change a deployment."""

    deployment: Deployment


class DeploymentsResponse(Answered):
    """Answer of the list of an account's deployments."""

    deployments: tuple[Deployment, ...]


class GpuSpecificationResponse(Answered):
    """Answer of the change of one GPU specification."""

    gpu_specification: GpuSpecification


class _WithBody(Answered):
    """An answer of which more can be read on demand."""

    _body: bytes = PrivateAttr(default=b"{}")


class FunctionResponse(_WithBody):
    """Answer of the calls about one function version, and of the deletion of its deployment."""

    function: Function

    def details(self) -> FunctionDetails:
        """The version with all that it holds."""
        return read_details(from_json(self._body)["function"])


class FunctionsResponse(_WithBody):
    """Answer of the lists of function versions."""

    functions: tuple[Function, ...]

    _unreadable: Mapping[str, frozenset[str]] = PrivateAttr(default_factory=dict)

    @property
    def unreadable(self) -> Mapping[str, frozenset[str]]:
        """By version id, the fields that were left out as they have another form than is known, by NVCF's names."""
        return self._unreadable

    def details(self, version_ids: Collection[str]) -> tuple[FunctionDetails, ...]:
        """The versions of these ids with all that they hold, as far as the list has them."""
        wanted = {item.version_id for item in self.functions}.intersection(version_ids)
        entries = from_json(self._body)["functions"] if wanted else ()
        return tuple(read_details(entry) for entry in entries if _version_of(entry) in wanted)


class FunctionIdsResponse(Answered):
    """Answer of the list of function ids."""

    function_ids: tuple[str, ...]


class QueuesResponse(Answered):
    """Answer of the calls about request queues."""

    function_id: str
    queues: tuple[Queue, ...]


class AuthorizedPartiesResponse(Answered):
    """Answer of the call about who may invoke a function."""

    function: AuthorizedFunction


class AuthorizedPartiesListResponse(Answered):
    """Answer of the call about who may invoke each version of a function."""

    functions: tuple[AuthorizedFunction, ...]


class QueuePositionResponse(Answered):
    """Answer of the call about one invocation in a queue."""

    function_id: str
    function_version_id: str
    position_in_queue: int | None = None


class ClusterGroupsResponse(Answered):
    """Answer of the list of cluster groups."""

    cluster_groups: tuple[ClusterGroup, ...]


def reading(model: type[A]) -> Callable[[bytes], A]:
    """Reader of bodies that hold this model. A body in which all is as it should be is read once, without detours.

    The reader raises pydantic's ValidationError where something is odd that is needed.
    """

    def read(body: bytes) -> A:
        try:
            answer = model.model_validate_json(body)
        except ValidationError as error:
            answer = _tolerantly(model, body, error)
        if isinstance(answer, _WithBody):
            answer._body = body
        return answer

    return read


def reading_deployment_of(function_version_id: str) -> Callable[[bytes], DeploymentResponse]:
    """Reader of the answer about the deployment of one version.

    One about another version, as of a proxy that mixes up its answers, raises ValueError: ids in it lead to writes.
    """
    read = reading(DeploymentResponse)

    def read_of(body: bytes) -> DeploymentResponse:
        answer = read(body)
        if answer.deployment.function_version_id.lower() != function_version_id.lower():
            raise ValueError("it is about another function version than was asked for")
        return answer

    return read_of


@dataclass(slots=True)
class _PassedOver:
    """What is left out of one body."""

    reasons: dict[str, str] = field(default_factory=dict)
    """Why, by place. What leaving it out leads to, such as that a field is missing, is not repeated."""
    versions: list[str] = field(default_factory=list)
    """Version ids of the functions that are left out."""
    tags: list[str] = field(default_factory=list)
    """The tags of these."""
    of_deployment: dict[int, list[str]] = field(default_factory=dict)
    """What is left out of a deployment, by the identity of its JSON object."""
    of_version: dict[str, set[str]] = field(default_factory=dict)
    """What is left out of a listed function version, by its id."""


def _tolerantly(model: type[A], body: bytes, first: ValidationError) -> A:
    try:
        raw = from_json(body)
    except ValueError:
        raise first from None
    if not isinstance(raw, dict):
        raise first
    passed, error = _PassedOver(), first
    while True:
        if not _leave_out(raw, error, passed):
            raise first
        try:
            answer = model.model_validate(raw)
        except ValidationError as another:
            error = another
            continue
        return _marked(answer, raw, passed)


def _leave_out(raw: dict[str, Any], error: ValidationError, passed: _PassedOver) -> bool:
    """Take out of the body what the error is about; False where that cannot be done without."""
    touched: list[Any] = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        path, parents = _place(raw, item["loc"])
        if path and path[-1] in IDS:
            path, parents = path[:-1], parents[:-1]
        if len(path) < 2:
            return False
        container: Any = parents[-1]
        step = path[-1]
        if container[step] is _GONE:
            continue
        passed.reasons.setdefault(_text(item["loc"]), item["msg"])
        if path[0] == "functions" and len(path) == 2:
            passed.versions.append(_version_of(container[step]))
            passed.tags += _tags_of(container[step])
        _note_deployment(parents, path, passed)
        if path[0] == "functions" and len(path) > 2:
            passed.of_version.setdefault(_version_of(parents[2]), set()).add(str(path[2]))
        container[step] = _GONE  # one value may have several errors, and the places of the others must stay
        touched.append(container)
    for container in touched:
        _sweep(container)
    return True


def _sweep(container: Any) -> None:
    """Take out what is marked as gone."""
    if isinstance(container, list):
        container[:] = [item for item in container if item is not _GONE]
    else:
        for name in [name for name, value in container.items() if value is _GONE]:
            del container[name]


def _place(raw: Any, loc: Path) -> tuple[Path, list[Any]]:
    """The way to the value that an error is about, as far as it is there, and the containers on that way."""
    path: list[int | str] = []
    parents: list[Any] = []
    here = raw
    for step in loc:
        inside = step in here if isinstance(here, dict) else isinstance(here, list) and isinstance(step, int)
        if not inside:
            break
        path.append(step)
        parents.append(here)
        here = here[step]
    return tuple(path), parents


def _note_deployment(parents: list[Any], path: Path, passed: _PassedOver) -> None:
    """Note at a deployment what of it is left out: a field, a field of its specifications, or one of these whole."""
    depth = {"deployment": 1, "deployments": 2}.get(str(path[0]))
    if depth is None or len(path) <= depth:
        return
    names = [step for step in path[depth:] if isinstance(step, str)][:2]
    name = ".".join(names if names[0] == "deploymentSpecifications" else names[:1])
    passed.of_deployment.setdefault(id(parents[depth]), []).append(name)


def _marked(answer: A, raw: Mapping[str, Any], passed: _PassedOver) -> A:
    answer._passed_over = tuple(f"{place}: {why}" for place, why in passed.reasons.items())
    answer._skipped_versions, answer._skipped_tags = frozenset(passed.versions), frozenset(passed.tags)
    if isinstance(answer, FunctionsResponse):
        answer._unreadable = {version: frozenset(names) for version, names in passed.of_version.items()}
    shown = [raw["deployment"]] if "deployment" in raw else raw.get("deployments") or []
    read = [answer.deployment] if hasattr(answer, "deployment") else getattr(answer, "deployments", ())
    for item, deployment in zip(shown, read, strict=False):
        deployment._unreadable = frozenset(passed.of_deployment.get(id(item), ()))
    return answer


def _version_of(entry: Any) -> str:
    version = entry.get("versionId") if isinstance(entry, Mapping) else None
    return version if isinstance(version, str) else UNKNOWN


def _tags_of(entry: Any) -> list[str]:
    tags = entry.get("tags") if isinstance(entry, Mapping) else None
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _text(loc: Path) -> str:
    """The place without positions, so that the same oddity has the same text at each poll."""
    text = ""
    for step in loc:
        text += "[]" if isinstance(step, int) else f".{step}" if text else step
    return text
