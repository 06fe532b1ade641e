"""What the stories share."""

from collections.abc import Iterator

import pytest

from hack.e2e.argocd.reporting import say
from tests.e2e.argocd.environment import Environment
from tests.support.installation import install
from tests.support.process import Operator


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment for the stories of a module."""
    failed = request.session.testsfailed
    with Environment.made(tmp_path_factory.mktemp("argocd")) as made:
        yield made
        if request.session.testsfailed > failed:
            made.keep()


@pytest.fixture(scope="module")
def operator(environment: Environment) -> Iterator[Operator]:
    """The operator by `deploy/base`, under its own identity."""
    say("starting the operator under its own identity")
    with Operator.start(
        install(environment.plane), environment.simulator.url, environment.root / "operator.log", fresh=True
    ) as running:
        yield running
        assert running.running, f"the operator has ended: {running.output()[-3000:]}"
