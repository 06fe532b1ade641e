"""What can be deployed: the catalogue, the fields that a kind of function accepts, and public functions."""

from nvcf_simulator.model.catalogue import Catalogue
from nvcf_simulator.model.clock import SECOND
from nvcf_simulator.model.entities import Function, GpuSpecification
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import ProblemError, bad_request, named

_LARGEST_CONFIGURATION = 32 * 1024


class Availability:
    """Checks before a deployment. What it reads may be cached for a while, as in the real server."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._catalogue: tuple[int, Catalogue] | None = None
        self._public: dict[str, tuple[int, bool]] = {}

    def refuse_public(self, function_id: str, version_id: str | None, what: str) -> None:
        """Raise 400 if the version, or any version if None, is public. Unknown functions pass."""
        candidates = self._world.versions(function_id)
        for function in candidates:
            if version_id in (None, function.version_id) and self._is_public(function):
                raise bad_request(f"{named(function_id)}: Cannot {what} a public function")

    def _is_public(self, function: Function) -> bool:
        now, lifetime = self._world.clock.now(), int(self._world.behaviour.races.public_cache * SECOND)
        cached_at, cached = self._public.get(function.version_id, (0, False))
        if lifetime and now - cached_at < lifetime:
            return cached
        if lifetime:
            self._public[function.version_id] = (now, function.public)
        return function.public

    def catalogue(self, function: Function) -> Catalogue:
        """Return the catalogue that the server currently sees. Raises `ProblemError` if it cannot be read."""
        now, lifetime = self._world.clock.now(), int(self._world.behaviour.races.catalogue_cache * SECOND)
        if self._catalogue and now - self._catalogue[0] < lifetime:
            return self._catalogue[1]
        self._world.depend("catalogue", function.version_id)
        seen = self._world.catalogue.without(self._world.hidden)
        self._catalogue = (now, seen) if lifetime else None
        return seen

    def check(self, function: Function, specifications: list[GpuSpecification]) -> None:
        """Raise `ProblemError` unless the function can be deployed with these specifications."""
        catalogue = self.catalogue(function)
        about = function.label
        if not catalogue.types:
            raise bad_request(f"{about}: No backends defined for account '{function.nca_id}'")
        for specification in specifications:
            self._check_place(about, catalogue, specification)
        for specification in specifications:
            if function.is_helm:
                self._check_configuration(function, specification)
            else:
                for field in ("configuration", "helmValidationPolicy"):
                    if field in specification.options:
                        raise bad_request(f"{about}: {field} must not be set for a function made from a container")

    @staticmethod
    def _check_place(about: str, catalogue: Catalogue, specification: GpuSpecification) -> None:
        backend = specification.options.get("backend")
        if backend and specification.options.get("clusters"):
            raise bad_request(
                f"{about}: backend '{backend}' and clusters {specification.options['clusters']} exclude each other"
            )
        if backend and not catalogue.has_backend(backend):
            raise bad_request(f"{about}: Invalid backend '{backend}'")
        types = catalogue.of_gpu(specification.gpu, backend)
        if not types:
            raise bad_request(f"{about}: Invalid GPU '{specification.gpu}'")
        if not specification.instance_type.strip():
            specification.instance_type = types[0].name
        if specification.instance_type.lower() not in {t.name.lower() for t in types}:
            raise bad_request(f"{about}: Invalid instance type '{specification.instance_type}'")

    def _check_configuration(self, function: Function, specification: GpuSpecification) -> None:
        try:
            self._world.depend("helm", function.version_id)
        except ProblemError as problem:
            raise bad_request(problem.detail) from None
        if len(repr(specification.options.get("configuration", ""))) > _LARGEST_CONFIGURATION:
            raise ProblemError(500, "Internal server error", "framework")
