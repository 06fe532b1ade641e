"""Responses, and the envelopes of errors."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from nvcf_simulator.model.entities import random_id
from nvcf_simulator.problems import ProblemError, UnauthenticatedError

_TYPE = "urn:nv-boot:problem-details:"
JSON = "application/json"


@dataclass(slots=True)
class Reply:
    """A response before it is sent."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(value: Any, status: int = 200) -> Reply:
    """Respond with a JSON value."""
    return Reply(status, json_bytes(value), JSON)


def json_bytes(value: Any) -> bytes:
    """Write JSON as the service does: compact, not escaped; lone surrogates become `?`."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def no_content() -> Reply:
    """Respond 204."""
    return Reply(204)


def title_of(status: int) -> str:
    """Return the standard phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def problem_reply(problem: ProblemError, path: str, *, gateway: bool = False) -> Reply:
    """Respond with an error as problem JSON, or as the NGC gateway does."""
    if gateway:
        reply = gateway_reply(problem.status, problem.detail)
    else:
        kind = {"type": _TYPE + title_of(problem.status).lower().replace(" ", "-")}
        body: dict[str, Any] = kind if problem.origin == "service" else {}
        body |= {
            "title": title_of(problem.status),
            "status": problem.status,
            "detail": problem.detail,
            "instance": path,
        }
        reply = json_reply(body, problem.status)
        reply.content_type = "application/problem+json"
    reply.headers |= problem.headers
    return reply


def unauthenticated_reply(error: UnauthenticatedError, *, gateway: bool) -> Reply:
    """Respond 401."""
    if gateway:
        return gateway_reply(401, "Invalid or missing credentials")
    return Reply(401, headers={"WWW-Authenticate": error.challenge})


def gateway_reply(status: int, detail: str) -> Reply:
    """Respond with an error in the envelope of the NGC gateway."""
    code = title_of(status).upper().replace(" ", "_").replace("-", "_")
    return json_reply(
        {"requestStatus": {"statusCode": code, "statusDescription": detail, "requestId": random_id()}}, status
    )
