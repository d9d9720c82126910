"""A turntable driven by a GRBL 1.1 controller: X is the angle in degrees and counts on beyond 360."""

from __future__ import annotations

import asyncio
import time

from drivers.simulators.axis import Axis
from drivers.simulators.faults import FaultBoard
from drivers.simulators.grbl import GrblMachine
from drivers.simulators.motion import Block, Point, Stretch
from drivers.simulators.port import Reply
from drivers.simulators.world import World

# $110, fastest rate, degrees a minute
RATE_MAX = 5400.0
INDEX: Point = (0.0, 0.0, 0.0)


class GcodeTurntable(GrblMachine):
    """One rotary axis without end stops; Y and Z stand at 0 and cannot move."""

    letters = "X"

    def __init__(self, name: str, world: World, faults: FaultBoard, reply: Reply) -> None:
        super().__init__(name, reply, (world.tables[name].position, 0.0, 0.0), is_locked=False)
        self._world = world
        self._faults = faults
        faults.listen(name, self._fault)

    def rapid_rate(self, start: Point, end: Point) -> float:
        return RATE_MAX

    def check_target(self, target: Point, *, is_jog: bool) -> int:
        return 0

    async def home(self) -> int:
        """Turn on to the next index mark at a third of the speed; that is X0 from now on."""
        here = self.motion.position(time.monotonic())
        to_go = -here[0] % 360.0
        lasts_s = to_go / RATE_MAX * 60 * 3
        self.motion.stretch = Stretch(here, (here[0] + to_go, 0.0, 0.0), time.monotonic(), lasts_s)
        self._show()
        await asyncio.sleep(lasts_s)
        if self.state == "Home":
            self.motion.stand(INDEX)
            self._show()
            self._world.truth.write(self.name, "table_homed")
        return 0

    def settings(self) -> list[str]:
        return ["$10=1", "$13=0", "$20=0", "$22=1", f"$110={RATE_MAX:.3f}"]

    def moving(self, block: Block) -> None:
        self._show()
        at_deg, to_deg = round(self.here()[0] % 360, 2), round(block.target[0], 2)
        self._world.truth.write(self.name, "table_turning", at_deg=at_deg, to_deg=to_deg)

    def arrived(self, block: Block) -> None:
        self.halted()

    def halted(self) -> None:
        self._show()
        self._world.truth.write(self.name, "table_stopped", at_deg=round(self.here()[0] % 360, 2))

    def _show(self) -> None:
        """Let the world see how the table moves from now on."""
        run = self.motion.stretch
        speed = 0.0 if run.lasts_s <= 0 else (run.end[0] - run.start[0]) / run.lasts_s
        start = run.start[0] if speed else run.end[0]
        self._world.tables[self.name] = Axis(start, run.since_s, speed, run.end[0])

    def _fault(self, fault: str, is_on: bool) -> None:
        if fault == "alarm" and is_on:
            self._faults.clear(self.name, "alarm")
            self._world.truth.write(self.name, "alarm")
            self.alarm(1)
