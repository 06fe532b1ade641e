"""Errors of a request, independent of the envelope they are reported in."""

from typing import Literal

Origin = Literal["service", "framework"]
"""Who reports the error: the service's own errors have a problem type, its framework's do not."""


PASSED_THROUGH = frozenset({400, 401, 402, 403, 404, 409, 422, 429})
"""Statuses of a dependency that are passed through; all others become 502."""


class ProblemError(Exception):
    """A failed request, with the status of its response."""

    def __init__(
        self, status: int, detail: str, origin: Origin = "service", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.origin: Origin = origin
        self.headers = headers or {}


class DependencyError(ProblemError):
    """A dependency returned an error. `answered` is its own status, `status` the client's."""

    def __init__(self, name: str, answered: int) -> None:
        super().__init__(answered if answered in PASSED_THROUGH else 502, f"The {name} answered {answered}")
        self.answered = answered


class UnauthenticatedError(Exception):
    """No usable token: 401 with an empty body and the reason in a header."""

    def __init__(self, challenge: str = "Bearer") -> None:
        super().__init__(challenge)
        self.challenge = challenge


def bad_request(detail: str) -> ProblemError:
    """400 of the service: the state or the account does not allow the request."""
    return ProblemError(400, detail)


def not_found(detail: str) -> ProblemError:
    """404 of the service."""
    return ProblemError(404, detail)


def forbidden(detail: str) -> ProblemError:
    """403 of the service."""
    return ProblemError(403, detail)


def invalid(detail: str) -> ProblemError:
    """400 of the framework: the request is unreadable, or its body is invalid."""
    return ProblemError(400, detail, "framework")


def named(function_id: str, version_id: str | None = None) -> str:
    """Return how details name a function, or one of its versions."""
    return f"Function id '{function_id}'" + (f", version '{version_id}'" if version_id is not None else "")


def unknown_function(nca_id: str, function_id: str, version_id: str | None = None) -> ProblemError:
    """404 of the service: the account has no such function, or no such version."""
    return not_found(f"{named(function_id, version_id)}: Not found in account '{nca_id}'")
