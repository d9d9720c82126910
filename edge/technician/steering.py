"""Steering for teaching: a viewing place or the robot moves step by step as the technician says."""

import asyncio
import dataclasses
from typing import Any

from drivers.labeller import LabelPlace
from drivers.turntable import apart_deg
from edge.control_socket import Talk, VerbRefusedError
from edge.device_host import DeviceHandle
from edge.technician.eyes import look
from edge.technician.ports import Around
from edge.technician.views import position_of
from edge.viewing.place import LivePlace
from edge.viewing.steering import GO_TO_S_MAX, clamp_head
from wire.codec import to_json
from wire.plan import Position, Text

TEACH_S = 3600.0
"""Nobody teaches for longer without a pause; a forgotten terminal must not keep a camera from shoppers."""

SILENT_S = 300.0
"""A terminal at which nobody presses a key for this long gives the camera back."""

TAKEN_REASON = "The shop sets this camera up 店铺正在调整镜头"
"""What shoppers read meanwhile."""

LOOK_S = 0.15
ARRIVED_DEG, ARRIVED_ZOOM = 0.3, 0.1
"""Nearer than this to where it was sent, a head or a table is there: a step of the coarsest head is 0.075°."""


async def teach(around: Around, asked: dict[str, Any], talk: Talk) -> dict[str, Any]:
    """Take the viewing place `camera` over and let it be steered until the other side is done or hangs up.

    Hears `{"go_to": Position}` and `{"still": width_px}`, `{"done": true}`; each is answered with where it stands.
    """
    place = around.place(str(asked.get("camera", "")))
    try:
        place.take(TAKEN_REASON, "")
        await talk.tell(await _where(around, place))
        while heard := await _heard(talk):
            place.take(TAKEN_REASON, "")
            if "done" in heard:
                break
            if "still" in heard:
                await talk.tell(await look(around, {"name": place.name, "width_px": heard["still"]}))
                continue
            await go_to(around, place, position_of(heard.get("go_to")))
            await talk.tell(await _where(around, place))
        at = await place.where()
    finally:
        place.steerer.stop()
        place.take("", "")
    return {"at": to_json(at)}


async def _heard(talk: Talk) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(SILENT_S):
            return await talk.hear()
    except TimeoutError:
        return None


async def go_to(around: Around, place: LivePlace, position: Position) -> Position:
    """Go there, clamped to the safe limits; returns where it stands once it arrived and rests, or takes too long."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + GO_TO_S_MAX
    place.steerer.aim(position)
    wanted = _reachable(around, place, position)
    before, at = None, await place.where()
    while not (_is_there(at, wanted) and at == before) and loop.time() < until_s:
        await asyncio.sleep(LOOK_S)
        before, at = at, await place.where()
    return at


def _reachable(around: Around, place: LivePlace, position: Position) -> Position:
    """Return what of a position this place can reach at all."""
    if place.place.head is None:
        head = {"pan_deg": 0.0, "tilt_deg": 0.0, "zoom": 1.0}
    else:
        head = dataclasses.asdict(clamp_head(position, around.limits(place.place.head.name)))
    return Position(**head, table_deg=position.table_deg if place.place.turntable is not None else 0.0)


def _is_there(at: Position, wanted: Position) -> bool:
    turn_deg = apart_deg(at.table_deg, wanted.table_deg)
    aside = max(abs(at.pan_deg - wanted.pan_deg), abs(at.tilt_deg - wanted.tilt_deg), turn_deg)
    return aside < ARRIVED_DEG and abs(at.zoom - wanted.zoom) < ARRIVED_ZOOM


async def _where(around: Around, place: LivePlace) -> dict[str, Any]:
    limits = None
    if place.place.head is not None:
        limits = dataclasses.asdict(around.limits(place.place.head.name))
    has_table = place.place.turntable is not None
    return {"at": to_json(await place.where()), "limits": limits, "has_table": has_table}


async def hover(around: Around, talk: Talk) -> dict[str, Any]:
    """Let the robot hover above places of the label, while the bench is kept clear.

    Hears `{"hover": {"x_mm", "y_mm", "z_mm", "angle_deg"}}`; anything else ends it and
    sends the robot to its rest place.
    """
    handle = _labeller(around)
    async with around.bench.keep_clear() as is_clear:
        if not is_clear or around.is_checking():
            raise VerbRefusedError(
                Text(
                    en="The bench is in use: the robot is taught when no parcel is on it and no check runs",
                    zh="工作台正在使用：请在没有包裹、没有自检时示教机械手",
                ),
                "busy",
            )
        async with handle.use() as labeller:
            await labeller.home()
            await talk.tell({"homed": True})
            while (heard := await _heard(talk)) and "hover" in heard:
                told = heard["hover"]
                place = LabelPlace(**{name: float(told.get(name, 0.0)) for name in LabelPlace.__slots__})
                await labeller.hover(place)
                await talk.tell({"at": dataclasses.asdict(place)})
            await labeller.home()
    return {}


def _labeller(around: Around) -> DeviceHandle:
    name = around.config.bench.labeller
    handle = around.devices.handles.get(name)
    if handle is None or handle.by_hand:
        raise VerbRefusedError(
            Text(
                en="This bench has no labelling robot: labels are stuck on by hand", zh="本店没有贴标机械手，由人工贴标"
            ),
            "by_hand",
        )
    return handle
