"""The control address on loopback: look at the whole world, do what hands do, make devices misbehave."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from drivers.simulators.faults import FaultBoard, UnknownFaultError
from drivers.simulators.hands import BadActError, Hands
from drivers.simulators.http_server import Answer, Caller, Request, as_json
from drivers.simulators.lens import magnification
from drivers.simulators.world import ImpossibleError, World


class Control:
    """Answers GET /world, /truth, /faults and POST /hands, /faults."""

    def __init__(self, world: World, faults: FaultBoard, hands: Hands, machines: dict[str, Any]) -> None:
        self._world = world
        self._faults = faults
        self._hands = hands
        self._machines = machines

    async def answer(self, request: Request, _caller: Caller) -> Answer:
        """One request."""
        try:
            return await self._route(request)
        except (BadActError, UnknownFaultError, ValueError) as error:
            return as_json({"error": str(error)}, 400)
        except ImpossibleError as error:
            return as_json({"error": str(error)}, 409)

    async def _route(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", "/world":
                return as_json(self._picture())
            case "GET", "/truth":
                return as_json(self._world.truth.last(int(request.query.get("last", "50"))))
            case "GET", "/faults":
                return as_json(self._faults.standing())
            case "POST", "/hands":
                await self._hands.do(_object(request))
                return as_json({"ok": True})
            case "POST", "/faults":
                self._set_fault(_object(request))
                return as_json({"ok": True})
            case _:
                return as_json({"error": "there are GET /world /truth /faults and POST /hands /faults"}, 404)

    def _set_fault(self, asked: dict[str, Any]) -> None:
        device, fault = str(asked.get("device", "")), str(asked.get("fault", ""))
        if not asked.get("on", True):
            self._faults.clear(device, fault)
            return
        times = asked.get("times")
        self._faults.set(
            device, fault, after=int(asked.get("after", 0)), times=None if times is None else int(times),
            seconds=float(asked.get("seconds", 2.0)),
        )  # fmt: skip
        self._world.truth.write(device, "fault_set", fault=fault, after=int(asked.get("after", 0)))

    def _picture(self) -> dict[str, Any]:
        """Everything that stands in the shop now."""
        world, now_s = self._world, time.monotonic()
        heads = {
            name: {
                "pan_deg": round(head.pan.at(now_s), 3),
                "tilt_deg": round(head.tilt.at(now_s), 3),
                "zoom": round(magnification(head.zoom.at(now_s)), 3),
                "moving": any(axis.is_moving(now_s) for axis in (head.pan, head.tilt, head.zoom)),
            }
            for name, head in world.heads.items()
        }
        tables = {
            name: {"angle_deg": round(axis.at(now_s) % 360, 3), "moving": axis.is_moving(now_s)}
            for name, axis in world.tables.items()
        }
        return {
            "name": world.plan.name, "pieces": self._pieces(), "heads": heads, "turntables": tables,
            "parcel": None if world.parcel is None else asdict(world.parcel),
            "aside": [asdict(parcel) for parcel in world.aside],
            "labels": [label.entry() for label in world.labels.all()],
            "machines": {name: machine.picture() for name, machine in self._machines.items()},
            "faults": self._faults.standing(),
        }  # fmt: skip

    def _pieces(self) -> list[dict[str, str]]:
        return [
            {"id": piece.id, "code": piece.code, "title_zh": piece.title_zh, "title_en": piece.title_en,
             "engraving": piece.engraving, "at": self._world.places[piece.id]}
            for piece in self._world.pieces.values()
        ]  # fmt: skip


def _object(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body; raise ValueError."""
    document = json.loads(request.body or b"{}")
    if not isinstance(document, dict):
        raise BadActError("the body must be a JSON object")
    return document
