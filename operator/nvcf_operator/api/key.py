"""The name of a resource in the cluster, which is all that the queue carries."""

from typing import NamedTuple


class Key(NamedTuple):
    """Namespace and name of one FunctionDeployment."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
