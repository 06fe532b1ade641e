"""What a manifest may be like without ending the operator: as deep as the API server takes it."""

import sys
from collections.abc import Iterator

import pytest

from nvcf_operator.informer.cache import Cache, News
from nvcf_operator.kube.errors import parse
from nvcf_operator.process.memory import allow_deep_json
from nvcf_operator.runtime import operator

DEPTH = 9_900 if sys.version_info < (3, 12) else 1_200


@pytest.fixture
def _limit_kept() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("_limit_kept")
def test_a_manifest_as_deep_as_the_api_server_takes_it_is_listed_and_kept() -> None:
    meta = b'"metadata":{"namespace":"team","name":"tief","uid":"eins","resourceVersion":"5","generation":1}'
    deep = b'{"a":' * DEPTH + b"1" + b"}" * DEPTH
    raw = b'{"kind":"FunctionDeployment",%s,"spec":{"deploymentSpecifications":[{"configuration":%s}]}}' % (meta, deep)
    allow_deep_json()
    found = parse(raw)
    assert found is not None
    assert Cache().see(found, listed=True) == News.NEW


def test_the_operator_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Allowed(Exception):  # noqa: N818
        pass

    def allow() -> None:
        raise Allowed

    monkeypatch.setattr(operator, "collect_seldom", lambda: None)
    monkeypatch.setattr(operator, "allow_deep_json", allow)
    with pytest.raises(Allowed):
        operator.run(None)  # type: ignore[arg-type]
