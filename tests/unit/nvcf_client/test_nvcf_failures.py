"""From status and body to the error that it means, whatever the body."""

import json
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nvcf_client import endpoints, errors
from nvcf_client.answers import Answer
from nvcf_client.errors import NvcfError
from nvcf_client.requests import Request

IDS: dict[str, Any] = {"function_id": "f", "function_version_id": "v"}
READING = endpoints.get_deployment(**IDS)
WRITING = endpoints.create_deployment(
    **IDS, deployment_specifications=[{"gpu": "L40", "min_instances": 1, "max_instances": 1}]
)

GATEWAY = json.dumps(
    {"requestStatus": {"statusCode": "X", "statusDescription": "the reason", "requestId": "r-1"}}
).encode()
PROBLEM = b'{"type": "urn:nvcf:problem", "title": "T", "status": 400, "detail": "the reason", "instance": "/v2"}'
FRAMEWORK = b'{"title": "T", "status": 400, "detail": "the reason", "instance": "/v2"}'
ABOUT_BLANK = b'{"type": "about:blank", "title": "the reason"}'
MESSAGE = b'{"message": "the reason"}'
ISSUE = b'{"issue": {"detail": "the reason"}}'
SPRING = b'{"timestamp": "t", "status": 500, "error": "the reason", "path": "/"}'
KNOWN = {
    "gateway": GATEWAY,
    "problem": PROBLEM,
    "framework": FRAMEWORK,
    "blank": ABOUT_BLANK,
    "message": MESSAGE,
    "issue": ISSUE,
}
UNKNOWN = {
    "empty": b"",
    "blanks": b" \r\n",
    "html": b"<html><body>Bad Gateway</body></html>",
    "text": b"no",
    "list": b"[1]",
    "null": b"null",
    "number": b"7",
    "cut off": PROBLEM[:-5],
    "other object": b'{"a": 1}',
    "spring": SPRING,
    "wrong types": b'{"requestStatus": 7, "title": [], "message": {}, "issue": "x"}',
    "not utf-8": b'{"message": "\xff\xfe"}',
}


@dataclass(frozen=True)
class Case:
    status: int
    reading: type[NvcfError]
    writing: type[NvcfError]
    reason: str


NO_OR_KNOWN_BODY = [
    Case(400, errors.Rejected, errors.Rejected, "the server's no"),
    Case(401, errors.Unauthorized, errors.Unauthorized, "the direct API answers it without a body"),
    Case(402, errors.Rejected, errors.Rejected, "a dependency's no, passed on"),
    Case(403, errors.Forbidden, errors.Forbidden, "key, scope or policy"),
    Case(404, errors.NotFound, errors.NotFound, "not there, or not ours"),
    Case(405, errors.MethodNotAllowed, errors.MethodNotAllowed, "an older server"),
    Case(406, errors.Rejected, errors.Rejected, "the server's no"),
    Case(409, errors.Rejected, errors.Rejected, "a dependency's no, passed on"),
    Case(413, errors.Rejected, errors.Rejected, "a gateway's no"),
    Case(415, errors.Rejected, errors.Rejected, "the server's no"),
    Case(422, errors.Rejected, errors.Rejected, "the server's no"),
    Case(418, errors.Rejected, errors.Rejected, "an unheard-of 4xx is a no"),
    Case(429, errors.Throttled, errors.Throttled, "too many calls"),
]
SAME_FOR_EVERY_BODY = [
    Case(407, errors.Unreachable, errors.Unreachable, "only a proxy says so, and it lets nothing pass"),
    Case(429, errors.Throttled, errors.Throttled, "whoever says so: to slow down does no harm"),
    Case(301, errors.Redirected, errors.Redirected, "redirects are not followed"),
    Case(307, errors.Redirected, errors.Redirected, "nor when the method would be kept"),
    Case(304, errors.Redirected, errors.Redirected, "nothing was asked conditionally"),
]
KNOWN_BODY = [
    Case(408, errors.ServerFault, errors.ServerFault, "NVCF says that it waited in vain"),
    Case(500, errors.ServerFault, errors.ServerFault, "NVCF says that it failed"),
    Case(502, errors.ServerFault, errors.ServerFault, "NVCF says that a dependency failed"),
    Case(503, errors.ServerFault, errors.ServerFault, "NVCF says that it is busy"),
    Case(599, errors.ServerFault, errors.ServerFault, "an unheard-of 5xx is a failure"),
]
STRANGE_BODY = [
    Case(status, errors.InvalidAnswer, errors.OutcomeUnknown, "a firewall's page, and it may have passed a write on")
    for status in (400, 401, 402, 403, 404, 405, 406, 409, 413, 415, 418, 422, 451)
]
UNKNOWN_BODY = [
    Case(408, errors.ServerFault, errors.OutcomeUnknown, "something in between lost the server: a write may be done"),
    Case(500, errors.ServerFault, errors.OutcomeUnknown, "not NVCF's words: a write may be done"),
    Case(502, errors.ServerFault, errors.OutcomeUnknown, "a proxy lost the server: a write may be done"),
    Case(504, errors.ServerFault, errors.OutcomeUnknown, "a proxy gave up waiting: a write may be done"),
    Case(200, errors.InvalidAnswer, errors.OutcomeUnknown, "a success that cannot be read"),
    Case(202, errors.InvalidAnswer, errors.OutcomeUnknown, "the same"),
    Case(204, errors.InvalidAnswer, errors.OutcomeUnknown, "no deployment in it"),
    Case(101, errors.InvalidAnswer, errors.OutcomeUnknown, "not an answer to what was asked"),
]


def failed(request: Request[Any], answer: Answer, key: str = "") -> NvcfError:
    with pytest.raises(NvcfError) as caught:
        request.parse(answer, key=key, now=1000.0)
    return caught.value


def check(case: Case, shape: str, body: bytes) -> None:
    answer = Answer(status=case.status, headers={}, body=body)
    for request, expected in ((READING, case.reading), (WRITING, case.writing)):
        error = failed(request, answer)
        assert type(error) is expected, f"{request.method} {case.status} {shape}: {case.reason}; got {error!r}"
        assert (error.operation, error.method, error.path) == (request.operation, request.method, request.path)
        assert error.status == case.status


@pytest.mark.parametrize("shape", [*KNOWN, *UNKNOWN])
@pytest.mark.parametrize("case", SAME_FOR_EVERY_BODY, ids=lambda case: str(case.status))
def test_these_statuses_mean_the_same_with_every_body(case: Case, shape: str) -> None:
    check(case, shape, (KNOWN | UNKNOWN)[shape])


@pytest.mark.parametrize("shape", [*KNOWN, "empty", "blanks"])
@pytest.mark.parametrize("case", NO_OR_KNOWN_BODY, ids=lambda case: str(case.status))
def test_a_status_counts_without_a_body_or_in_a_shape_of_nvcf(case: Case, shape: str) -> None:
    check(case, shape, (KNOWN | UNKNOWN)[shape])


@pytest.mark.parametrize("shape", [shape for shape in UNKNOWN if shape not in ("empty", "blanks")])
@pytest.mark.parametrize("case", STRANGE_BODY, ids=lambda case: str(case.status))
def test_a_status_in_no_shape_of_nvcf_says_nothing_of_key_function_and_deployment(case: Case, shape: str) -> None:
    check(case, shape, UNKNOWN[shape])
    assert failed(WRITING, Answer(status=case.status, headers={}, body=UNKNOWN[shape])).maybe_done


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_that_does_not_know_patch_may_say_so_in_any_shape(status: int) -> None:
    change = endpoints.update_gpu_specification(deployment_id="d", gpu_specification_id="s", min_instances=1)
    error = failed(change, Answer(status, {}, UNKNOWN["html"]))
    assert isinstance(error, errors.MethodNotAllowed) or (isinstance(error, errors.NotFound) and error.unknown_path)


def test_a_429_of_something_in_between_leaves_a_write_in_the_dark_and_nvcfs_own_does_not() -> None:
    assert failed(WRITING, Answer(429, {}, UNKNOWN["html"])).maybe_done
    assert not failed(WRITING, Answer(429, {}, PROBLEM)).maybe_done
    assert not failed(WRITING, Answer(429, {}, b"")).maybe_done


def test_a_407_is_the_proxys() -> None:
    error = failed(WRITING, Answer(407, {}, UNKNOWN["html"]))
    assert isinstance(error, errors.Unreachable)
    assert error.obstacle == errors.Obstacle.PROXY


@pytest.mark.parametrize("status", [401, 403, 404, 502])
def test_a_body_in_no_form_of_nvcfs_makes_an_error_foreign_and_no_body_does_not(status: int) -> None:
    bodies = {**KNOWN, **UNKNOWN}
    foreign = {shape for shape, body in bodies.items() if failed(READING, Answer(status, {}, body)).foreign}
    assert foreign == set(UNKNOWN) - {"empty", "blanks"}
    assert failed(READING, Answer(200, {}, UNKNOWN["html"])).foreign


@pytest.mark.parametrize("shape", KNOWN)
@pytest.mark.parametrize("case", KNOWN_BODY, ids=lambda case: str(case.status))
def test_a_failure_in_a_shape_of_nvcf_is_the_servers(case: Case, shape: str) -> None:
    check(case, shape, KNOWN[shape])


@pytest.mark.parametrize("shape", UNKNOWN)
@pytest.mark.parametrize("case", UNKNOWN_BODY, ids=lambda case: str(case.status))
def test_a_failure_in_no_shape_of_nvcf_leaves_a_write_in_the_dark(case: Case, shape: str) -> None:
    check(case, shape, UNKNOWN[shape])


@pytest.mark.parametrize("shape", KNOWN)
def test_the_servers_reason_is_shown(shape: str) -> None:
    error = failed(READING, Answer(status=400, headers={}, body=KNOWN[shape]))
    assert error.detail == "the reason"
    assert str(error).startswith("get_deployment was rejected (400): the reason (GET /deployments/functions/f")


def test_the_gateways_envelope_comes_before_everything_else() -> None:
    body = json.dumps({"requestStatus": {"statusDescription": "outer"}, "detail": "inner", "message": "m"}).encode()
    assert failed(READING, Answer(status=400, headers={}, body=body)).detail == "outer"


def test_the_id_of_the_call_is_kept_for_those_who_run_the_server() -> None:
    assert failed(READING, Answer(status=400, headers={}, body=GATEWAY)).request_id == "r-1"
    assert failed(READING, Answer(status=400, headers={"x-request-id": "r-2"}, body=PROBLEM)).request_id == "r-2"
    assert "[request r-1]" in str(failed(READING, Answer(status=400, headers={}, body=GATEWAY)))


@pytest.mark.parametrize(
    ("shape", "unknown"),
    [
        ("gateway", False),
        ("problem", False),
        ("issue", False),
        ("framework", True),
        ("blank", True),
        ("message", True),
        ("empty", True),
    ],
)
def test_a_404_without_a_mark_of_nvcf_may_be_an_unknown_path(shape: str, unknown: bool) -> None:
    error = failed(READING, Answer(status=404, headers={}, body=(KNOWN | UNKNOWN)[shape]))
    assert isinstance(error, errors.NotFound)
    assert error.unknown_path is unknown


def test_a_redirect_says_where_to_without_what_may_be_personal() -> None:
    headers = {"location": "https://user:hunter2@other.example/login?token=hunter2#hunter2"}
    error = failed(READING, Answer(status=302, headers=headers, body=b""))
    assert "https://other.example/login; redirects are not followed" in str(error)
    assert "hunter2" not in str(error)
    for odd in ({}, {"location": "/v3"}, {"location": "http://[x"}):
        assert "redirects are not followed" in str(failed(READING, Answer(status=302, headers=odd, body=b"")))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("0", 0.0),
        (formatdate(1030.0, usegmt=True), 30.0),
        (formatdate(900.0, usegmt=True), 0.0),
        ("99999999", 86_400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("5, 7", None),
        ("nan", None),
        ("١", None),
        ("Thu, 99 Foo 2026 00:00:00 GMT", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_seconds_or_a_date_and_else_unsaid(status: int, value: str, seconds: float | None) -> None:
    error = failed(READING, Answer(status=status, headers={"retry-after": value}, body=PROBLEM))
    assert error.retry_after == seconds


DATES = [
    (5000.0, 5003.0, 3.0, "a server whose clock is ahead of ours"),
    (-9000.0, -8997.0, 3.0, "one whose clock is far behind"),
    (1000.0, 1030.0, 30.0, "one in step"),
    (5000.0, 5000.0, 0.0, "now"),
    (5000.0, 4000.0, 0.0, "a date in its past is no wait below zero, though it is in our future"),
    (0.0, 10.0**6, 86_400.0, "no more than a day is believed"),
]


@pytest.mark.parametrize(("clock", "until", "seconds", "reason"), DATES)
@pytest.mark.parametrize("status", [429, 503])
def test_a_date_is_taken_against_the_answers_own_date(
    status: int, clock: float, until: float, seconds: float, reason: str
) -> None:
    headers = {"date": http_date(clock), "retry-after": http_date(until)}
    error = failed(READING, Answer(status=status, headers=headers, body=PROBLEM))
    assert error.retry_after == seconds, reason


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Foo 2026 00:00:00 GMT", "١", "-1", "\x00"])
def test_where_the_answer_has_no_date_that_can_be_read_our_clock_counts(date: str) -> None:
    headers = {"date": date, "retry-after": http_date(1030.0)}
    assert failed(READING, Answer(status=429, headers=headers, body=PROBLEM)).retry_after == 30.0


@pytest.mark.parametrize("date", [5000.0, 0.0])
def test_seconds_are_seconds_whatever_the_answers_date(date: float) -> None:
    headers = {"date": http_date(date), "retry-after": "7"}
    assert failed(READING, Answer(status=429, headers=headers, body=PROBLEM)).retry_after == 7.0


@given(clock=st.integers(0, 4 * 10**9), wait=st.integers(0, 86_400), ours=st.floats(0, 4e9))
def test_how_far_two_clocks_are_apart_changes_no_wait(clock: int, wait: int, ours: float) -> None:
    answer = Answer(429, {"date": http_date(clock), "retry-after": http_date(clock + wait)}, PROBLEM)
    assert answer.retry_after(ours) == wait


def http_date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


def test_no_text_holds_the_key_a_token_or_a_dump_of_the_body() -> None:
    key = 'hunter2/+=~;?#\\"hunter2'
    for body in (
        f"<html>{key}</html>".encode(),
        json.dumps({"detail": f"unknown key {key}, sent as Bearer {key}"}).encode(),
        json.dumps({"requestStatus": {"statusDescription": f"{' ' * 390}{key}", "requestId": key}}).encode(),
        json.dumps({"message": "nvapi-abcdef is revoked"}).encode(),
        json.dumps({"deployment": key}).encode(),
    ):
        for status in (200, 302, 401, 404, 500):
            headers = {"location": f"https://h/{key}", "www-authenticate": f"Bearer {key}", "content-type": f"a/{key}"}
            error = failed(READING, Answer(status=status, headers=headers, body=body), key)
            shown = f"{error} {error!r} {vars(error)}"
            assert "hunter2" not in shown
            assert "abcdef" not in shown
            assert "<html>" not in shown


@pytest.mark.parametrize("text", ["x" * 100_000, "x\n" * 1_000, "\x00\x1b[31m" * 500, "é\u2028" * 3_000])
def test_a_message_is_one_short_printable_line(text: str) -> None:
    error = failed(READING, Answer(status=500, headers={}, body=json.dumps({"message": text}).encode()))
    assert len(str(error)) <= errors.MAX_MESSAGE
    assert str(error).isprintable()


def test_an_error_body_of_a_megabyte_and_more_is_not_even_read() -> None:
    error = failed(READING, Answer(status=500, headers={}, body=b'{"message": "' + b"x" * (1 << 20) + b'"}'))
    assert "not a JSON object" in error.detail


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    "requestStatus",
                    "statusDescription",
                    "requestId",
                    "type",
                    "title",
                    "detail",
                    "message",
                    "issue",
                    "deployment",
                    "functionId",
                    "healthInfo",
                    "deploymentSpecifications",
                    "configuration",
                ]
            )
            | st.text(),
            inner,
        )
    ),
    max_leaves=12,
)


@example(body=b"[" * 100_000, status=200, header="")
@example(body=b'{"detail":' * 5_000 + b"1" + b"}" * 5_000, status=500, header="")
@example(body=b'{"detail": "\\ud800"}', status=400, header="")
@given(
    body=st.binary() | JSON_LIKE.map(lambda value: json.dumps(value).encode()),
    status=st.integers(100, 999) | st.sampled_from([200, 400, 401, 404, 429, 500]),
    header=st.text(),
)
def test_no_answer_at_all_raises_anything_but_an_nvcf_error(body: bytes, status: int, header: str) -> None:
    headers = dict.fromkeys(
        ("retry-after", "date", "location", "content-type", "x-request-id", "www-authenticate"), header
    )
    answer = Answer(status=status, headers=headers, body=body)
    for request in (
        READING,
        WRITING,
        endpoints.list_functions(),
        endpoints.get_queue(**IDS),
        endpoints.delete_function(**IDS),
        endpoints.update_gpu_specification(deployment_id="d", gpu_specification_id="s", min_instances=1),
    ):
        try:
            request.parse(answer, key="nvapi-test")
        except NvcfError as error:
            assert len(str(error)) <= errors.MAX_MESSAGE  # noqa: PT017  success is as good as an error here
            assert str(error).isprintable()  # noqa: PT017
