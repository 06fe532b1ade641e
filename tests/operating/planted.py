"""The operator with a bug put in, to show that a test would catch it: `python -m operating.planted BUG run ...`.

Each bug takes one safeguard out of our own code, in the process that is started and nowhere else.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from nvcf_operator.api.key import Key
from nvcf_operator.core import compare, settles
from nvcf_operator.core.actions import Create
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Absent, Situation
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.nvcf import errors
from nvcf_operator.runtime.actuator import Actuator
from nvcf_operator.runtime.cache import Cache, News
from nvcf_operator.runtime.observer import Observer


def no_intent() -> None:
    """An intent whose answer is not on record counts as none: a lost POST is made again at once."""
    Resource.open_intent = property(lambda self: None)  # type: ignore[method-assign, assignment]
    Situation.open_intent = property(lambda self: None)  # type: ignore[method-assign, assignment]


def no_settle() -> None:
    """404 is believed at once, though an earlier POST or deployment may still come to light."""
    settles.create_settle_left = lambda situation: 0.0
    settles.redeploy_settle_left = lambda situation, nothing: 0.0


def blind_retry() -> None:
    """A POST whose outcome is unknown is made again without a look."""
    original = Actuator._not_created

    async def again(
        self: Actuator, situation: Situation, error: errors.NvcfError, *rest: Any, **more: Any
    ) -> Situation:
        spec = situation.resource.spec
        if not error.maybe_done or spec is None:
            return await original(self, situation, error, *rest, **more)
        _, account, memory, version = rest
        action = Create(version, compare.create_body(spec.deployment_specifications), take_finalizer=False)
        return await self._create(situation, action, account, memory, person=more["person"])

    Actuator._not_created = again  # type: ignore[method-assign]


def list_absence_believed() -> None:
    """A version that the account's list does not show counts as not deployed."""
    original = Observer._look

    async def look(self: Observer, resource: Resource, memory: Any, account: Any, version: str, *, person: bool) -> Any:
        listing = account.listing
        if resource.holds and listing is not None and listing.entry(resource.function_id, version) is None:
            return Absent(1e9)
        return await original(self, resource, memory, account, version, person=person)

    Observer._look = look  # type: ignore[method-assign]


def manifest_not_proven() -> None:
    """PATCH, PUT and DELETE go out by the resource as it was listed, whatever it is by then."""

    async def prove(self: Actuator, resource: Resource) -> None:
        return None

    Actuator._prove_current = prove  # type: ignore[method-assign]


def any_version_patched() -> None:
    """Finalizer and intent are written to whatever object has the name, in whatever state it is."""
    original = KubeClient._patch

    async def patch(self: KubeClient, kind: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if kind in ("finalizer", "intent"):
            kept = {name: item for name, item in body["metadata"].items() if name not in ("uid", "resourceVersion")}
            body = {"metadata": kept}
        return await original(self, kind, path, body)

    KubeClient._patch = patch  # type: ignore[method-assign]


def steps_back() -> None:
    """An older form of a resource takes the place of a newer one, and the manifest is not proven either."""
    manifest_not_proven()
    original = Cache.put

    def put(self: Cache, obj: Mapping[str, Any]) -> News:
        self.drop(Key(obj["metadata"]["namespace"], obj["metadata"]["name"]))
        return original(self, obj)

    Cache.put = put  # type: ignore[method-assign]


BUGS: Mapping[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        no_intent,
        no_settle,
        blind_retry,
        list_absence_believed,
        manifest_not_proven,
        any_version_patched,
        steps_back,
    )
}


def main() -> None:
    """Plant the bug named first and run the command with the rest."""
    BUGS[sys.argv.pop(1)]()
    from nvcf_operator.cli import main as command

    command()


if __name__ == "__main__":
    main()
