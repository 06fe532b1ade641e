"""Bugs that have the operator ask again too soon.

They are planted like those of `tests.support.planted`, which lists them too.
"""

from typing import Any

from nvcf_operator import backoff
from nvcf_operator.core.branches import not_deployed
from nvcf_operator.kube.errors import KubeError
from nvcf_operator.reconcile.cluster import KubernetesCluster
from nvcf_operator.reconcile.ports import Outdated
from nvcf_operator.state.managed_state import AnyLocalState, Guard


def refusal_taken_for_conflict() -> None:
    """A refused write of the finalizer or the intent means that the object has changed: it is read again at once."""

    async def judge(self: KubernetesCluster, error: KubeError, what: str, resource: Any, local: AnyLocalState) -> None:
        local.outdated = 0
        raise Outdated(str(error))

    KubernetesCluster._judge = judge  # type: ignore[method-assign]
    Guard.pause = lambda self, wanted, left: wanted  # type: ignore[method-assign]


def pauses_do_not_grow() -> None:
    """What was refused is asked for again after the same pause each time."""
    backoff.refused_by_cluster = lambda attempts: 0.3
    not_deployed.post_pause = lambda situation, attempts: not_deployed._settle(situation)


IMPATIENCE = (refusal_taken_for_conflict, pauses_do_not_grow)
