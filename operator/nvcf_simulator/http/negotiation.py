"""What a request must declare: a JSON body, and that it accepts JSON."""

from nvcf_simulator.problems import ProblemError

_WITH_BODY = ("POST", "PUT", "PATCH")


def check_media_types(method: str, content_type: str | None, accept: str | None) -> None:
    """Raise 415 for a body that is not declared as JSON, 406 if JSON is not accepted."""
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
