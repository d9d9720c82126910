"""Turning to an angle and waiting until the table stands there, the shorter way round the circle."""

import pytest

from drivers.turntable import apart_deg, turn_and_wait


class Table:
    """Stands at each of these angles in turn, at the last for ever."""

    def __init__(self, *angles_deg):
        self.angles_deg, self.wanted = list(angles_deg), None

    async def turn_to(self, angle_deg):
        self.wanted = angle_deg

    async def angle_deg(self):
        return self.angles_deg.pop(0) if len(self.angles_deg) > 1 else self.angles_deg[0]


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [(359.5, 0.5, 1.0), (90, 270, 180), (270, 90, 180), (0, 0, 0), (0, 360, 0), (10, 350, 20)],
)
def test_angles_are_apart_the_shorter_way(one, other, apart):
    assert apart_deg(one, other) == pytest.approx(apart)


async def test_it_returns_only_when_the_table_stands_there():
    table = Table(300, 340, 359.2)
    await turn_and_wait(table, 0, within_deg=1, timeout_s=30)
    assert (table.wanted, table.angles_deg) == (0, [359.2])


async def test_a_table_that_never_arrives_is_a_timeout():
    with pytest.raises(TimeoutError):
        await turn_and_wait(Table(10), 0, within_deg=1, timeout_s=0.2)
