"""What people's hands do in the shop: carry, scan, pack, stick, peel, refill. Each act is one word of POST /hands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from drivers.simulators.codes import read_codes
from drivers.simulators.faults import FaultBoard
from drivers.simulators.modbus_machine import ModbusMachine
from drivers.simulators.paper import PaperPath
from drivers.simulators.serial_scanner import SerialScanner
from drivers.simulators.world import ImpossibleError, World

Act = dict[str, Any]
# the size of a carton that a person takes by hand, mm
CARTON_MM = (300, 200, 150)


class BadActError(Exception):
    """The act is not one, or lacks a word; the message lists what there is."""


class Hands:
    """Acts on the world and on the buttons and doors of machines."""

    def __init__(
        self,
        world: World,
        faults: FaultBoard,
        papers: dict[str, PaperPath],
        machines: dict[str, ModbusMachine],
        scanners: dict[str, SerialScanner],
        see_label: Callable[[str], Awaitable[Any]],
    ) -> None:
        self._world = world
        self._faults = faults
        self._papers = papers
        self._job_machines = machines
        self._scanners = scanners
        self._see_label = see_label
        self._acts: dict[str, Callable[[Act], object]] = {
            "carry": lambda act: world.carry(_text(act, "piece"), _text(act, "to")),
            "scan_piece": lambda act: self._scan(self._tag(_text(act, "piece"))),
            "scan_text": lambda act: self._scan(_text(act, "text")),
            "pack": lambda _act: world.pack("hands", *CARTON_MM),
            "unpack": lambda act: world.unpack(_piece(act)),
            "stick_label": lambda _act: world.stick_by_hand(),
            "peel_label": lambda act: world.peel(str(act.get("from", "")).replace("bench", "floor"), _piece(act)),
            "set_aside": lambda _act: world.set_aside(),
            "bring_back": lambda act: world.bring_back(_text(act, "piece")),
            "take_away": lambda act: world.take_away(_piece(act)),
            "lay_test_card": lambda _act: world.lay_test_card(*CARTON_MM),
            "take_test_card": lambda _act: world.take_test_card(),
            "refill": lambda _act: self._refill(),
            "open_cover": lambda _act: self._open_covers(),
            "close_cover": lambda _act: self._close_covers(),
            "clear_jam": lambda _act: self._clear_jams(),
            "load_film": lambda _act: self._clear(world.plan.packers, "film_out"),
            "close_door": lambda _act: self._clear(machines, "door_open"),
            "release_stop": lambda _act: self._clear([*machines, *world.plan.labellers], "emergency_stop"),
        }

    async def do(self, act: Act) -> None:
        """Do one act; raise BadActError when it is none, ImpossibleError when it can't be done now."""
        name = act.get("act")
        if name == "scan_parcel":
            self._scan(await self._aim(str(act.get("match", "")), _piece(act)))
        elif name in self._acts:
            self._acts[name](act)
        else:
            raise BadActError(f"no act {name!r}; there are {', '.join(sorted([*self._acts, 'scan_parcel']))}")

    async def _aim(self, match: str, piece: str) -> str:
        """Read a parcel's top label through the scanner's own optics; `match` chooses among several codes."""
        picture = await self._see_label(piece)
        found = [code.text for code in read_codes(picture) if match in code.text]
        if not found:
            raise ImpossibleError("the scanner finds no such code on the label")
        return found[0]

    def _tag(self, piece: str) -> str:
        if piece not in self._world.pieces:
            raise ImpossibleError(f"there is no piece {piece!r} in this shop")
        return self._world.pieces[piece].code

    def _scan(self, text: str) -> None:
        if not self._scanners:
            raise ImpossibleError("this shop has no scanner")
        next(iter(self._scanners.values())).scan(text)

    def _refill(self) -> None:
        for paper in self._papers.values():
            paper.refill()

    def _open_covers(self) -> None:
        for paper in self._papers.values():
            paper.set_cover(is_open=True)

    def _clear_jams(self) -> None:
        for machine in self._job_machines.values():
            machine.clear_jam()

    def _close_covers(self) -> None:
        for name, paper in self._papers.items():
            self._faults.clear(name, "cover_open")
            paper.set_cover(is_open=False)

    def _clear(self, devices: Any, fault: str) -> None:
        for device in devices:
            self._faults.clear(device, fault)


def _piece(act: Act) -> str:
    """The piece whose parcel is meant; "" for the parcel on the bench."""
    return str(act.get("piece") or "")


def _text(act: Act, key: str) -> str:
    value = act.get(key)
    if not isinstance(value, str) or not value:
        raise BadActError(f"{act.get('act')} needs {key!r}")
    return value
