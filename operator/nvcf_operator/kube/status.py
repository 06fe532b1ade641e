"""What of a status must be written."""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `KubeClient.patch_status` needs to make `new` of `old`; None if they are equal.

    The members that differ, each as a whole, and None for those that go: a patch of one level, since a status has few
    members and small ones. A member that is None counts as absent. Values are compared as Python does (1, 1.0 and True
    are equal), which is right here: the schema fixes the type of each field.
    """
    patch = {name: value for name, value in new.items() if value is not None and value != old.get(name)}
    gone = {name: None for name, value in old.items() if value is not None and new.get(name) is None}
    return (patch | gone) or None
