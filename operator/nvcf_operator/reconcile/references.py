"""Attaches to FunctionDeployments what their references lead to, by the CloudFunctions that the cache shows.

It is done wherever FunctionDeployments are read, so that decisions, claims and observations see resolved ids only.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.references import resolve
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.reconcile.ports import CloudFunctions


class References:
    """Resolves references.

    Args:
        functions: the CloudFunctions.
        settle: seconds after the last change of either object before an immutable change is made.

    """

    def __init__(self, functions: CloudFunctions, *, settle: float) -> None:
        self._functions = functions
        self._settle = settle

    def resolved(self, resource: AnyResource | None) -> AnyResource | None:
        """A resource with what its reference leads to, if it has one."""
        if not isinstance(resource, Resource) or resource.spec is None or (ref := resource.spec.function_ref) is None:
            return resource
        function = self._functions.function(Key(resource.key.namespace, ref.name, CLOUD_FUNCTION))
        reference = resolve(ref, function, resource.status, settle=self._settle)
        return replace(resource, reference=reference)

    def with_version(
        self,
        function_id: str,
        version: str,
        known: Iterable[Resource],
        read: Callable[[Key], AnyResource | None],
        *,
        but: Key | None,
    ) -> tuple[Resource, ...]:
        """The resources that have to do with a function version, those among them whose status does not show it yet.

        Args:
            function_id: of the function.
            version: of the version.
            known: those whose manifest or status names the version.
            read: reads a resource, resolved.
            but: the resource that is left out.

        """
        found = {resource.key: resource for resource in known}
        for key in self._functions.followers(function_id):
            if key == but or key in found:
                continue
            follower = read(key)
            if isinstance(follower, Resource) and (follower.function_id, follower.wanted_version) == (
                function_id,
                version,
            ):
                found[key] = follower
        resolved = (self.resolved(found[key]) for key in sorted(found))
        return tuple(resource for resource in resolved if isinstance(resource, Resource))
