"""A shop of two cameras in memory: real frames, a head that really turns, a relay's key; aiortc on both ends."""

import asyncio
import io
import threading
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from demo.viewer import Viewer, pin_host_addresses
from drivers.base import Condition, DeviceOfflineError, DeviceStatus
from drivers.camera import Camera, Frame, Still
from drivers.pan_tilt import HeadLimits, HeadPosition, PanTilt
from drivers.planes import from_bgr
from drivers.turntable import Turntable
from edge.clock import Clock
from edge.device_host import DeviceHandle
from edge.viewing.admission import fingerprints_of
from edge.viewing.desk import ViewingDesk
from edge.viewing.ports import ViewingOptions, ViewingPlace
from wire.commands import AddCandidate, AskToLook, CloseStream, OpenStream
from wire.plan import CameraPlan, Face, PiecePlan, Position, ShopPlan, Spot, SpotKind, Text
from wire.reports import LookAnswered, StreamAnswered, ViewingChanged
from wire.tickets import ViewingTicket, sign_ticket
from wire.values import new_id

LOOPBACK = ("127.0.0.1",)
WIDTH_PX, HEIGHT_PX, FRAMES_HZ = 320, 240, 30


class Head(PanTilt):
    """Turns at 60°/s at full speed; remembers every call."""

    def __init__(self):
        self.calls = []
        self.fails = None
        self.delay_s = 0.0
        self.sees_deg = 48.0
        self._speed = (0.0, 0.0, 0.0)
        self._at = (0.0, 0.0, 1.0)
        self._since_s = time.monotonic()

    @property
    def limits(self):
        return HeadLimits(pan_min_deg=-90, pan_max_deg=90, tilt_min_deg=-20, tilt_max_deg=20, zoom_max=8)

    @property
    def view_deg(self):
        return self.sees_deg

    def now(self):
        passed_s = time.monotonic() - self._since_s
        pan, tilt, zoom = (at + 60 * speed * passed_s for at, speed in zip(self._at, self._speed, strict=True))
        return pan, tilt, max(zoom, 1.0)

    def _set(self, speed):
        self._at, self._speed, self._since_s = self.now(), speed, time.monotonic()

    @property
    def is_moving(self):
        return any(self._speed)

    async def _call(self, *call):
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        self.calls.append((time.monotonic(), *call))
        if self.fails is not None and call[0] in self.fails:
            raise DeviceOfflineError("head: silent", "silent")

    async def open(self):
        self._set((0.0, 0.0, 0.0))

    async def close(self):
        self._set((0.0, 0.0, 0.0))

    async def status(self):
        return DeviceStatus(condition=Condition.ONLINE)

    async def move(self, pan, tilt, zoom):
        await self._call("move", pan, tilt, zoom)
        self._set((pan, tilt, zoom))

    async def go_to(self, position):
        await self._call("go_to", position)
        self._set((0.0, 0.0, 0.0))
        self._at = (position.pan_deg, position.tilt_deg, position.zoom)

    async def stop(self):
        await self._call("stop")
        self._set((0.0, 0.0, 0.0))

    async def position(self):
        pan, tilt, zoom = self.now()
        return HeadPosition(pan_deg=pan, tilt_deg=tilt, zoom=zoom)

    def moves(self):
        return [call for call in self.calls if call[1] == "move" and any(call[2:])]


class Table(Turntable):
    """Remembers every call."""

    def __init__(self):
        self.calls = []
        self.speed = 0.0

    async def open(self):
        pass

    async def close(self):
        pass

    async def status(self):
        return DeviceStatus(condition=Condition.ONLINE)

    async def turn(self, speed):
        self.calls.append(("turn", speed))
        self.speed = speed

    async def turn_to(self, angle_deg):
        self.calls.append(("turn_to", angle_deg))

    async def stop(self):
        self.calls.append(("stop",))
        self.speed = 0.0

    async def angle_deg(self):
        return 0.0


class PictureCamera(Camera):
    """Makes FRAMES_HZ pictures a second in a thread of its own, of a pattern that follows the head."""

    def __init__(self, head=None):
        noise = np.random.default_rng(7).integers(40, 255, (HEIGHT_PX // 20, WIDTH_PX // 20, 3), dtype=np.uint8)
        self.scene = np.kron(noise, np.ones((20, 20, 1), dtype=np.uint8))
        self.watches = 0
        self.unwatches = 0
        self.stills = 0
        self.is_silent = False
        self.is_frozen = False
        self._noise = 0
        self._head = head
        self._thread = None
        self._stop = threading.Event()

    @property
    def is_watched(self):
        return self._thread is not None

    async def open(self):
        pass

    async def close(self):
        await self.unwatch()

    async def status(self):
        return DeviceStatus(condition=Condition.ONLINE)

    async def watch(self, on_frame):
        self.watches += 1
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(on_frame,), daemon=True)
        self._thread.start()

    async def unwatch(self):
        if self._thread is not None:
            self.unwatches += 1
            self._stop.set()
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def picture(self):
        """No two are alike, as behind a real sensor."""
        pan_deg = self._head.now()[0] if self._head else 0.0
        pixels = np.roll(self.scene, int(pan_deg * 4), axis=1)
        self._noise += not self.is_frozen
        pixels[0, 0] = self._noise % 256
        return np.ascontiguousarray(pixels)

    def _run(self, on_frame):
        number = 0
        while not self._stop.is_set():
            if not self.is_silent:
                number += 1
                on_frame(Frame(planes=from_bgr(self.picture()), captured_s=time.monotonic(), number=number))
            self._stop.wait(1 / FRAMES_HZ)

    async def still(self):
        self.stills += 1
        packed = io.BytesIO()
        small = Image.fromarray(np.ascontiguousarray(self.picture()[:, :, ::-1]))
        small.resize((WIDTH_PX * 4, HEIGHT_PX * 4), Image.Resampling.NEAREST).save(packed, "JPEG")
        return Still(jpeg=packed.getvalue(), width_px=WIDTH_PX * 4, height_px=HEIGHT_PX * 4)


class Bell:
    def __init__(self):
        self.wanted = []
        self.withdrawn = []
        self.looks = []

    def bring_piece(self, piece_id, session_id):
        self.wanted.append((piece_id, session_id))

    def somebody_looks(self, session_id):
        self.looks.append(session_id)


class Journal:
    def __init__(self, start=0):
        self.start = start
        self.turn_nos = {}
        self.nonces = set()

    async def next_turn_no(self, camera):
        self.turn_nos[camera] = self.turn_nos.get(camera, self.start) + 1
        return self.turn_nos[camera]

    async def use_nonce(self, nonce, until_at):
        await asyncio.sleep(0)
        if nonce in self.nonces:
            return False
        self.nonces.add(nonce)
        return True


FACES = (Face(name="back", position=Position(pan_deg=30, tilt_deg=5, zoom=2, table_deg=180)),)


def make_plan(**changes):
    plan = {
        "version": 1,
        "shop_id": "teahouse",
        "shop_name": Text(en="Teahouse"),
        "merchant_id": "mer",
        "merchant_name": Text(en="Merchant"),
        "cameras": (CameraPlan(camera="front"), CameraPlan(camera="table")),
        "pieces": (
            PiecePlan(piece_id="pot", code="POT", title=Text(en="Pot"), spot=Spot(camera="front", faces=FACES)),
            PiecePlan(piece_id="cup", code="CUP", title=Text(en="Cup"), spot=Spot(camera="front")),
            PiecePlan(
                piece_id="bowl",
                code="BOWL",
                title=Text(en="Bowl"),
                spot=Spot(camera="table", kind=SpotKind.TURNTABLE, faces=FACES),
            ),
            PiecePlan(piece_id="jar", code="JAR", title=Text(en="Jar")),
        ),
        "turn_s": 180.0,
    }
    return ShopPlan(**(plan | changes))


class Shop:
    """A desk with everything around it in the test's hands."""

    def __init__(self):
        self.plan = make_plan()
        self.key = Ed25519PrivateKey.generate()
        self.reports = []
        self.frames = []
        self.states = {}
        self.clock = Clock()
        self.clock.learn(datetime.now(UTC), time.monotonic())
        self.bell = Bell()
        self.journal = Journal()
        self.heads = {"front": Head(), "table": Head()}
        self.table = Table()
        self.cameras = {name: PictureCamera(head) for name, head in self.heads.items()}
        self.viewers = []
        self.desk = None
        self._news = asyncio.Event()

    def _handle(self, name, kind, device):
        return DeviceHandle(name, kind, "test", lambda: device)

    def make_desk(self, **options):
        places = [
            ViewingPlace(
                name=name,
                camera=self._handle(name, "camera", self.cameras[name]),
                head=self._handle(f"{name}_head", "pan_tilt", self.heads[name]),
                turntable=self._handle("turntable", "turntable", self.table) if name == "table" else None,
            )
            for name in self.cameras
        ]
        self.desk = ViewingDesk(
            places=places,
            plan=lambda: self.plan,
            send_report=self._take_report,
            send_frame=lambda session_id, jpeg: self.frames.append((session_id, jpeg)),
            publish_camera_state=self.states.__setitem__,
            turn_numbers=self.journal,
            nonces=self.journal,
            relay_keys=lambda: {"k1": self.key.public_key()},
            clock=self.clock,
            attendant=self.bell,
            withdraw_piece=lambda piece_id, session_id: self.bell.withdrawn.append((piece_id, session_id)),
            options=ViewingOptions(addresses=LOOPBACK, **options),
        )
        return self.desk

    def _take_report(self, report):
        self.reports.append(report)
        self._news.set()

    async def report(self, kind, timeout_s=30.0, **fields):
        """Return the newest report of a kind with these fields, waiting for it."""

        def find():
            return next(
                (
                    one
                    for one in reversed(self.reports)
                    if isinstance(one, kind) and all(getattr(one, name) == value for name, value in fields.items())
                ),
                None,
            )

        async with asyncio.timeout(timeout_s):
            while (found := find()) is None:
                self._news.clear()
                await self._news.wait()
        return found

    def of_kind(self, kind, session_id):
        return [one for one in self.reports if isinstance(one, kind) and one.session_id == session_id]

    async def ask(self, session_id, piece_id="pot", **fields):
        before = len(self.of_kind(LookAnswered, session_id))
        fields = {"account_id": f"acc_{session_id}"} | fields
        await self.desk.handle(AskToLook(session_id=session_id, piece_id=piece_id, **fields))
        answers = self.of_kind(LookAnswered, session_id)
        assert len(answers) == before + 1
        return answers[-1]

    def ticket(self, session_id, fingerprint, *, key=None, **changes):
        fields = {
            "shop_id": "teahouse",
            "camera": "front",
            "session_id": session_id,
            "fingerprint": fingerprint,
            "nonce": new_id("non"),
            "issued_at": self.clock.relay_now() - timedelta(milliseconds=5),
            "life_s": 30,
        }
        return sign_ticket(ViewingTicket(**(fields | changes)), "k1", key or self.key)

    def signalling(self, session_id, **changes):
        return DeskSignalling(self, session_id, changes)

    def viewer(self, session_id, *, camera="front", **options):
        viewer = Viewer(self.signalling(session_id, camera=camera), **options)
        self.viewers.append(viewer)
        return viewer


class DeskSignalling:
    """Stands for the relay: signs a ticket for the offer and carries it to the desk."""

    def __init__(self, shop, session_id, changes):
        self.stream_id = new_id("str")
        self.answered_s = 0.0
        self._shop, self._session_id, self._changes = shop, session_id, changes

    async def post(self, offer_sdp):
        changes = dict(self._changes)
        (found,) = fingerprints_of(offer_sdp)
        text = changes.pop("text", None) or self._shop.ticket(
            changes.pop("session_id", self._session_id), changes.pop("fingerprint", found), **changes
        )
        begun_s = time.monotonic()
        await self._shop.desk.handle(
            OpenStream(stream_id=self.stream_id, session_id=self._session_id, ticket=text, offer_sdp=offer_sdp)
        )
        answer = await self._shop.report(StreamAnswered, stream_id=self.stream_id)
        self.answered_s = time.monotonic() - begun_s
        if answer.reason:
            raise RefusedError(answer.reason)
        return answer.answer_sdp

    async def patch(self, sdp_fragment):
        await self._shop.desk.handle(AddCandidate(stream_id=self.stream_id, sdp_fragment=sdp_fragment))

    async def delete(self):
        if not self._shop.desk._is_closing:
            await self._shop.desk.handle(CloseStream(stream_id=self.stream_id))


class RefusedError(Exception):
    """What the desk said of an offer."""


@asynccontextmanager
async def running(shop, **options):
    pin_host_addresses(LOOPBACK)
    desk = shop.make_desk(**options)
    task = asyncio.create_task(desk.run())
    try:
        async with asyncio.timeout(60):
            await desk.ready()
        yield shop
        if task.done():
            task.result()
    finally:
        await asyncio.gather(*(viewer.close() for viewer in shop.viewers))
        await desk.close()
        async with asyncio.timeout(30):
            await task


@pytest.fixture
async def shop():
    async with running(Shop()) as shop:
        yield shop


@pytest.fixture
async def changed(shop):
    """Wait for a ViewingChanged of a session."""

    async def wait(session_id, timeout_s=30.0, **fields):
        return await shop.report(ViewingChanged, timeout_s, session_id=session_id, **fields)

    return wait
