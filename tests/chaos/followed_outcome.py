"""How a run about a function and its deployment ended, in a form in which two runs can be compared."""

from dataclasses import dataclass

from tests.chaos.followed_runs import FollowedRun
from tests.chaos.function_runs import FunctionOutcome
from tests.chaos.outcome import Outcome


@dataclass(frozen=True)
class FollowedOutcome:
    """The end of a run."""

    function: FunctionOutcome
    deployment: Outcome
    posts: int
    """How often something was registered or deployed since the scenario began."""

    @classmethod
    def of(cls, run: FollowedRun, cursor: int) -> "FollowedOutcome":
        """The end of a run that began at this cursor of NVCF's log."""
        with run.about_function():
            function = FunctionOutcome.of(run, cursor)
        deployment = Outcome.of(run, cursor)
        return cls(function, deployment, function.posts + deployment.posts)
