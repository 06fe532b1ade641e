"""Prepares the simulator for the conformance cases through its control API."""

import itertools
import os
from typing import Any

import httpx

SCOPES = (
    "deploy_function",
    "list_functions",
    "list_functions_details",
    "register_function",
    "update_function",
    "delete_function",
    "queue_details",
    "authorize_clients",
    "update_secrets",
)
ACCOUNTS = {"a": "acme", "b": "globex"}


class Simulator:
    """The adapter of `conformance/conformance.py`."""

    period = 0.25
    names = {  # noqa: RUF012  the runner reads it as it is
        "GPU": "H100",
        "TYPE": "NCP.GPU.H100_1x",
        "GPU2": "L40S",
        "TYPE2": "NCP.GPU.L40S_1x",
        "BACKEND": "NCP",
        "OTHER_BACKEND": "GFN",
        "CLUSTER": "ncp-cluster-1",
    }

    def __init__(self, url: str) -> None:
        origin = url.split("/v2/", 1)[0]
        self._http = httpx.Client(base_url=f"{origin}/_simulator", timeout=30, trust_env=False)
        self._numbers = itertools.count()

    def reset(self) -> None:
        """Set the pace given by `period`, capacity for all cases, and responses with known fields only."""
        self._ask(
            "PATCH", "/behaviour", {"period": self.period, "deploySeconds": 0.4, "plain": True, "placement": False}
        )
        self._ask("PUT", "/capacity", dict.fromkeys((self.names["TYPE"], self.names["TYPE2"]), 100000))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def make_function(self, kind: str, public: bool, account: str) -> dict[str, Any]:
        """Create a function of its own for a scenario."""
        nca_id = ACCOUNTS.get(account) or f"case-account-{next(self._numbers)}"
        if account not in ACCOUNTS:
            self._ask("POST", "/accounts", {"ncaId": nca_id})
        body = {"name": f"case-{next(self._numbers)}", "kind": kind, "public": public, "ncaId": nca_id}
        made = self._ask("POST", "/functions", body)["functions"][0]
        return {"F": made["id"], "V": made["versionId"], "NAME": made["name"], "NCA": nca_id, "account": account}

    def drop(self, ids: dict[str, Any]) -> None:
        """Delete it again, and end what the scenario has set for it and its account."""
        self._ask("PUT", f"/functions/{ids['F']}/dependencies", {})
        if ids["account"] in ACCOUNTS:
            self._ask("PATCH", f"/accounts/{ids['NCA']}", {"maxFunctionsAllowed": None})
        else:
            self._ask("DELETE", f"/accounts/{ids['NCA']}")
        self._ask("DELETE", f"/versions/{ids['V']}")

    def key(self, kind: str, ids: dict[str, Any]) -> str:
        """Issue a token of some kind."""
        own = ids["NCA"]
        other = ACCOUNTS["b" if ids["account"] == "a" else "a"]
        word, _, value = kind.partition(":")
        if word == "malformed":
            return "not-a-token"
        if word == "wrong":
            return f"nvapi-{os.urandom(8).hex()}"
        if word == "jwt_foreign":
            return "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmVk"
        return self._issued(self._wanted(word, value, own, other, ids))

    def _wanted(self, word: str, value: str, own: str, other: str, ids: dict[str, Any]) -> dict[str, Any]:
        policies = {
            "this_version": [f"function:{ids['F']}/{ids['V']}"],
            "this_function": [f"function:{ids['F']}/*"],
            "other_function": ["function:00000000-0000-4000-8000-000000000001/*"],
            "none": [],
            "shared_only": ["authorized-functions:*"],
        }
        match word:
            case "default":
                return {"ncaId": own}
            case "other_account":
                return {"ncaId": other}
            case "revoked":
                return {"ncaId": own, "revoked": True}
            case "without_scope":
                return {"ncaId": own, "scopes": [scope for scope in SCOPES if scope != value]}
            case "only_scope":
                return {"ncaId": own, "scopes": [value]}
            case "policy":
                return {"ncaId": own, "resources": policies[value]}
            case "key_service":
                return {"ncaId": own, "serviceStatus": int(value)}
            case "jwt":
                return {"ncaId": own, "kind": "jwt"}
            case "jwt_expired":
                return {"ncaId": own, "kind": "jwt", "revoked": True}
            case "jwt_without_scope":
                return {"ncaId": own, "kind": "jwt", "scopes": [scope for scope in SCOPES if scope != value]}
        raise NotImplementedError(word)

    def _issued(self, wanted: dict[str, Any]) -> str:
        number = next(self._numbers)
        secret = os.urandom(8).hex()
        token = f"eyJ{secret}.eyJ{number}.x" if wanted.get("kind") == "jwt" else f"nvapi-{number}-{secret}"
        self._ask("POST", "/keys", {"name": f"case-key-{number}", "token": token, **wanted})
        return token

    def world(self, step: str, ids: dict[str, Any]) -> None:  # noqa: C901  one word a case
        """Change the conditions of a scenario's function."""
        version = f"/versions/{ids['V']}"
        word, *rest = step.split()
        weather, function = f"{version}/weather", f"/functions/{ids['F']}/dependencies"
        match word:
            case "instances_up":
                self._ask("PUT", weather, {"fate": "run", "fates": {}, "supply": True, "capacity": None})
            case "instances_pending":
                self._ask("PUT", weather, {"fate": "wait"})
            case "instances_fail":
                self._ask("PUT", weather, {"fate": "fail"})
            case "instances_lost":
                self._ask("PUT", weather, {"supply": False})
                self._ask("POST", f"{version}/lose", {"count": int(rest[0])} if rest else {})
            case "capacity":
                self._ask("PUT", weather, {"capacity": int(rest[0])})
            case "capacity_back":
                self._ask("PUT", weather, {"capacity": None, "supply": True})
                self._ask("POST", f"{version}/serve")
            case "queue":
                self._ask("PATCH", version, {"queueDepth": int(rest[0])})
            case "queue_empty":
                self._ask("PATCH", version, {"queueDepth": 0})
            case "clock_days":
                self._ask("PATCH", version, {"olderByDays": float(rest[0])})
            case "dependency_down" if rest[0] == "secrets":
                self._ask("PUT", function, {"secrets": {"status": int(rest[1])}})
            case "dependency_down":
                self._ask("PUT", f"{version}/dependencies", {rest[0]: {"status": int(rest[1])}})
            case "dependency_slow" if rest[0] == "secrets":
                self._ask("PUT", function, {"secrets": {"seconds": float(rest[1])}})
            case "dependency_slow" if rest[0] == "allocator":
                self._ask("PUT", weather, {"allocationSeconds": float(rest[1])})
            case "dependency_up":
                self._ask("PUT", function, {})
                if any(one["versionId"] == ids["V"] for one in self._ask("GET", "/state")["functions"]):
                    self._ask("PUT", f"{version}/dependencies", {})
                    self._ask("PUT", weather, {"allocationSeconds": None})
            case "quota":
                self._ask("PATCH", f"/accounts/{ids['NCA']}", {"maxFunctionsAllowed": int(rest[0])})
            case "make_public":
                self._ask("PATCH", version, {"public": True})
            case _:
                raise NotImplementedError(step)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._http.request(method, path, json=body)
        if answer.status_code != 200:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        value: dict[str, Any] = answer.json()
        return value
