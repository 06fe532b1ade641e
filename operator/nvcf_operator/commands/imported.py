"""The result of `nvcf-operator import`: manifests, what has none and why, and how all of it is reported."""

from dataclasses import dataclass

from nvcf_client.answers import one_line
from nvcf_client.models import Function
from nvcf_operator.api import names
from nvcf_operator.commands.manifests import Manifest
from nvcf_operator.commands.read_only_client import counted


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A version that has no manifest, and why."""

    function: Function
    why: str

    @property
    def title(self) -> str:
        """Which version it is, for people."""
        return f"{_name(self.function)}, version {one_line(self.function.version_id, limit=64)}"


@dataclass(frozen=True, slots=True)
class ById:
    """A function that has no CloudFunction, so that its deployments name their versions by id, and why."""

    function: Function
    """Any version of it."""
    why: str

    @property
    def title(self) -> str:
        """Which function it is, for people."""
        return f"{_name(self.function)}, function {one_line(self.function.id, limit=64)}"


@dataclass(frozen=True, slots=True)
class Imported:
    """The result: manifests in their order, what has none, and what else is to be reported."""

    manifests: tuple[Manifest, ...]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[str, ...]
    unmatched: tuple[str, ...]
    unreadable: tuple[str, ...] = ()
    """What entries of the list could not be read, where some were left out."""
    by_id: tuple[ById, ...] | None = None
    """Functions without a CloudFunction; None where none were asked for."""

    @property
    def complete(self) -> bool:
        """Whether the manifests say all that was asked for."""
        return (
            not self.left_out
            and not self.by_id
            and not self.unmatched
            and not self.unreadable
            and not any(item.left_out for item in self.manifests)
        )

    def lines(self) -> list[str]:
        """What is reported beside the manifests: each thing that is left out, then the numbers."""
        reported = list(self.remarks)
        reported += [f"left out: {item.title}: {item.why}" for item in self.left_out]
        reported += [f"no CloudFunction: {item.title}: {item.why}" for item in self.by_id or ()]
        reported += [f"left out of {item.name}: {note}" for item in self.manifests for note in item.left_out]
        reported += [f"note on {item.name}: {note}" for item in self.manifests for note in item.remarks]
        reported += [f"left out: entries of NVCF's list that cannot be read: {text}" for text in self.unreadable]
        reported += [f"no function has the name or id {pattern!r}" for pattern in self.unmatched]
        return [*reported, self._numbers()]

    def _numbers(self) -> str:
        fields = sum(len(item.left_out) for item in self.manifests)
        left_out = f"{counted(len(self.left_out), 'deployed version')} left out, {counted(fields, 'field')} left out"
        if self.by_id is None:
            return f"{counted(len(self.manifests), 'manifest')}, {left_out}"
        kinds = [item.kind for item in self.manifests]
        functions = kinds.count(names.CLOUD_FUNCTION.name)
        return (
            f"{counted(functions, 'CloudFunction')}, {counted(len(kinds) - functions, 'FunctionDeployment')}, "
            f"{counted(len(self.by_id), 'function')} without a CloudFunction, {left_out}"
        )


def _name(function: Function) -> str:
    return one_line(function.name or "function", limit=100)
