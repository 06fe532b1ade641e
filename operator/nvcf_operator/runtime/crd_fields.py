"""Whether the cluster's CRD of a kind has the fields that this version of the operator knows."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Kind
from nvcf_operator.core.rules import pruning
from nvcf_operator.core.rules.pruning import RECORDED, is_recorded, lacking, named
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import KubeError

log = logging.getLogger(__name__)

SOON = 60.0
"""Seconds between two reads while fields are missing: somebody may be about to install the CRD."""

LATER = 600.0
"""Seconds between two reads otherwise."""

CONFIRM = 5.0
"""Seconds that the published schema may lag behind a CRD that was changed just now."""

_WITHHELD: Final = {
    FUNCTION_DEPLOYMENT: "it deploys nothing whose record would be lost, and takes nothing down to deploy it again",
    CLOUD_FUNCTION: "it registers nothing whose record would be lost",
}
"""What the operator does not do without a field that it must record."""


class CrdFields:
    """Compares the published schema with the models, at the start and again and again.

    Args:
        kube: the API server.
        kind: whose CRD.
        recorded: the members of the status that must be recorded.
        shown: called with the number of fields that are missing, when it changes.

    Attributes:
        missing: paths of the fields that the CRD lacks; empty also while it could not be read.

    """

    def __init__(
        self,
        kube: KubeClient,
        *,
        kind: Kind = FUNCTION_DEPLOYMENT,
        recorded: frozenset[str] = RECORDED,
        shown: Callable[[int], None],
    ) -> None:
        self._kube = kube
        self._kind = kind
        self._recorded = recorded
        self._name = "the CRD" if kind == FUNCTION_DEPLOYMENT else f"the CRD {kind.crd_name}"
        self._shown = shown
        self._unreadable = ""
        self.missing: tuple[str, ...] = ()

    @property
    def unrecorded(self) -> tuple[str, ...]:
        """Those of them that the operator must record before it asks for a deployment."""
        return tuple(path for path in self.missing if is_recorded(path, self._recorded))

    async def follow(self) -> None:
        """Check for ever."""
        while True:
            await self.check()
            await asyncio.sleep(SOON if self.missing else LATER)

    async def check(self) -> None:
        """Check once, and log what is new: missing fields, or that none is missing any more."""
        found = await self._read()
        if found and found != self.missing:
            await asyncio.sleep(CONFIRM)
            found = await self._read()
        if found is None or found == self.missing:
            return
        self.missing = found
        self._shown(len(found))
        if not found:
            log.info("%s has all fields of this version of the operator", self._name)
        elif fields := self.unrecorded:
            log.error(
                "%s is older than the operator and lacks %s, which the operator must record: %s. %s",
                self._name,
                named(fields),
                _WITHHELD[self._kind],
                pruning.NEWER_CRD,
            )
        else:
            log.warning(
                "%s is older than the operator and lacks %s: the API server drops these fields. %s",
                self._name,
                named(found),
                pruning.NEWER_CRD,
            )

    async def _read(self) -> tuple[str, ...] | None:
        try:
            found = lacking(await self._kube.served_schema(self._kind), self._kind)
        except Exception as error:  # whatever is published: it is no reason to end the operator
            said = str(error) if isinstance(error, KubeError) else repr(error)
            if said != self._unreadable:
                self._unreadable = said
                log.info("cannot tell whether %s has all fields of this version: %s", self._name, said)
            return None
        self._unreadable = ""
        return found
