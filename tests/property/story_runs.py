"""How stories are run, whatever they are about."""

import logging
import os
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RULE_MARKER, RuleBasedStateMachine, run_state_machine_as_test

StoryT = TypeVar("StoryT", bound=RuleBasedStateMachine)

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "370"))
"""Stories about everything."""
OTHERS_EACH_TIME = "PROPERTY_EXAMPLES" in os.environ
STEPS = 50
PHASES = (Phase.generate,) if "PROPERTY_QUICK" in os.environ else (Phase.generate, Phase.shrink)


def run_stories(
    story: type[RuleBasedStateMachine],
    examples: int,
    *,
    steps: int = STEPS,
    phases: Sequence[Phase] = PHASES,
    derandomize: bool = True,
) -> None:
    """Run so many stories of a kind. Nothing is logged: pytest would keep each line of thousands of operators."""
    logging.disable()
    try:
        run_state_machine_as_test(
            story,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                derandomize=derandomize,
                database=None,
                phases=phases,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        logging.disable(logging.NOTSET)


def focused(name: str, rules: tuple[str, ...], base: type[StoryT]) -> type[StoryT]:
    """Stories of these rules alone, and without faults but those that a rule makes."""
    known = {item for kind in base.__mro__ for item, member in vars(kind).items() if hasattr(member, RULE_MARKER)}
    assert known.issuperset(rules), f"{base.__name__} has no {sorted(set(rules) - known)}"
    return type(name, (base,), {"calm": True, **dict.fromkeys(known - set(rules))})
