"""The request that an endpoint handles."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from multidict import MultiMapping

from nvcf_simulator.access import Caller
from nvcf_simulator.http.reply import Reply
from nvcf_simulator.http.request_log import Entry
from nvcf_simulator.http.routing import Route
from nvcf_simulator.model.entities import Function, parse_id
from nvcf_simulator.problems import invalid, unknown_function
from nvcf_simulator.service import Service


@dataclass(slots=True)
class Call:
    """A request of an admitted caller for a known operation."""

    service: Service
    caller: Caller
    route: Route
    query: MultiMapping[str]
    body: bytes
    entry: Entry

    def id(self, name: str) -> str:
        """Return a UUID of the path. Raises 400 of the framework if it is invalid."""
        text = self.route.parameters[name]
        found = parse_id(text)
        if found is None:
            raise invalid(f"Failed to convert '{name}' with value: '{text}'")
        return found

    def own_versions(self, function_id: str) -> list[Function]:
        """Return the caller's versions of a function, the oldest first. Raises 404 if there are none."""
        found = [v for v in self.service.world.versions(function_id) if v.nca_id == self.caller.nca_id]
        if not found:
            raise unknown_function(self.caller.nca_id, function_id)
        return found

    def version_id(self) -> str | None:
        """Return the version id of the path, or None if the path names only a function. Raises 400 like `id`."""
        return self.id("functionVersionId") if "functionVersionId" in self.route.parameters else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a query parameter that is true or false. Raises 400 of the framework for anything else."""
        text = self.query.get(name)
        match (text or "").strip().lower():
            case "":
                return default
            case "false" | "off" | "no" | "0":
                return False
            case "true" | "on" | "yes" | "1":
                return True
        raise invalid(f"Failed to convert '{name}' with value '{text}': neither true nor false")

    def limit_rate(self) -> None:
        """Raise 429 if the account exceeds its rate."""
        self.service.limit_rate(self.caller.nca_id)

    def commit(self) -> None:
        """Record that the request has changed the state."""
        self.entry.commit()


Endpoint = Callable[[Call], Awaitable[Reply]]
