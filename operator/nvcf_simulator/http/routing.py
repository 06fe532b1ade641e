"""Which operation a method and a path mean, and which media types a request must declare."""

from dataclasses import dataclass, field

from nvcf_simulator.problems import ProblemError

CONTROL = "_simulator"
"""First segment of the control API's paths."""

_DEPLOYMENT = "deployments/functions/{functionId}/versions/{functionVersionId}"
_VERSION = "functions/{functionId}/versions/{functionVersionId}"
_SPECIFICATION = "deployments/{deploymentId}/gpu-specifications/{gpuSpecificationId}"

_TABLE: dict[str, dict[str, str]] = {
    _DEPLOYMENT: {
        "POST": "createDeployment",
        "GET": "getDeployment",
        "PUT": "updateDeployment",
        "DELETE": "deleteDeployment",
    },
    "deployments/{deploymentId}": {"GET": "getDeploymentById"},
    _SPECIFICATION: {"PATCH": "updateGpuSpecification"},
    "functions": {"GET": "listFunctions", "POST": "createFunction"},
    "functions/ids": {"GET": "listFunctionIds"},
    "functions/{functionId}/versions": {"GET": "listVersions", "POST": "createVersion"},
    _VERSION: {"GET": "getFunction", "DELETE": "deleteFunction", "PUT": "updateFunction"},
    f"metadata/{_VERSION}": {"PUT": "updateFunctionMetadata"},
    f"secrets/{_VERSION}": {"PUT": "updateSecrets"},
    f"ratelimit/{_VERSION}": {"PUT": "updateRateLimit", "DELETE": "deleteRateLimit"},
    f"queues/{_VERSION}": {"GET": "getQueue"},
    "queues/functions/{functionId}": {"GET": "getQueues"},
    "queues/{requestId}/position": {"GET": "getPosition"},
    "authorizations/functions/{functionId}": {
        "GET": "listAuthorizations",
        "POST": "authorizeFunction",
        "DELETE": "unauthorizeFunction",
    },
    "authorizations/functions/{functionId}/add": {"PATCH": "changeFunctionAuthorization"},
    "authorizations/functions/{functionId}/remove": {"PATCH": "changeFunctionAuthorization"},
    f"authorizations/{_VERSION}": {
        "GET": "getAuthorization",
        "POST": "authorizeVersion",
        "DELETE": "unauthorizeVersion",
    },
    f"authorizations/{_VERSION}/add": {"PATCH": "changeVersionAuthorization"},
    f"authorizations/{_VERSION}/remove": {"PATCH": "changeVersionAuthorization"},
    "clusterGroups": {"GET": "listClusterGroups"},
}
_ORG_TABLE = {"deployments": {"GET": "listDeployments"}}
_CATALOGUE = {
    ("v3", "deployments/available/instanceTypes"): {"GET": "listAvailableInstanceTypes"},
    ("v3", "deployments/instanceTypes"): {"GET": "listInstanceTypes"},
    ("v2", "gpu/quota/rules"): {"GET": "listQuotaRules"},
}
_NOT_OLD = {"updateGpuSpecification", "getDeploymentById", "updateFunction"}

_SPLIT = [(tuple(pattern.split("/")), methods) for pattern, methods in _TABLE.items()]
_ORG_SPLIT = [(tuple(pattern.split("/")), methods) for pattern, methods in _ORG_TABLE.items()]


@dataclass(frozen=True, slots=True)
class Route:
    """What is at a path."""

    operations: dict[str, str] = field(default_factory=dict)
    """Method -> operation; empty if there is nothing at the path."""
    parameters: dict[str, str] = field(default_factory=dict)
    org: str | None = None
    """The organization in an NGC URL."""

    def operation(self, method: str) -> str | None:
        """Return the operation of a method; HEAD is GET without a body."""
        return self.operations.get("GET" if method == "HEAD" else method)


NOWHERE = Route()


def find_route(path: str, *, old: bool, put: bool = True) -> Route:
    """Return what is at a path; `old`: in the old generation of the API; `put`: whether deployments accept PUT."""
    segments = path.split("/")[1:]
    org: str | None = None
    if segments[:2] == ["v2", "nvcf"]:
        rest = segments[2:]
    elif segments[:2] == ["v2", "orgs"] and "nvcf" in (segments[3:4] + segments[5:6]):
        org, nvcf = segments[2], 3 if segments[3] == "nvcf" else 5
        if nvcf == 5 and segments[3] != "teams":
            return NOWHERE
        rest = segments[nvcf + 1 :]
    elif segments[1:2] == ["orgs"] and segments[3:5] == ["ngc", "nvcf"]:
        return Route(_CATALOGUE.get((segments[0], "/".join(segments[5:])), {}), org=segments[2])
    else:
        return NOWHERE
    for pattern, methods in _SPLIT if org is None else _ORG_SPLIT + _SPLIT:
        parameters = _match(pattern, rest)
        if parameters is not None:
            missing = (_NOT_OLD if old else set()) | (set() if put else {"updateDeployment"})
            if missing:
                methods = {m: operation for m, operation in methods.items() if operation not in missing}
            return Route(methods, parameters, org)
    return Route(org=org)


def _match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    parameters = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        if wanted[0] == "{":
            if not segment:
                return None
            parameters[wanted[1:-1]] = segment
        elif wanted != segment:
            return None
    return parameters


_WITH_BODY = ("POST", "PUT", "PATCH")


def check_media_types(method: str, content_type: str | None, accept: str | None) -> None:
    """Raise 415 if the body is not declared as JSON, 406 if the client does not accept JSON."""
    if method in _WITH_BODY:
        declared = (content_type or "").partition(";")[0].strip().lower()
        if declared != "application/json":
            raise ProblemError(
                415,
                f"Content-Type '{content_type or ''}' is not supported.",
                "framework",
                {"Accept": "application/json"},
            )
    if accept and not any(_takes_json(part) for part in accept.split(",")):
        raise ProblemError(406, "Acceptable representations: [application/json].", "framework")


def _takes_json(part: str) -> bool:
    return part.partition(";")[0].strip().lower() in ("*/*", "application/*", "application/json", "")
