"""The instances that are ordered are those of every deployment that a resource holds, and of no other."""

from dataclasses import replace

import pytest

from nvcf_operator.core.model.observed import Listed, Present
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.rules.record import Order, ordered
from tests.unit.core.situations import (
    OTHER_VERSION,
    VERSION,
    absent,
    deployment,
    held,
    present,
    put_on_record,
    resource,
)

DEPLOYED: Order = ("L40S", "NCP.GPU.L40S_1x", 1, 4)
COMING: Order = ("H100", "NCP.GPU.H100_8x", 0, 2)

NEW = {"gpu": "H100", "instanceType": "NCP.GPU.H100_8x", "minInstances": 0, "maxInstances": 2}
ROLLOUT = held(
    spec={"functionVersionId": OTHER_VERSION}, status={"incoming": {"functionVersionId": OTHER_VERSION}}, generation=2
)
BOTH = {VERSION: Present(deployment()), OTHER_VERSION: Present(deployment("DEPLOYING", gpu=NEW))}

CASES: list[tuple[str, Situation, tuple[Order, ...]]] = [
    ("it is deployed", present(held()), (DEPLOYED,)),
    ("only the list was read", replace(present(held()), observations={VERSION: Listed("ACTIVE")}), (DEPLOYED,)),
    ("NVCF shows another number", present(held(), deployment(gpu={"maxInstances": 9})), (("L40S", DEPLOYED[1], 1, 9),)),
    ("NVCF names no type", present(held(), deployment(gpu={"instanceType": None})), (("L40S", "", 1, 4),)),
    ("it is gone", absent(held()), ()),
    ("it was never deployed", absent(resource()), ()),
    ("it drains", present(held(deleting=True), deployment("INACTIVE")), (DEPLOYED,)),
    ("another's, only observed", present(resource(spec={"managementPolicy": "Observe"})), ()),
    ("two versions in a rollout", replace(present(ROLLOUT), observations=BOTH), (COMING, DEPLOYED)),
]


@pytest.mark.parametrize(("situation", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_what_is_ordered(situation: Situation, expected: tuple[Order, ...]) -> None:
    assert ordered(situation, put_on_record(situation)) == expected
