"""An attendant who looks before answering: does what the page asks, as often as it asks, and says what is really so."""

import asyncio
import json
import re
from typing import Any

import httpx

from demo.hands import REPLIES, Bench, has_work

THINK_S = 0.15
SERIAL = re.compile(r"label ([0-9A-HJKMNP-TV-Z]{8})")
AT_REST_S = 30.0


class HonestHands:
    """Everything is looked up in the simulated world, as a person sees it; nothing is remembered between two tasks.

    A task that is still open after it was done is done again: the box may have died before it noted the answer.
    `links` gets the courier's links as they are shown; `did` the kinds of tasks done; `trouble` the last refusal;
    what stands in `leaves` is left undone for now.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.links: dict[str, str] = {}
        self.did: list[str] = []
        self.trouble = ""
        self.leaves: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled; a page that is away for a moment is asked again."""
        while True:
            try:
                state = await self._bench.state()
                for task in [task for task in state["tasks"] if task["kind"] not in self.leaves][:1]:
                    await getattr(self, task["kind"])(task)
                    self.did.append(task["kind"])
                for question in state["questions"]:
                    await self._bench.reply(question["question_id"], REPLIES.get(question["kind"], REPLIES["text"]))
                if not has_work(state):
                    await self._bench.wait_for_work()
            except httpx.HTTPStatusError as error:
                self.trouble = f"{error.request.method} {error.request.url.path}: {error.response.text[:200]}"
            except (httpx.TransportError, json.JSONDecodeError):
                pass
            await asyncio.sleep(THINK_S)

    # the bench check

    async def lay_test_card(self, task: dict[str, Any]) -> None:
        if (await self._bench.world())["parcel"] is None:
            await self._bench.do("lay_test_card")
        await self._bench.answer(task["task_id"], "laid")

    async def stick_test_label(self, task: dict[str, Any]) -> None:
        await self._bench.do("stick_label")
        await self._bench.answer(task["task_id"], "stuck")

    async def scan_test_label(self, task: dict[str, Any]) -> None:
        await self._bench.do("scan_parcel", match="VITRINE-CHECK")

    async def take_test_card(self, task: dict[str, Any]) -> None:
        parcel = (await self._bench.world())["parcel"]
        if parcel is not None and parcel["packed_by"] == "test_card":
            await self._bench.do("take_test_card")
        await self._bench.answer(task["task_id"], "taken")

    async def taken_over(self, task: dict[str, Any]) -> None:
        """Say how the old box left this parcel: what is on the bench now, with which label, decides."""
        piece = await self._bench.piece_of(task["piece"]["code"])
        world = await self._at_rest()
        if not world["parcel"] or world["parcel"]["piece"] != piece:
            await self._tear_up("mouth", "cup", "floor")
            await self._bench.answer(task["task_id"], "not_packed")
            return
        if any(one["where"] == "parcel" for one in world["labels"]):
            if not task["scanned"]:
                await self._bench.do("scan_parcel", match="s=")
                await self._scanned(task["task_id"])
            await self._bench.answer(task["task_id"], "labelled")
            return
        await self._tear_up("parcel", "mouth", "cup", "floor")
        await self._bench.answer(task["task_id"], "no_label")

    # carrying

    async def bring_piece(self, task: dict[str, Any]) -> None:
        piece = await self._bench.piece_of(task["piece"]["code"])
        await self._clear("turntable", piece)
        await self._bench.do("carry", piece=piece, to="turntable")
        await self._bench.do("scan_piece", piece=piece)

    async def fetch_piece(self, task: dict[str, Any]) -> None:
        piece = await self._bench.piece_of(task["piece"]["code"])
        await self._clear("bench", piece)
        if await self._place(piece) != "bench":
            await self._bench.do("carry", piece=piece, to="bench")
        await self._bench.do("scan_piece", piece=piece)

    async def bring_back(self, task: dict[str, Any]) -> None:
        await self._bench.do("scan_piece", piece=await self._bench.piece_of(task["piece"]["code"]))

    async def put_back(self, task: dict[str, Any]) -> None:
        piece = await self._bench.piece_of(task["piece"]["code"])
        await self._bench.do("carry", piece=piece, to="spot")
        await self._bench.do("scan_piece", piece=piece)

    async def _place(self, piece: str) -> str:
        return next(one["at"] for one in (await self._bench.world())["pieces"] if one["id"] == piece)

    async def _clear(self, place: str, wanted: str) -> None:
        for one in (await self._bench.world())["pieces"]:
            if one["at"] == place and one["id"] != wanted:
                await self._bench.do("carry", piece=one["id"], to="spot")

    # machines

    async def _at_rest(self) -> dict[str, Any]:
        """Wait until no machine moves any more, as a person does who looks; return the world then."""
        for _ in range(int(AT_REST_S / THINK_S)):
            world = await self._bench.world()
            machines = world["machines"]
            is_moving = machines["labeller"]["state"] in ("Run", "Home") or machines["packer"]["state"] == 1
            if not is_moving and not machines["printer"]["waiting"]:
                return world
            await asyncio.sleep(THINK_S)
        raise AssertionError(f"the machines do not come to rest: {machines}")

    async def pack_in_doubt(self, task: dict[str, Any]) -> None:
        piece = await self._bench.piece_of(task["piece"]["code"])
        parcel = (await self._at_rest())["parcel"]
        if parcel and parcel["piece"] != piece:
            await self._bench.do("unpack")
            parcel = None
        await self._bench.answer(task["task_id"], "packed" if parcel else "not_packed")

    async def tend_device(self, task: dict[str, Any]) -> None:
        for act in ("refill", "close_cover", "clear_jam", "load_film", "close_door", "release_stop"):
            await self._bench.do(act)
        await self._bench.answer(task["task_id"], "again")

    async def set_aside(self, task: dict[str, Any]) -> None:
        await self._bench.answer(task["task_id"], "still_here")

    async def unpack(self, task: dict[str, Any]) -> None:
        if (await self._at_rest())["parcel"]:
            await self._bench.do("unpack")
        await self._bench.answer(task["task_id"], "unpacked")

    # labels

    async def label_in_doubt(self, task: dict[str, Any]) -> None:
        """Say where the label really is; half a label, or one that hangs at the robot's cup, is torn up."""
        world = await self._at_rest()
        serial = SERIAL.search(task["text"]["en"])[1]
        label = next((one for one in world["labels"] if any(serial in code for code in one["codes"])), None)
        where = label["where"] if label else ""
        if where == "parcel":
            await self._bench.answer(task["task_id"], "on_parcel")
        elif where == "mouth":
            for one in world["labels"]:
                if one["where"] == "mouth" and one["no"] < label["no"]:
                    await self._bench.do("peel_label", **{"from": "mouth"})
            await self._bench.do("scan_text", text=next(code for code in label["codes"] if f"s={serial}" in code))
            await self._scanned(task["task_id"])
            await self._bench.answer(task["task_id"], "at_printer")
        else:
            torn = await self._tear_up("mouth", "cup", "floor")
            is_unprinted = not torn and "not_printed" in [one["answer"] for one in task["answers"]]
            await self._bench.answer(task["task_id"], "not_printed" if is_unprinted else "destroyed")

    async def destroy_label(self, task: dict[str, Any]) -> None:
        await self._at_rest()
        if task["needs_scan"] and not task["scanned"]:
            await self._bench.do("scan_parcel", match="s=")
            await self._scanned(task["task_id"])
        await self._tear_up("parcel", "mouth", "cup", "floor")
        await self._bench.answer(task["task_id"], "destroyed")

    async def read_label(self, task: dict[str, Any]) -> None:
        world = await self._at_rest()
        label = next((one for one in world["labels"] if one["where"] == "parcel"), None)
        if label is None:
            await self._tear_up("mouth", "cup", "floor")
            await self._bench.answer(task["task_id"], "spoiled")
        else:
            await self._bench.do("scan_parcel", match="s=")

    async def _tear_up(self, *places: str) -> int:
        torn = 0
        for one in (await self._bench.world())["labels"]:
            if one["where"] in places:
                await self._bench.do("peel_label", **{"from": one["where"]})
                torn += 1
        return torn

    # the end

    async def hand_over(self, task: dict[str, Any]) -> None:
        if not task["scanned"]:
            await self._bench.do("scan_parcel", match="s=")
            await self._scanned(task["task_id"])
        if (await self._bench.world())["parcel"]:
            await self._bench.do("take_away")
        await self._bench.answer(task["task_id"], "handed_over")

    async def _scanned(self, task_id: str) -> None:
        for _ in range(100):
            tasks = (await self._bench.state())["tasks"]
            if any(task["task_id"] == task_id and task["scanned"] for task in tasks):
                return
            await asyncio.sleep(0.05)

    async def show_courier_link(self, task: dict[str, Any]) -> None:
        self.links[task["parcel_id"]] = task["link"]
        await self._bench.answer(task["task_id"], "shown")

    async def note(self, task: dict[str, Any]) -> None:
        await self._bench.answer(task["task_id"], "seen")
