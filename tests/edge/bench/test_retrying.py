"""Which held parcels go on by themselves, and how ever more rarely they are looked at."""

import pytest

from drivers.base import Condition, DeviceOfflineError, DeviceStatus
from edge.bench.parcel import Parcel
from edge.bench.retrying import BY_ITSELF, MAX_S, NOT_THE_DEVICE, Retries, is_well
from edge.flows.fulfilment import Stage
from tests.edge.bench.fake_shop import FakeHandle


def held(stage, reason="offline", **more):
    return Parcel(parcel_id="pcl_1", piece_id="pce_1", line_no=1, stage=stage, reason=reason, **more)


@pytest.mark.parametrize("stage", Stage)
def test_only_what_a_working_device_mends_is_tried_again(stage):
    waits = stage in BY_ITSELF and stage is not Stage.PACKING_BLOCKED
    assert Retries(None).is_due(held(stage)) is waits
    assert not any(Retries(None).is_due(held(stage, reason)) for reason in NOT_THE_DEVICE)


def test_a_jam_waits_for_a_person_and_a_packer_out_of_reach_does_not():
    assert not Retries(None).is_due(held(Stage.PACKING_BLOCKED, "jam"))
    assert Retries(None).is_due(held(Stage.PACKING_BLOCKED, is_offline=True))


def test_each_look_waits_twice_as_long_up_to_a_minute_and_anew_once_well():
    retries, parcel = Retries(None), held(Stage.PRINTING_BLOCKED)
    assert [retries.next_wait_s(parcel) for _ in range(8)] == [1, 2, 4, 8, 16, 32, MAX_S, MAX_S]
    retries.forget(parcel)
    assert retries.next_wait_s(parcel) == 1


class Device:
    def __init__(self, answer):
        self.answer = answer

    async def status(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return DeviceStatus(condition=self.answer)


@pytest.mark.parametrize("answer", [*Condition, DeviceOfflineError("the printer does not answer", "silent")])
async def test_only_a_device_that_says_it_is_online_is_well(answer):
    assert await is_well(FakeHandle("printer", Device(answer))) is (answer is Condition.ONLINE)
