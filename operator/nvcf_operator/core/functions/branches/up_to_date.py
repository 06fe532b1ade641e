"""Which versions need no change in place before they are deployed."""

from nvcf_operator.core.functions.branches.in_place import outdated
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import in_use
from nvcf_operator.core.rules.ownership import doubted


def changes(situation: FunctionSituation) -> bool:
    """Whether the manifest lets versions be changed."""
    resource = situation.resource
    return not (resource.spec is None or resource.deleting or resource.observes or resource.paused)


def able(situation: FunctionSituation) -> bool:
    """Whether versions can be changed by now: the key works, and no other CloudFunction comes first."""
    failure = situation.access or situation.unlisted or doubted(situation)
    return failure is None and situation.holder is None


def up_to_date(situation: FunctionSituation) -> frozenset[str]:
    """The versions in use that are as the manifest says."""
    return frozenset(seen.version_id for seen in in_use(situation)) - outdated(situation)
