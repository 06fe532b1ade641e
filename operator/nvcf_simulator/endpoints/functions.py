"""`/functions`: creating, listing, reading and deleting function versions."""

from typing import Any

from nvcf_simulator.bodies.reading import Reader, parse_object
from nvcf_simulator.deploying import named
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import JSON, Reply, json_reply, no_content
from nvcf_simulator.model.entities import Function
from nvcf_simulator.model.identifiers import random_id
from nvcf_simulator.problems import bad_request, forbidden, not_found
from nvcf_simulator.views import function_fragment, function_view, instance_view

LIST_SCOPES = ("list_functions", "list_functions_details")
_TEXTS = (
    "inferenceUrl",
    "containerImage",
    "containerArgs",
    "helmChart",
    "helmChartServiceName",
    "apiBodyFormat",
    "description",
    "functionType",
)
_KEPT = ("containerEnvironment", "models", "resources", "secrets", "tags", "health", "rateLimit")


async def create(call: Call) -> Reply:
    """POST of a new function with its first version."""
    return _made(call, random_id(), None)


async def create_version(call: Call) -> Reply:
    """POST of another version of a function."""
    function_id = call.id("functionId")
    versions = [v for v in call.service.world.versions(function_id) if v.nca_id == call.caller.nca_id]
    reader = _definition(call.body)
    call.caller.require("register_function")
    if not versions:
        raise not_found(f"Function id '{function_id}': Not found in account '{call.caller.nca_id}'")
    return _made(call, function_id, versions[0], reader)


async def list_all(call: Call) -> Reply:
    """GET of every version that the key may see, without instances."""
    call.caller.require(*LIST_SCOPES)
    found = _visible(call)
    world = call.service.world
    parts = [
        function_fragment(world, function)
        if function.nca_id == call.caller.nca_id
        else json_reply(function_view(world, function, call.caller.nca_id)).body
        for function in found
    ]
    return Reply(200, b'{"functions":[' + b",".join(parts) + b"]}", JSON)


async def list_ids(call: Call) -> Reply:
    """GET of the ids of the functions that the key may see."""
    call.caller.require(*LIST_SCOPES)
    return json_reply({"functionIds": list(dict.fromkeys(function.id for function in _visible(call)))})


async def list_versions(call: Call) -> Reply:
    """GET of the versions of one function."""
    function_id = call.id("functionId")
    call.caller.require(*LIST_SCOPES)
    world, caller = call.service.world, call.caller
    known = [
        v for v in world.versions(function_id) if v.nca_id == caller.nca_id or v.public or caller.may_use_shared(v)
    ]
    if not known:
        raise not_found(f"Function id '{function_id}': Not found in account '{caller.nca_id}'")
    shown = [v for v in known if v.nca_id != caller.nca_id or caller.may_use(v)]
    if not shown:
        raise forbidden(f"Function id '{function_id}': Forbidden to list versions")
    return json_reply({"functions": [function_view(world, v, caller.nca_id) for v in shown]})


async def read(call: Call) -> Reply:
    """GET of one version; its instances with the details scope."""
    function = _readable(call)
    world, caller = call.service.world, call.caller
    view = function_view(world, function, caller.nca_id)
    row = world.row(function.version_id)
    if "list_functions_details" in caller.scopes and function.nca_id == caller.nca_id and row is not None:
        found = call.service.allocator.read(function, row)
        instances = [instance_view(item) for group in found.values() for item in group if item.state != "failed"]
        if instances:
            view["activeInstances"] = instances
    return json_reply({"function": view})


async def update_metadata(call: Call) -> Reply:
    """PUT of tags and description."""
    function = _owned(call, "update_function", "update")
    reader = Reader("updateFunctionMetadataRequest", parse_object(call.body))
    for name in ("tags", "description"):
        if reader.has(name):
            function.details[name] = reader.texts(name) if name == "tags" else reader.text(name)
    call.service.world.touch(function)
    call.commit()
    return json_reply({"function": function_view(call.service.world, function)})


async def delete(call: Call) -> Reply:
    """DELETE of a version; its deployment goes with it, by force."""
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require("delete_function")
    service = call.service
    service.availability.refuse_public(function_id, version_id, "delete")
    function = service.deploying.owned(call.caller, function_id, version_id, "delete")
    row = service.world.row(version_id)
    if row is not None:
        service.deploying.remove(row)
    service.world.remove_function(function)
    call.commit()
    return no_content()


def _definition(body: bytes) -> Reader:
    reader = Reader("createFunctionRequest", parse_object(body))
    reader.text("name", required=True)
    reader.text("inferenceUrl", required=True)
    if not reader.has("containerImage") and not reader.has("helmChart"):
        reader.complain("containerImage", None, "either containerImage or helmChart must be given")
    if reader.has("containerImage") and reader.has("helmChart"):
        reader.complain("helmChart", None, "containerImage and helmChart exclude each other")
    reader.integer("inferencePort", least=1, most=65535)
    reader.finish()
    return reader


def _made(call: Call, function_id: str, like: Function | None, reader: Reader | None = None) -> Reply:
    if reader is None:
        reader = _definition(call.body)
        call.caller.require("register_function")
    if not call.caller.may_create(like):
        raise forbidden("Forbidden to create functions")
    world = call.service.world
    details: dict[str, Any] = {name: value for name in _TEXTS if (value := reader.text(name))}
    details |= {name: parse_object(call.body)[name] for name in _KEPT if reader.has(name)}
    port = reader.integer("inferencePort")
    function = Function(
        id=function_id,
        version_id=random_id(),
        nca_id=call.caller.nca_id,
        name=reader.text("name") or "",
        created_at=world.clock.now(),
        details=defaults(reader.text("name") or "", port) | details,
    )
    world.put_function(function)
    call.commit()
    return json_reply({"function": function_view(world, function)})


def defaults(name: str, port: int | None = None) -> dict[str, Any]:
    """What answers show of a function whose definition leaves it out."""
    return {
        "functionType": "DEFAULT",
        "apiBodyFormat": "CUSTOM",
        "description": name,
        "inferenceUrl": "/v1/infer",
        "inferencePort": port or 8000,
        "health": {
            "protocol": "HTTP",
            "uri": "/v2/health/ready",
            "port": port or 8000,
            "timeout": "PT10S",
            "expectedStatusCode": 200,
        },
    }


def _visible(call: Call) -> list[Function]:
    world, caller = call.service.world, call.caller
    wanted = {word.strip().lower() for word in call.query.get("visibility", "").split(",") if word.strip()}
    unknown = wanted - {"private", "public", "authorized"}
    if unknown:
        raise bad_request(f"visibility '{', '.join(sorted(unknown))}' is none of private, public, authorized")
    found: list[Function] = []
    if not wanted or "private" in wanted:
        own = world.owned(caller.nca_id)
        found += list(own) if caller.unlimited else [f for f in own if caller.may_use(f)]
    if not wanted or wanted & {"public", "authorized"}:
        for function in world.state.functions.values():
            if function.nca_id == caller.nca_id:
                continue
            public = function.public and (not wanted or "public" in wanted)
            if public or ((not wanted or "authorized" in wanted) and caller.may_use_shared(function)):
                found.append(function)
    return found


def _readable(call: Call) -> Function:
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require(*LIST_SCOPES)
    function, caller = call.service.world.function(version_id, function_id), call.caller
    other = function is not None and function.nca_id != caller.nca_id
    if function is None or (other and not function.public and not caller.may_use_shared(function)):
        raise not_found(f"Function id '{function_id}', version '{version_id}': Not found in account '{caller.nca_id}'")
    if not other and not caller.may_use(function):
        raise forbidden(f"{named(function)}: Forbidden to read function")
    return function


def _owned(call: Call, scope: str, verb: str) -> Function:
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require(scope)
    return call.service.deploying.owned(call.caller, function_id, version_id, verb)


ENDPOINTS: dict[str, Endpoint] = {
    "createFunction": create,
    "createVersion": create_version,
    "listFunctions": list_all,
    "listFunctionIds": list_ids,
    "listVersions": list_versions,
    "getFunction": read,
    "updateFunction": update_metadata,
    "updateFunctionMetadata": update_metadata,
    "deleteFunction": delete,
}
