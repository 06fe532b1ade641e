"""One cause for one outage."""

import gc
import weakref
from typing import Any

from nvcf_client.errors import NvcfError, Obstacle, OutcomeUnknown, ServerFault, Unreachable
from nvcf_operator.flowcontrol.limiters import Limiter, LimiterClosed
from nvcf_operator.flowcontrol.pacing import Outage


def failure(kind: type[NvcfError], **more: Any) -> NvcfError:
    return kind(**{"operation": "get_deployment", "method": "GET", "path": "/d", "detail": "d", **more})


REFUSED = failure(Unreachable, obstacle=Obstacle.REFUSED)
TLS = failure(Unreachable, obstacle=Obstacle.TLS)
LOST = failure(OutcomeUnknown)
BAD_GATEWAY, BUSY = failure(ServerFault, status=502), failure(ServerFault, status=503)


def causes(*errors: NvcfError | None) -> list[str | None]:
    """The cause after each of these failures; None is an answer."""
    outage, shown = Outage(), []
    for error in errors:
        outage.over() if error is None else outage.failed(error)
        shown.append(None if outage.cause is None else f"{outage.cause!r} {vars(outage.cause)}")
    return shown


def same(*errors: NvcfError) -> bool:
    return len(set(causes(*errors))) == 1


def test_the_first_failure_names_the_cause_of_all_of_its_kind() -> None:
    assert same(
        REFUSED, failure(Unreachable, obstacle=Obstacle.REFUSED, operation="list_functions", detail="x"), REFUSED
    )


def test_kinds_that_take_turns_leave_the_cause_alone() -> None:
    assert same(LOST, REFUSED, REFUSED, LOST, REFUSED, REFUSED)
    assert same(BAD_GATEWAY, BUSY, LOST, BUSY, LOST, BUSY, LOST)


def test_another_kind_that_lasts_is_the_new_cause() -> None:
    first, *_, last = causes(LOST, TLS, TLS, TLS)
    assert first != last
    assert last == causes(TLS)[0]


def test_an_answer_ends_it() -> None:
    assert causes(LOST, None, TLS) == [*causes(LOST), None, *causes(TLS)]


def test_the_gate_reports_whom_it_turns_away_and_forgets_with_the_first_answer() -> None:
    limiter = Limiter(50, 16, clock=lambda: 7.0, random=lambda: 0.0)
    for error in (REFUSED, LOST, REFUSED, LOST, REFUSED):
        limiter.failed(error=error)
    closed = limiter.closed_for()
    assert isinstance(closed, LimiterClosed)
    assert isinstance(closed.cause, Unreachable)
    limiter.succeeded()
    assert limiter.cause is None


def test_what_is_kept_holds_nothing_of_the_call() -> None:
    class Witness:
        pass

    def call(outage: Outage) -> "weakref.ref[Witness]":
        witness = Witness()
        try:
            raise failure(Unreachable, obstacle=Obstacle.TLS)
        except Unreachable as error:
            outage.failed(error)
        return weakref.ref(witness)

    outage = Outage()
    seen = call(outage)
    gc.collect()
    assert outage.cause is not None
    assert seen() is None
