"""Which event loop the operator runs in."""

import asyncio

import pytest
import uvloop

from nvcf_operator.process import event_loop


@pytest.mark.parametrize("there", [True, False])
def test_it_is_uvloop_where_that_exists(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    if not there:
        monkeypatch.setattr(event_loop, "uvloop", None)
    with asyncio.Runner(loop_factory=event_loop.new_event_loop) as runner:
        assert isinstance(runner.get_loop(), uvloop.Loop) is there
        assert runner.run(asyncio.sleep(0, "done")) == "done"
