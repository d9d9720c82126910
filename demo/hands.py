"""The attendant's hands in the simulated shop: read the attendant's own page and do what it asks, with what stands
there.

Everything goes through what a person has: the page at the bench, the scanner in the hand, the pieces on the shelf.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import httpx

from demo.people import plain_http

THINK_S = 0.6
"""A person needs a moment between two things; short, so that nobody waits for a demonstration."""

SILENT_S = 40.0
"""A page that says nothing for so long is gone; it says that it is still there every fifteen seconds."""

Act = dict[str, Any]


class Bench:
    """One shop's attendant page and the world around it, as JSON over HTTP."""

    def __init__(self, page_url: str, pin: str, control_url: str) -> None:
        self._page = plain_http(base_url=page_url, timeout=10)
        self._world = plain_http(base_url=control_url, timeout=10)
        self._pin = pin

    async def sign_in(self) -> None:
        """Sign in at the page with the PIN."""
        (await self._page.post("/api/sign-in", json={"pin": self._pin})).raise_for_status()

    async def state(self) -> dict[str, Any]:
        """Return what the page shows; signs in when the page asks for it."""
        answer = await self._page.get("/api/state")
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            await self.sign_in()
            answer = await self._page.get("/api/state")
        state: dict[str, Any] = answer.raise_for_status().json()
        return state

    async def wait_for_work(self) -> None:
        """Wait until the page shows a task or a question; the page tells of each change by itself."""
        patience = httpx.Timeout(10, read=SILENT_S)
        async with self._page.stream("GET", "/api/events", timeout=patience) as told:
            told.raise_for_status()
            async for line in told.aiter_lines():
                if line.startswith("data: ") and has_work(json.loads(line.removeprefix("data: "))):
                    return

    async def answer(self, task_id: str, answer: str) -> None:
        """Press one of the large buttons."""
        (await self._page.post(f"/api/tasks/{task_id}/answer", json={"answer": answer})).raise_for_status()

    async def begin_check(self, occasion: str) -> None:
        """Press the button that begins a bench check; a bench that is not ready for it is asked again."""
        await self.state()
        (await self._page.post("/api/bench-check", json={"occasion": occasion})).raise_for_status()

    async def reply(self, question_id: str, text: str) -> None:
        """Answer a shopper's question."""
        (await self._page.post(f"/api/questions/{question_id}/answer", json={"text": text})).raise_for_status()

    async def do(self, act: str, **words: Any) -> None:
        """Do something with the hands."""
        (await self._world.post("/hands", json={"act": act, **words})).raise_for_status()

    async def world(self) -> dict[str, Any]:
        """Look around in the shop."""
        world: dict[str, Any] = (await self._world.get("/world")).raise_for_status().json()
        return world

    async def piece_of(self, code: str) -> str:
        """Return which piece bears this tag; raise NotYetError where none does."""
        pieces = (await self.world())["pieces"]
        found = next((str(piece["id"]) for piece in pieces if piece["code"] == code), "")
        if not found:
            raise NotYetError(f"no piece here bears {code}")
        return found

    async def close(self) -> None:
        """Let go of both."""
        await self._page.aclose()
        await self._world.aclose()


def has_work(state: dict[str, Any]) -> bool:
    """Whether the page asks anything of the person before it."""
    return bool(state["tasks"] or state["questions"])


class NotYetError(Exception):
    """A task waits for a machine, or for a piece that is not in the shop; it is looked at again."""


class Hands:
    """Does each task once; `say` tells what was done, `on_link` gets the courier link that is shown once."""

    def __init__(
        self, bench: Bench, say: Callable[[str], None], on_link: Callable[[str], None], think_s: float = THINK_S
    ) -> None:
        self._bench, self._say, self._on_link, self._think_s = bench, say, on_link, think_s
        self._done: set[str] = set()
        self._said: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled; a page that is away for a moment is asked again."""
        while True:
            try:
                state = await self._bench.state()
                for task in state["tasks"]:
                    with contextlib.suppress(httpx.HTTPStatusError, NotYetError):  # not possible now: the bench is full
                        await self._do(task)
                for question in state["questions"]:
                    await self._bench.reply(question["question_id"], REPLIES.get(question["kind"], REPLIES["text"]))
                if not has_work(state):
                    await self._bench.wait_for_work()
            except (httpx.TransportError, httpx.HTTPStatusError, json.JSONDecodeError):
                await asyncio.sleep(self._think_s)
            await asyncio.sleep(self._think_s)

    async def _do(self, task: dict[str, Any]) -> None:
        work = WORK.get(task["kind"])
        if work is None or task["task_id"] in self._done:
            return
        if task["task_id"] not in self._said:
            self._said.add(task["task_id"])
            self._say(f"attendant: {task['text']['en']}")
        await work(self, task)
        self._done.add(task["task_id"])

    async def bring_piece(self, task: dict[str, Any]) -> None:
        """Carry a piece to the turntable and prove it with its tag."""
        piece = await self._bench.piece_of(task["piece"]["code"])
        standing = next((one["id"] for one in (await self._bench.world())["pieces"] if one["at"] == "turntable"), piece)
        if standing != piece:
            await self._bench.do("carry", piece=standing, to="spot")
        await self._bench.do("carry", piece=piece, to="turntable")
        await self._bench.do("scan_piece", piece=piece)

    async def fetch_piece(self, task: dict[str, Any]) -> None:
        """Carry a piece to the bench and prove it with its tag; what lies there goes away first.

        A piece that the sorter brings is waited for.
        """
        piece = await self._bench.piece_of(task["piece"]["code"])
        await self._clear_bench(piece)
        world = await self._bench.world()
        place = next(one["at"] for one in world["pieces"] if one["id"] == piece)
        if place.startswith("location:") and task["text"]["en"].startswith("The sorter brings"):
            raise NotYetError(task["task_id"])
        if place != "bench":
            await self._bench.do("carry", piece=piece, to="bench")
        await self._bench.do("scan_piece", piece=piece)

    async def _clear_bench(self, piece: str) -> None:
        """Put aside or back what lies at the bench and is not this piece."""
        world = await self._bench.world()
        if world["parcel"]:
            await self._bench.do("set_aside")
        for other in world["pieces"]:
            if other["at"] == "bench" and other["id"] != piece:  # called off while it was being carried
                await self._bench.do("carry", piece=other["id"], to="spot")

    async def tend_sorter(self, task: dict[str, Any]) -> None:
        """Clear the place where the sorter puts things down and what is stuck in it, then let it go on."""
        await self._clear_bench("")
        await self._bench.do("clear_jam")
        await self._bench.answer(task["task_id"], "carry_again")

    async def put_back(self, task: dict[str, Any]) -> None:
        """Carry a piece back to where it stands."""
        piece = await self._bench.piece_of(task["piece"]["code"])
        await self._bench.do("scan_piece", piece=piece)
        await self._bench.do("carry", piece=piece, to="spot")

    async def pack_by_hand(self, task: dict[str, Any]) -> None:
        """Pack without a machine."""
        await self._bench.do("pack")
        await self._bench.answer(task["task_id"], "packed")

    async def unpack(self, task: dict[str, Any]) -> None:
        """Open the parcel, if the piece is in one."""
        piece = await self._bench.piece_of(task["piece"]["code"])
        if await self._is_packed(piece):
            await self._bench.do("unpack", piece=piece)
        await self._bench.answer(task["task_id"], "unpacked")

    async def set_aside(self, task: dict[str, Any]) -> None:
        """Put the parcel on the shelf beside the bench."""
        await self._bench.do("set_aside")
        await self._bench.answer(task["task_id"], "set_aside")

    async def bring_back(self, task: dict[str, Any]) -> None:
        """Bring a parcel back to the bench and prove it with its piece's tag; another that lies there goes aside."""
        piece = await self._bench.piece_of(task["piece"]["code"])
        await self._bring(piece)
        await self._bench.do("scan_piece", piece=piece)

    async def stick_label(self, task: dict[str, Any]) -> None:
        """Stick the label on without a robot."""
        await self._bench.do("stick_label")
        await self._bench.answer(task["task_id"], "stuck")

    async def destroy_label(self, task: dict[str, Any]) -> None:
        """Scan the label where that is asked, peel it off, tear it up."""
        piece = await self._bench.piece_of(task["piece"]["code"])
        if task["needs_scan"]:
            await self._bring(piece)
            await self._bench.do("scan_parcel", match="s=")
        await self._bench.do("peel_label", piece=piece if await self._is_packed(piece) else "")
        await self._bench.answer(task["task_id"], "destroyed")

    async def take_tags(self, task: dict[str, Any]) -> None:
        """Take the tags off the printer, to hang them up."""
        for label in (await self._bench.world())["labels"]:
            if label["where"] == "mouth":
                await self._bench.do("peel_label", **{"from": "mouth"})
        await self._bench.answer(task["task_id"], "taken")

    async def hand_over(self, task: dict[str, Any]) -> None:
        """Scan the label and give the parcel to the courier."""
        piece = await self._bench.piece_of(task["piece"]["code"])
        await self._bench.do("scan_parcel", match="s=", piece=piece)
        await self._scanned(task["task_id"])
        await self._bench.do("take_away", piece=piece)
        await self._bench.answer(task["task_id"], "handed_over")

    async def _is_packed(self, piece: str) -> bool:
        return any(one["id"] == piece and one["at"] == "parcel" for one in (await self._bench.world())["pieces"])

    async def _bring(self, piece: str) -> None:
        """Bring the parcel with this piece to the bench, unless it lies there."""
        parcel = (await self._bench.world())["parcel"]
        if parcel and parcel["piece"] != piece:
            await self._bench.do("set_aside")
        await self._bench.do("bring_back", piece=piece)

    async def _scanned(self, task_id: str) -> None:
        for _ in range(50):
            tasks = (await self._bench.state())["tasks"]
            if any(task["task_id"] == task_id and task["scanned"] for task in tasks):
                return
            await asyncio.sleep(0.1)

    async def show_courier_link(self, task: dict[str, Any]) -> None:
        """The courier scans the code from the page."""
        self._on_link(task["link"])
        await self._bench.answer(task["task_id"], "shown")

    async def lay_test_card(self, task: dict[str, Any]) -> None:
        """Put an empty carton where parcels lie."""
        await self._bench.do("lay_test_card")
        await self._bench.answer(task["task_id"], "laid")

    async def stick_test_label(self, task: dict[str, Any]) -> None:
        """Stick the test label on without a robot."""
        await self._bench.do("stick_label")
        await self._bench.answer(task["task_id"], "stuck")

    async def scan_test_label(self, task: dict[str, Any]) -> None:
        """Scan the test label where it sticks."""
        await self._bench.do("scan_parcel", match="VITRINE-CHECK")

    async def take_test_card(self, task: dict[str, Any]) -> None:
        """Take the carton away and tear the test label up."""
        await self._bench.do("take_test_card")
        await self._bench.answer(task["task_id"], "taken")

    async def note(self, task: dict[str, Any]) -> None:
        """Read a note."""
        await self._bench.answer(task["task_id"], "seen")


REPLIES = {
    "open_it": "Opened: the inside is clean and unglazed. 已打开，内壁干净无釉。",
    "measure_it": "15.2 cm from spout to handle, 7.8 cm high. 嘴把长 15.2 厘米，高 7.8 厘米。",
    "show_inside": "I hold it towards the camera. 我把内部转向镜头。",
    "text": "Yes, gladly. 好的，没问题。",
}

WORK = {
    "bring_piece": Hands.bring_piece,
    "fetch_piece": Hands.fetch_piece,
    "put_back": Hands.put_back,
    "tend_sorter": Hands.tend_sorter,
    "pack_by_hand": Hands.pack_by_hand,
    "unpack": Hands.unpack,
    "set_aside": Hands.set_aside,
    "bring_back": Hands.bring_back,
    "stick_label": Hands.stick_label,
    "destroy_label": Hands.destroy_label,
    "hand_over": Hands.hand_over,
    "show_courier_link": Hands.show_courier_link,
    "note": Hands.note,
    "lay_test_card": Hands.lay_test_card,
    "stick_test_label": Hands.stick_test_label,
    "scan_test_label": Hands.scan_test_label,
    "take_test_card": Hands.take_test_card,
    "take_tags": Hands.take_tags,
}
