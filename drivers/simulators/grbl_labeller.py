"""The labelling robot: three axes on a GRBL 1.1 controller, vacuum on the flood pin, its switch on the probe pin."""

from __future__ import annotations

import asyncio
import math
import time

from drivers.simulators.faults import FaultBoard
from drivers.simulators.gcode_words import GrblError
from drivers.simulators.grbl import GrblMachine
from drivers.simulators.labels import Label, Where
from drivers.simulators.motion import Block, Point, Stretch
from drivers.simulators.port import Reply
from drivers.simulators.stray import stray_label
from drivers.simulators.world import World

TRAVEL = (600.0, 400.0, -240.0)
REST: Point = (0.0, 0.0, 0.0)
# how far beside the middle of the waiting label the cup still holds it
REACH_MM = 5.0
# from just above the label to the end of the cup's spring
PICK_ABOVE_MM, PICK_BELOW_MM = 2.0, 6.0
# the cup's spring gives 8 mm; the head stands on the carton 4 mm later
PRESS_MM, CRASH_MM = 8.0, 12.0
HALF_MOUTH_MM = 55.0
# a second label that came along lies this far beside the right one, so that both can be read
STRAY_OFF_MM = 95.0


class GrblLabeller(GrblMachine):
    """Carries the very label that waits at the printer's mouth, and loses it wherever the vacuum goes off too early."""

    def __init__(self, name: str, world: World, faults: FaultBoard, reply: Reply) -> None:
        super().__init__(name, reply, REST, is_locked=True)
        self._world = world
        self._faults = faults
        self._plan_of = world.plan.labellers[name]
        self._has_vacuum = False
        self._is_stopped = False
        self._carries_since = 0
        faults.listen(name, self._fault)

    @property
    def held(self) -> Label | None:
        """The label at the cup."""
        at_cup = self._world.labels.at(Where.CUP)
        return at_cup[0] if at_cup else None

    def rapid_rate(self, start: Point, end: Point) -> float:
        length = math.dist(start, end)
        rates = (self._plan_of.rapid_mm_min, self._plan_of.rapid_mm_min, self._plan_of.rapid_z_mm_min)
        shares = [abs(b - a) / length / rate for a, b, rate in zip(start, end, rates, strict=True)] if length else [0.0]
        return 1 / max(shares) if max(shares) else rates[0]

    def check_target(self, target: Point, *, is_jog: bool) -> int:
        """Soft limits: error 15 for a jog, ALARM:2 for G-code."""
        is_inside = all(min(0.0, end) <= value <= max(0.0, end) for value, end in zip(target, TRAVEL, strict=True))
        if is_inside:
            return 0
        return 15 if is_jog else 2

    async def home(self) -> int:
        if self._is_stopped:
            raise GrblError(79)
        here = self.motion.position(time.monotonic())
        for end in ((here[0], here[1], 0.0), REST):
            start = self.motion.position(time.monotonic())
            lasts_s = math.dist(start, end) / self._plan_of.rapid_z_mm_min * 60
            self.motion.stretch = Stretch(start, end, time.monotonic(), lasts_s)
            await asyncio.sleep(lasts_s)
            if self.state != "Home":
                return 0  # stopped or reset on the way
        self.motion.stand(REST)
        self._world.truth.write(self.name, "homed")
        return 0

    def settings(self) -> list[str]:
        rapid, rapid_z = self._plan_of.rapid_mm_min, self._plan_of.rapid_z_mm_min
        limits = [f"$13{axis}={abs(end):.3f}" for axis, end in enumerate(TRAVEL)]
        return ["$10=1", "$13=0", "$20=1", "$21=1", "$22=1", f"$110={rapid:.3f}", f"$111={rapid:.3f}",
                f"$112={rapid_z:.3f}", *limits]  # fmt: skip

    def accessories(self) -> str:
        return ("|Pn:P" if self._has_vacuum and self.held else "") + ("|A:F" if self._has_vacuum else "")

    def output(self, code: int) -> None:
        """M8 opens the vacuum valve, M9 closes it; this machine has no spindle."""
        if code == 8:
            self._has_vacuum = True
            self._world.truth.write(self.name, "vacuum_on", at=self.here())
            self._pick()
        elif code == 9:
            self._let_go()
        elif code != 5:
            raise GrblError(20)

    def reset_outputs(self) -> None:
        self._let_go()

    def obstacle(self, start: Point, end: Point) -> float | None:
        """Where the head meets the printer, the parcel or the bench on its way down."""
        if end[2] >= start[2]:
            return None
        floor = self._surface(end) - CRASH_MM
        return None if end[2] >= floor else max((start[2] - floor) / (start[2] - end[2]), 0.0)

    def moving(self, block: Block) -> None:
        """Nothing but the cup and the vacuum tells in this machine's truth."""

    def halted(self) -> None:
        self._world.truth.write(self.name, "halted", at=self.here())

    def arrived(self, block: Block) -> None:
        if self._has_vacuum and self.held is None:
            self._pick()
        elif self.held:
            self._carries_since += 1
            # the second move after picking is somewhere on the way
            if self._carries_since == 2 and self._faults.strikes(self.name, "lose_label") is not None:
                self._world.move_label(self.held, Where.FLOOR, self.name, "label_lost")

    def _surface(self, point: Point) -> float:
        """Height of what lies under this point, in the robot's Z."""
        plan = self._plan_of
        if abs(point[0] - plan.mouth_x_mm) < HALF_MOUTH_MM and abs(point[1] - plan.mouth_y_mm) < HALF_MOUTH_MM:
            return plan.mouth_z_mm
        parcel = self._world.parcel
        beside_x, beside_y = abs(point[0] - plan.parcel_x_mm), abs(point[1] - plan.parcel_y_mm)
        if parcel and beside_x <= parcel.length_mm / 2 and beside_y <= parcel.width_mm / 2:
            return plan.bench_z_mm + parcel.height_mm
        return plan.bench_z_mm

    def _pick(self) -> None:
        """Take the label that waits if the cup really is on it."""
        x, y, z = self.motion.position(time.monotonic())
        plan = self._plan_of
        is_over = abs(x - plan.mouth_x_mm) <= REACH_MM and abs(y - plan.mouth_y_mm) <= REACH_MM
        is_down = plan.mouth_z_mm - PICK_BELOW_MM <= z <= plan.mouth_z_mm + PICK_ABOVE_MM
        if not (is_over and is_down) or self.held:
            return
        if self._faults.strikes(self.name, "wrong_label") is not None:
            label: Label | None = stray_label(self._world, self.name)
        else:
            label = self._world.label_waiting()
        if label:
            self._carries_since = 0
            self._world.move_label(label, Where.CUP, self.name, "label_picked")

    def _let_go(self) -> None:
        """Close the valve: the label sticks where the cup is pressed on the parcel, else it falls."""
        if not self._has_vacuum:
            return
        self._has_vacuum = False
        self._world.truth.write(self.name, "vacuum_off", at=self.here())
        label, point = self.held, self.motion.position(time.monotonic())
        if label is None:
            return
        plan, parcel = self._plan_of, self._world.parcel
        depth = self._surface(point) - point[2]
        is_on_parcel = parcel is not None and self._surface(point) == plan.bench_z_mm + parcel.height_mm
        if not is_on_parcel or not 0.0 <= depth <= PRESS_MM + 0.001:
            self._world.move_label(label, Where.FLOOR, self.name, "label_lost")
            return
        x_off, y_off, turn = self._world.placing_scatter(plan)
        x_mm, y_mm = point[0] - plan.parcel_x_mm + x_off, point[1] - plan.parcel_y_mm + y_off
        if self._faults.strikes(self.name, "two_labels") is not None:
            # it hung under the waiting one, and sticks beside it
            self._world.press(stray_label(self._world, self.name), self.name, x_mm + STRAY_OFF_MM, y_mm, turn)
        self._world.press(label, self.name, x_mm, y_mm, turn)

    async def system(self, line: str) -> None:
        if self._is_stopped and line in {"$X", "$H"}:
            raise GrblError(79)
        await super().system(line)

    def _fault(self, fault: str, is_on: bool) -> None:
        if fault == "alarm" and is_on:
            self._faults.clear(self.name, "alarm")
            self._world.truth.write(self.name, "alarm")
            self.alarm(1)
        elif fault == "emergency_stop":
            self._is_stopped = is_on
            self._world.truth.write(self.name, "emergency_stop" if is_on else "emergency_stop_released", at=self.here())
            if is_on:
                self.alarm(10)
