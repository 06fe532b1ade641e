"""A client of the simulator's control API."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.clients import ThreadClients

Json = dict[str, Any]

ODD_NAME = "echo <β> & „größer“"
"""Default name of a function: markup and letters that consumers may have to escape."""
FILTERS = {"functionVersionId": "version", "operation": "operation", "method": "method", "key": "key"}
"""The simulator's filters of its log, by the field of an entry."""
_WIRE_NAMES = {"outcome": "fate", "outcomes": "fates"}


class Control:
    """Controls a running simulator, given the URL of its control API."""

    def __init__(self, control: str) -> None:
        self.control = control
        # Over plain HTTP, so no certificates are read: those of the machine cost 30 ms of CPU.
        self._clients = ThreadClients(lambda: httpx.Client(base_url=control, timeout=30, trust_env=False, verify=False))

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    # read

    def state(self, *, alive: bool = False) -> Json:
        """Return the complete state, perhaps with live instances only: of others, runs beside each other leave many."""
        return self._ask("GET", "/state", params={"alive": "true"} if alive else {})

    def deployments(self) -> dict[str, Json]:
        """Return the deployments by version id."""
        return {item["functionVersionId"]: item for item in self.state(alive=True)["deployments"]}

    def allocations(self, *, alive: bool = True) -> list[Json]:
        """Return the live instances, or all that ever existed."""
        found: list[Json] = self._ask("GET", "/allocations", params={"alive": "true"} if alive else {})["allocations"]
        return found

    def leaked(self) -> list[Json]:
        """Return live instances that belong to no deployment."""
        return [item for item in self.allocations() if item["leaked"]]

    def in_flight(self) -> int:
        """Return the number of running requests."""
        return int(self.state()["inFlight"])

    def log(self, since: int = 0, **wanted: Any) -> list[Json]:
        """Return the requests after a cursor with these field values, the oldest first.

        The simulator filters by what it can: others' requests cost it and this process most of the CPU otherwise.
        """
        filters = {FILTERS[name]: value for name, value in wanted.items() if name in FILTERS and isinstance(value, str)}
        if wanted.get("mutating") is True:
            filters["mutating"] = "true"
        entries: list[Json] = self._ask("GET", "/log", params={"since": since, **filters})["entries"]
        return [entry for entry in entries if all(entry[name] == value for name, value in wanted.items())]

    def writes(self, since: int = 0) -> list[tuple[str, str]]:
        """Return method and path of the mutating requests, the oldest first."""
        return [(entry["method"], entry["path"]) for entry in self.log(since) if entry["mutating"]]

    @property
    def cursor(self) -> int:
        """The id of the latest request."""
        return int(self._ask("GET", "/log", params={"since": 2**60})["cursor"])

    # change

    def clear_log(self) -> None:
        """Clear the requests that have ended."""
        self._ask("DELETE", "/log")

    def behave(self, **changes: Any) -> None:
        """Merge into the behaviour: `behave(races={"slowPost": 1})`."""
        self._ask("PATCH", "/behaviour", json=changes)

    def fault(self, **rule: Any) -> str:
        """Add a fault, by the names of `nvcf_simulator.http.faults.Fault` in camelCase; return its name."""
        return str(self._ask("POST", "/faults", json=rule)["name"])

    def faults(self) -> list[Json]:
        """Return the faults, with the number of requests each `matched` and `met`."""
        found: list[Json] = self._ask("GET", "/faults")["faults"]
        return found

    def clear_faults(self, name: str | None = None) -> None:
        """Remove the faults with this name, or all."""
        self._ask("DELETE", "/faults", params={} if name is None else {"name": name})

    def add_function(self, name: str = ODD_NAME, **given: Any) -> tuple[str, str]:
        """Create a function; return its id and its version id."""
        created = self._ask("POST", "/functions", json={"name": name, **given})["functions"][0]
        return created["id"], created["versionId"]

    def add_functions(self, name: str, count: int, **given: Any) -> list[tuple[str, str]]:
        """Create many functions; return the id and version id of each."""
        created = self._ask("POST", "/functions", json={"name": name, "count": count, **given})["functions"]
        return [(item["id"], item["versionId"]) for item in created]

    def add_account(self, nca_id: str, **given: Any) -> None:
        """Create or replace an account, optionally with `requestsPerSecond` and `org`."""
        self._ask("POST", "/accounts", json={"ncaId": nca_id, **given})

    def change_account(self, nca_id: str, **limits: Any) -> None:
        """Set `maxFunctionsAllowed` and `requestsPerSecond` of an account; None: no limit."""
        self._ask("PATCH", f"/accounts/{nca_id}", json=limits)

    def remove_account(self, nca_id: str) -> None:
        """Remove an account."""
        self._ask("DELETE", f"/accounts/{nca_id}")

    def add_key(self, name: str, token: str, **given: Any) -> None:
        """Create or replace a key."""
        self._ask("POST", "/keys", json={"name": name, "token": token, **given})

    def change_key(self, name: str, **changes: Any) -> None:
        """Revoke a key, or change its account, scopes or policy."""
        self._ask("PATCH", f"/keys/{name}", json=changes)

    def deploy(self, version: str, *specifications: Mapping[str, Any]) -> Json:
        """Deploy as an outside change."""
        body = {"deploymentSpecifications": list(specifications)}
        deployed: Json = self._ask("POST", f"/versions/{version}/deployment", json=body)["deployment"]
        return deployed

    def undeploy(self, version: str, *, graceful: bool = False) -> None:
        """Undeploy as an outside change."""
        self._ask("DELETE", f"/versions/{version}/deployment", params={"graceful": str(graceful).lower()})

    def redeploy(self, version: str) -> Json:
        """Undeploy and deploy again as an outside change: a new deploymentId, the same numbers."""
        deployed = self.deployments()[version]["deploymentSpecifications"]
        self.undeploy(version)
        return self.deploy(version, *deployed)

    def lose_row(self, version: str, *, status: str = "ACTIVE") -> None:
        """Remove the deployment but set this status: POST is 500 until the version is deleted."""
        self._ask("DELETE", f"/versions/{version}/row", params={"status": status})

    def scale(self, version: str, **numbers: int) -> None:
        """Change the numbers of a deployment as an outside change."""
        self._ask("PATCH", f"/versions/{version}/deployment", json=numbers)

    def change(self, version: str, **changes: Any) -> None:
        """Set queueDepth, requests, public, status, tags, rateLimit, sharedWith, olderByDays or odd values.

        The latter are `odd`, `oddDeployment` and `oddSpecifications`.
        """
        self._ask("PATCH", f"/versions/{version}", json=changes)

    def instance_behaviour(self, version: str, **changes: Any) -> None:
        """Set how a version's instances behave: `outcome` and `outcomes`, else the names of a scenario's `weather`."""
        body = {_WIRE_NAMES.get(name, name): value for name, value in changes.items()}
        self._ask("PUT", f"/versions/{version}/weather", json=body)

    def lose(self, version: str, count: int | None = None) -> None:
        """Lose running instances; all without a count."""
        self._ask("POST", f"/versions/{version}/lose", json={} if count is None else {"count": count})

    def serve(self, version: str) -> None:
        """Provide the instances that were requested without capacity."""
        self._ask("POST", f"/versions/{version}/serve")

    def depend(self, version: str, **failures: Any) -> None:
        """Set which dependencies fail for a version: `depend(v, allocator={"status": 503})`; the others work.

        With `count` that many calls fail; POST tries each allocator call up to three times.
        """
        self._ask("PUT", f"/versions/{version}/dependencies", json=failures)

    def depend_function(self, function: str, **failures: Any) -> None:
        """Set which dependencies fail or are slow for all versions of a function, new ones included."""
        self._ask("PUT", f"/functions/{function}/dependencies", json=failures)

    def remove_function(self, function: str) -> int:
        """Delete all versions of a function; return how many there were."""
        return int(self._ask("DELETE", f"/functions/{function}")["removed"])

    def artifacts(self, references: Mapping[str, Json | None]) -> None:
        """Set which artifacts are unavailable: `artifacts({"nvcr.io/a/b:1": {"status": 404}})`; None: it is there."""
        self._ask("PUT", "/artifacts", json=references)

    def remove_tags(self, version: str, prefix: str = "") -> None:
        """Remove the tags of a version that begin with a prefix."""
        self._ask("DELETE", f"/versions/{version}/tags", params={"prefix": prefix})

    def operations(self, version: str) -> list[str]:
        """Return the names of the writes of a version, in the order in which they started."""
        found = self._ask("GET", f"/versions/{version}/operations")["operations"]
        return [entry["operation"] for entry in found]

    def overlapping(self, version: str, *, but: Iterable[str] = ()) -> list[list[int]]:
        """Return the pairs of writes of a version that were executed at the same time, by their ids in the log.

        Args:
            version: the version.
            but: operations that are left out, such as `updateSecrets`, whose rotation writes no row.

        """
        answer = self._ask("GET", f"/versions/{version}/operations", params={"except": list(but)})
        found: list[list[int]] = answer["overlapping"]
        return found

    def secrets(self, version: str) -> dict[str, str]:
        """Return the keyed digests of the secrets of a version, by name."""
        found: dict[str, str] = self._ask("GET", f"/versions/{version}/secrets")["secrets"]
        return found

    def has_secrets(self, version: str, **values: Any) -> bool:
        """Whether secrets of a version have these values."""
        return all(self._ask("POST", f"/versions/{version}/secrets", json=values)["matches"].values())

    def set_secrets(self, version: str, **values: Any) -> None:
        """Set secrets of a version from outside; None removes one."""
        self._ask("PUT", f"/versions/{version}/secrets", json=values)

    def remove(self, version: str) -> None:
        """Delete a function version and its deployment."""
        self._ask("DELETE", f"/versions/{version}")

    def capacity(self, **limits: int | None) -> None:
        """Set the maximum number of concurrent instances by type; None: the catalogue's number."""
        self._ask("PUT", "/capacity", json=limits)

    def hide(self, *names: str) -> None:
        """Hide instance types or GPUs from the catalogue; without names restore all."""
        self._ask("PUT", "/catalogue", json={"hidden": list(names)})

    def quota(self, *rules: Mapping[str, Any]) -> None:
        """Replace the quota rules of every account: `quota({"name": "H100", "limit": 16})`; none: without."""
        self._ask("PUT", "/quota", json={"quota": list(rules)})

    def run_pass(self) -> None:
        """Run one pass of the server's loop immediately."""
        self._ask("POST", "/loop")

    @contextmanager
    def long_pass(self) -> Iterator[None]:
        """Run a pass of the server's loop that reads all rows before the body and processes them after it."""
        self._ask("POST", "/loop/hold")
        try:
            yield
        finally:
            self._ask("POST", "/loop/finish")

    def jump(self, seconds: float) -> None:
        """Move the simulated clock forward."""
        self._ask("POST", "/clock", json={"seconds": seconds})

    def _ask(self, method: str, path: str, **more: Any) -> Json:
        answer = self._clients.mine().request(method, path, **more)
        if answer.status_code != 200:
            raise RuntimeError(f"simulator: {method} {path}: {answer.status_code} {answer.text}")
        value: Json = answer.json()
        return value
