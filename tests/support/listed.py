"""All that a namespace holds, over a kept connection: a kubectl that gets every kind costs a second of CPU."""

from collections.abc import Iterator

from hack.controlplane import ControlPlane


def lists(plane: ControlPlane, namespace: str) -> Iterator[str]:
    """Give the paths of the lists of all kinds that a namespace can hold, by the versions that kubectl prefers."""
    groups = [each["preferredVersion"]["groupVersion"] for each in plane.read("/apis")["groups"]]
    for prefix in ("/api/v1", *(f"/apis/{group}" for group in groups)):
        for kind in plane.read(prefix)["resources"]:
            if kind["namespaced"] and "list" in kind["verbs"]:
                yield f"{prefix}/namespaces/{namespace}/{kind['name']}"
