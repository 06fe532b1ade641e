"""Carries out the one write that a decision asks for, and says in the situation what came of it."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

from nvcf_operator.api import names
from nvcf_operator.core import troubles
from nvcf_operator.core.actions import Action, Change, Create, DropFinalizer, TakeFinalizer, Undeploy
from nvcf_operator.core.changes import Patch, expected_after, raises_minimum
from nvcf_operator.core.intent import Intent
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Present, Situation, Trouble, Whose
from nvcf_operator.core.transitions import of_write
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import Conflict, Invalid, Missing
from nvcf_operator.kube.events import Recorder
from nvcf_operator.nvcf import endpoints
from nvcf_operator.nvcf import errors as nvcf_errors
from nvcf_operator.nvcf.pacing import Admission, Closed
from nvcf_operator.runtime.account import Account, gate_trouble
from nvcf_operator.runtime.cache import Cache
from nvcf_operator.runtime.memory import Memory, Sightings, Target
from nvcf_operator.runtime.observer import Observer

log = logging.getLogger(__name__)

FENCE = 5.0
"""Seconds within which the POST must follow its intent; a longer pause means that the world may have moved on."""


class Outdated(Exception):  # noqa: N818  the name says what happened
    """The resource is not what the decision was made on: read it again and decide anew. Nothing was written to NVCF."""


class Actuator:
    """Writes to the cluster and to NVCF."""

    def __init__(
        self,
        kube: KubeClient,
        cache: Cache,
        recorder: Recorder,
        observer: Observer,
        sightings: Sightings,
        *,
        server_loop: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._recorder = recorder
        self._observer = observer
        self._sightings = sightings
        self._server_loop = server_loop
        self._clock = clock
        self._intending: set[Target] = set()
        """Function and version of the intents that are being written."""

    async def carry_out(
        self, situation: Situation, action: Action, account: Account | None, memory: Memory, *, person: bool
    ) -> Situation:
        """Make the write and give the situation after it.

        Raises:
            Outdated: the resource has changed or is gone; nothing was written to NVCF.
            KubeError: the cluster could not be written; nothing was written to NVCF.

        """
        if isinstance(action, TakeFinalizer):
            finalizers = (*situation.resource.finalizers, names.FINALIZER)
            after = await self._patch(situation.resource, finalizers=finalizers)
            self._tell(situation.resource, action, None)
            return replace(situation, resource=after)
        if isinstance(action, DropFinalizer):
            return await self._release(situation, action)
        assert account is not None, "a write to NVCF is decided on only with an account"
        if isinstance(action, Create):
            return await self._create(situation, action, account, memory, person=person)
        await self._prove_current(situation.resource)
        try:
            async with account.admitted(person) as admission:
                if isinstance(action, Undeploy):
                    return await self._undeploy(situation, action, account, memory, admission, person=person)
                return await self._change(situation, action, account, memory, admission)
        except Closed as closed:
            return replace(situation, failure=gate_trouble(closed))
        finally:
            memory.last_write_at = self._clock()

    async def take_back(self, resource: Resource, version: str, account: Account) -> None:
        """Undeploy what was just asked for: its resource is gone, and nobody is left to hold it.

        What NVCF does not do is logged as an error that names the version.
        """
        graceful = resource.spec is None or resource.spec.undeploy.graceful
        request = endpoints.delete_deployment(
            function_id=resource.function_id, function_version_id=version, graceful=graceful
        )
        try:
            async with account.admitted(False) as admission:
                await account.send(request, admission)
        except nvcf_errors.NotFound:
            log.warning(
                "%s was deleted while it got its finalizer; NVCF has no deployment of version %s. "
                "If the answer to its POST was lost, look there again in a minute",
                resource.key,
                version,
            )
        except (nvcf_errors.NvcfError, Closed) as error:
            log.error(
                "%s was deleted while it got its finalizer, and version %s was not undeployed: %s. "
                "Look in NVCF whether it is deployed, and undeploy it there",
                resource.key,
                version,
                error,
            )
        else:
            log.warning("%s was deleted while it got its finalizer: version %s is undeployed", resource.key, version)

    async def _create(
        self, situation: Situation, action: Create, account: Account, memory: Memory, *, person: bool
    ) -> Situation:
        version = action.function_version_id
        takes = action.take_finalizer and not situation.resource.has_finalizer
        try:
            async with account.admitted(person) as admission:
                fenced_at = self._clock()
                resource, intent = await self._intend(situation.resource, action, account)
                if takes and await self._has_lost_finalizer(resource):
                    raise Outdated("the resource was deleted while it got its finalizer")
                situation = replace(situation, resource=resource)
                request = endpoints.create_deployment(
                    function_id=resource.function_id,
                    function_version_id=version,
                    deployment_specifications=action.specifications,
                )
                if self._clock() - fenced_at > FENCE:
                    raise Outdated("the intent grew old before its POST")
                try:
                    answer = await account.send(request, admission)
                finally:
                    memory.last_write_at = self._clock()
                    memory.intent_seen = (intent.token, self._clock())
        except Closed as closed:
            return replace(situation, failure=gate_trouble(closed))
        except nvcf_errors.NvcfError as error:
            return await self._not_created(situation, error, intent, account, memory, version, person=person)
        memory.last_get_at = self._clock()
        self._sightings.saw(self._observer.target(account, situation.resource, version), self._clock())
        self._tell(situation.resource, action, answer.deployment.deployment_id)
        return replace(
            self._observer.remember(situation, account, memory),
            sightings={**situation.sightings, version: Present(answer.deployment)},
            wrote=action,
            answered_intent=intent.token,
        )

    async def _intend(self, resource: Resource, action: Create, account: Account) -> tuple[Resource, Intent]:
        """Write the intent, with the finalizer where one is needed: from here on a POST may be under way.

        The intent is also the resource's claim of the version. Another one that appeared since the decision may hold it
        by now, or be about to.
        """
        version = action.function_version_id
        target = self._observer.target(account, resource, version)
        if await self._observer.holder(resource, version, account) is not None or target in self._intending:
            raise Outdated("another resource deploys this version")
        intent = Intent(resource.uid, action.function_version_id, uuid.uuid4().hex[:16])
        takes = action.take_finalizer and not resource.has_finalizer
        finalizers = (*resource.finalizers, names.FINALIZER) if takes else None
        annotations = {names.INTENT_ANNOTATION: intent.dump()}
        self._intending.add(target)
        try:
            return await self._patch(resource, finalizers=finalizers, annotations=annotations), intent
        finally:
            self._intending.discard(target)

    async def _has_lost_finalizer(self, resource: Resource) -> bool:
        """Whether a resource is gone although it has just got its finalizer.

        The API server has looked for finalizers before it deletes; when a patch that puts one on comes between the look
        and the deletion, it tries the deletion again without another look, and both are answered by 200.
        """
        obj = await self._kube.get_resource(resource.key)
        if obj is not None and obj["metadata"].get("uid") == resource.uid:
            return False
        self._cache.drop(resource.key, resource.uid)
        return True

    async def _not_created(
        self,
        situation: Situation,
        error: nvcf_errors.NvcfError,
        intent: Intent,
        account: Account,
        memory: Memory,
        version: str,
        *,
        person: bool,
    ) -> Situation:
        """Go on from what is there: the POST may have been made all the same, or another one before it."""
        failure = troubles.of_call(error)
        if isinstance(error, nvcf_errors.Forbidden):
            failure = await account.forbidden(error, person=person)
        log.warning("POST of version %s failed: %s", version, error)
        situation = replace(
            situation,
            failure=failure,
            answered_intent=None if error.maybe_done else intent.token,
        )
        return await self._observer.look_again(situation, account, memory, version, person=person)

    async def _change(
        self, situation: Situation, action: Change, account: Account, memory: Memory, admission: Admission
    ) -> Situation:
        resource, version, change = situation.resource, action.function_version_id, action.change
        seen = situation.sighting(version)
        assert isinstance(seen, Present), "a change is decided on only over a deployment just read"
        found = tuple(seen.deployment.deployment_specifications)
        try:
            if isinstance(change, Patch):
                request = endpoints.update_gpu_specification(
                    deployment_id=seen.deployment.deployment_id or "",
                    gpu_specification_id=change.gpu_specification_id,
                    **change.arguments(),
                )
                await account.send(request, admission)
            else:
                await account.send(
                    endpoints.update_deployment(
                        function_id=resource.function_id,
                        function_version_id=version,
                        deployment_specifications=change.specifications,
                    ),
                    admission,
                )
        except nvcf_errors.NvcfError as error:
            return await self._not_changed(situation, action, account, memory, error)
        after = expected_after(change, found)
        memory.verify_at = self._clock() + self._server_loop
        memory.raised_minimum = memory.raised_minimum or raises_minimum(change, found)
        self._tell(resource, action, seen.deployment.deployment_id)
        deployment = seen.deployment.model_copy(update={"deployment_specifications": after})
        situation = replace(situation, sightings={**situation.sightings, version: Present(deployment)}, wrote=action)
        return self._observer.remember(situation, account, memory)

    async def _not_changed(
        self, situation: Situation, action: Change, account: Account, memory: Memory, error: nvcf_errors.NvcfError
    ) -> Situation:
        log.warning("change of version %s failed: %s", action.function_version_id, error)
        missing = isinstance(error, nvcf_errors.NotFound | nvcf_errors.MethodNotAllowed)
        if missing and isinstance(action.change, Patch):
            if isinstance(error, nvcf_errors.MethodNotAllowed) or getattr(error, "unknown_path", False):
                account.patch_supported = False
                raise Outdated("this server has no PATCH")
            # The deployment that was read a moment ago is another one by now.
            trouble = troubles.of_call(error)
            return replace(situation, failure=Trouble(trouble.reason, trouble.message, Whose.SERVER))
        if isinstance(error, nvcf_errors.Forbidden):
            return replace(situation, failure=await account.forbidden(error, person=False))
        return replace(situation, failure=troubles.of_call(error))

    async def _undeploy(
        self,
        situation: Situation,
        action: Undeploy,
        account: Account,
        memory: Memory,
        admission: Admission,
        *,
        person: bool,
    ) -> Situation:
        resource, version = situation.resource, action.function_version_id
        target = self._observer.target(account, resource, version)
        try:
            await account.send(
                endpoints.delete_deployment(
                    function_id=resource.function_id, function_version_id=version, graceful=action.graceful
                ),
                admission,
            )
        except nvcf_errors.NotFound:
            log.info("version %s was gone before it was undeployed", version)
        except nvcf_errors.NvcfError as error:
            log.warning("DELETE of version %s failed: %s", version, error)
            failure = troubles.of_call(error)
            if isinstance(error, nvcf_errors.Forbidden):
                failure = await account.forbidden(error, person=person)
            return replace(situation, failure=failure)
        self._sightings.saw(target, self._clock())
        memory.undeploys[version] = self._clock()
        self._tell(resource, action, None)
        return replace(situation, wrote=action)

    async def _release(self, situation: Situation, action: DropFinalizer) -> Situation:
        resource = situation.resource
        left = tuple(name for name in resource.finalizers if name != names.FINALIZER)
        try:
            after = await self._patch(resource, finalizers=left)
        except Missing:
            after = resource
        if resource.deleting and not left:
            self._cache.drop(resource.key, resource.uid)  # the watch may have told its end before this answer came
        self._tell(resource, action, None)
        return replace(situation, resource=after, wrote=action)

    async def _prove_current(self, resource: Resource) -> None:
        """Read the resource itself before NVCF is changed, so that a stale list never undoes a person's edit."""
        obj = await self._kube.get_resource(resource.key)
        if obj is None or obj["metadata"].get("uid") != resource.uid:
            self._cache.drop(resource.key, resource.uid)
            raise Outdated("the resource is gone")
        self._cache.put(obj)
        if obj["metadata"]["resourceVersion"] != resource.resource_version:
            raise Outdated("the resource has changed")

    async def _patch(
        self,
        resource: Resource,
        *,
        finalizers: tuple[str, ...] | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> Resource:
        try:
            obj = await self._kube.patch_metadata(
                resource.key,
                uid=resource.uid,
                resource_version=resource.resource_version,
                finalizers=finalizers,
                annotations=annotations,
            )
        except (Conflict, Invalid) as error:
            fresh = await self._kube.get_resource(resource.key)
            if fresh is None:
                self._cache.drop(resource.key, resource.uid)
            else:
                self._cache.put(fresh)
            raise Outdated(str(error)) from None
        self._cache.put(obj)
        return Resource.read(obj)

    def _tell(self, resource: Resource, action: Action, deployment_id: str | None) -> None:
        note = of_write(resource, action, deployment_id)
        if note is not None:
            self._recorder.note(resource, note)
            log.info(note.message)
