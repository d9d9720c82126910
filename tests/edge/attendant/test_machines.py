"""By hand at the bench: machines go home only while nothing needs them, a taken camera goes back to the shoppers."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from drivers.base import AttendantNeededError, Condition, DeviceStatus, Driver
from edge.attendant.machines import WORDS, MachineRefusedError, Machines
from edge.device_host import DeviceHandle
from edge.flows.camera_line import Line


class Mover(Driver):
    """A machine that notes where it was sent."""

    def __init__(self) -> None:
        self.went: list[str] = []
        self.trouble = ""

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def status(self) -> DeviceStatus:
        return DeviceStatus(condition=Condition.ONLINE)

    async def home(self) -> None:
        if self.trouble:
            raise AttendantNeededError("labeller: alarm", self.trouble)
        self.went.append("home")

    async def turn_to(self, angle_deg: float) -> None:
        self.went.append(f"{angle_deg:g}")


@dataclass
class Camera:
    line: Line = field(default_factory=Line)
    takes: list[tuple[str, str]] = field(default_factory=list)

    def take(self, reason: str, session_id: str) -> None:
        self.takes.append((reason, session_id))


class Floor:
    """The machines with everything around them in a test's hands."""

    def __init__(self) -> None:
        self.robot, self.table = Mover(), Mover()
        self.is_clear, self.is_watched, self.is_checking = True, False, False
        self.camera = Camera()
        self.machines = Machines(
            bench=SimpleNamespace(keep_clear=self.keep_clear),
            labeller=DeviceHandle("labeller", "labeller", "fake", lambda: self.robot),
            tables={"front": DeviceHandle("turntable", "turntable", "fake", lambda: self.table)},
            places=lambda: {"front": self.camera},
            is_watched=lambda _camera: self.is_watched,
            is_checking=lambda: self.is_checking,
        )

    @asynccontextmanager
    async def keep_clear(self):
        yield self.is_clear


@pytest.fixture
def floor() -> Floor:
    return Floor()


async def test_robot_and_table_go_home(floor):
    assert floor.machines.state() == {"homes": ["labeller", "turntable"], "taken": {}}
    await floor.machines.home("labeller")
    await floor.machines.home("turntable")
    assert (floor.robot.went, floor.table.went) == (["home"], ["0"])


@pytest.mark.parametrize(
    ("machine", "why", "facts"),
    [
        ("labeller", "busy", {"is_clear": False}),
        ("labeller", "busy", {"is_checking": True}),
        ("turntable", "watched", {"is_watched": True}),
        ("turntable", "busy", {"is_checking": True}),
        ("packer", "unknown", {}),
    ],
)
async def test_nothing_moves_while_something_needs_it(floor, machine, why, facts):
    for name, value in facts.items():
        setattr(floor, name, value)
    with pytest.raises(MachineRefusedError) as refused:
        await floor.machines.home(machine)
    assert refused.value.text == WORDS[why]
    assert (floor.robot.went, floor.table.went) == ([], [])


async def test_a_robot_in_trouble_says_what_to_do(floor):
    floor.robot.trouble = "cover_open"
    with pytest.raises(MachineRefusedError, match="cover is open"):
        await floor.machines.home("labeller")


async def test_a_machine_without_a_motor_is_not_offered(floor):
    by_hand = Machines(
        bench=SimpleNamespace(keep_clear=floor.keep_clear),
        labeller=DeviceHandle("labeller", "labeller", "none", lambda: floor.robot, by_hand=True),
        tables={},
        places=dict,
        is_watched=lambda _camera: False,
        is_checking=lambda: False,
    )
    assert by_hand.state()["homes"] == []
    with pytest.raises(MachineRefusedError):
        await by_hand.home("labeller")


def test_a_camera_that_the_merchant_took_goes_back(floor):
    with pytest.raises(MachineRefusedError, match="with the shoppers already"):
        floor.machines.give_back("front")
    with pytest.raises(MachineRefusedError):
        floor.machines.give_back("back")
    floor.camera.line = Line(taken="stocktaking", taken_by="ses_1")
    assert floor.machines.state()["taken"] == {"front": "stocktaking"}
    floor.machines.give_back("front")
    assert floor.camera.takes == [("", "")]
