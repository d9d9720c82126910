"""The scripted shopper's eyes and hands: asks to look, steers over WebRTC, reads the engraving in decoded frames."""

import asyncio
import itertools
import time
from typing import Any

from demo.people import Caller
from demo.steps import StepFailedError, check, until
from demo.viewer import Pixels, Viewer, WhepSignalling, pin_host_addresses, read_codes
from wire.plan import Position

BACK_DEG, NEAR_ZOOMS = 180.0, (5.0, 8.0)
"""Where the engraving can be read: the piece's back, from four times nearer on."""


WAY_S, LOOKS = 3.0, 10
PATIENCE_S = 40.0
"""A loaded machine decodes few pictures a second; the report says what was measured, this ends a hopeless wait."""


class Look:
    """One viewing session of the shopper, from asking to confirming."""

    def __init__(self, caller: Caller, piece_id: str) -> None:
        self._caller, self._piece_id = caller, piece_id
        self.session_id = ""
        self.viewer: Viewer | None = None
        self.answers: list[str] = []

    async def ask(self) -> dict[str, Any]:
        """Ask to look; return the shop's first answer."""
        session: dict[str, Any] = await self._caller.call("POST", "/api/viewing", {"piece_id": self._piece_id})
        self.session_id = session["session_id"]
        self.answers.append(session["answer"])
        return session

    async def read(self) -> dict[str, Any]:
        """Return the session as it is now."""
        session: dict[str, Any] = await self._caller.call("GET", f"/api/viewing/{self.session_id}")
        return session

    async def wait_turn(self, timeout_s: float) -> dict[str, Any]:
        """Wait until this session steers."""

        async def look() -> dict[str, Any] | None:
            session = await self.read()
            check(session["state"] not in ("refused", "ended"), f"the viewing ended: {session}")
            return session if session["state"] == "steering" else None

        return await until(look, timeout_s, "the shopper's turn at the camera")

    async def open(self) -> float:
        """Open the picture; return milliseconds from the offer to the first decoded frame."""
        pin_host_addresses(("127.0.0.1",))
        grant = await self._caller.call("POST", f"/api/viewing/{self.session_id}/pass", {})
        self.viewer = Viewer(WhepSignalling(self._caller.http, grant["whep_url"], grant["pass"]))
        await self.viewer.open()
        first_frame_ms = await self.viewer.first_frame()
        await self.viewer.wait_turn()
        return first_frame_ms

    async def move(self, **speeds: float) -> float:
        """Steer, and return milliseconds until the picture moved; raise ViewerError if it never does."""
        return await self._viewer().steer_to_motion_ms(PATIENCE_S, **speeds)

    async def steer_and_read(self, nonce: str) -> tuple[float, Pixels]:
        """Turn the piece round and go near until the engraving is read; return steering-to-motion and the picture."""
        viewer = self._viewer()
        check(nonce not in read_codes(await viewer.wait_frame(lambda _: True)), "the engraving shows from the front")
        motion_ms = await self.move(pan=0.6)
        seen: set[str] = set()
        deadline_s = time.monotonic() + PATIENCE_S
        for zoom in itertools.cycle(NEAR_ZOOMS):
            if time.monotonic() > deadline_s:
                break
            # The shop stops by itself when beats come late, and a poor link shows a smaller picture: like a person,
            # ask again, and go nearer.
            await viewer.go_to(Position(table_deg=BACK_DEG, zoom=zoom), seconds=WAY_S)
            for _ in range(LOOKS):
                picture = await viewer.wait_frame(lambda _: True)
                found = set(read_codes(picture))
                seen |= found
                if nonce in found:
                    return motion_ms, picture
                await asyncio.sleep(0.05)
        raise StepFailedError(f"read {sorted(seen)} on the back, not {nonce}")

    async def question(self, kind: str) -> str:
        """Ask the attendant and wait for the answer."""
        await self._caller.call("POST", f"/api/viewing/{self.session_id}/questions", {"kind": kind, "text": ""})

        async def look() -> str | None:
            return next((str(row["answer"]) for row in (await self.read())["questions"] if row["answer"]), None)

        return await until(look, 20, "the attendant's answer")

    async def confirm(self) -> dict[str, Any]:
        """Confirm this very piece: it is reserved and goes to packing."""
        body = {"piece_id": self._piece_id, "session_id": self.session_id}
        reservation: dict[str, Any] = await self._caller.call("POST", "/api/reservations", body)
        return reservation

    async def leave(self) -> int:
        """Leave; return how many pictures were decoded."""
        viewer = self._viewer()
        await viewer.close()
        await self._caller.call("DELETE", f"/api/viewing/{self.session_id}")
        return viewer.frames

    def _viewer(self) -> Viewer:
        if self.viewer is None:
            raise StepFailedError("there is no picture yet")
        return self.viewer
