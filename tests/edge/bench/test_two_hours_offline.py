"""The relay is away for two hours: the shop's clocks are moved, minutes at a time, by the argument that they are.

Wall and monotonic time go on together, as time does; nothing is scaled and nothing sleeps two hours. The broker is
killed for real, the machines are simulated, the edge's bench, journal and link are its own.
"""

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from edge.bench import Bench
from edge.clock import Clock
from edge.enrolment import keep_certificate
from edge.relay_link import BrokerAddress, RelayLink
from tests.edge.bench.fake_shop import content
from tests.edge.bench.simulated import SimulatedWorld
from tests.fault_table.shop import FAST, FaultShop
from tests.fault_table.walks import LONG_S, fetch, scan_label
from wire.codec import to_json
from wire.commands import AnswerPhoto, LabelParcel, PhotoAnswer, PreparePiece
from wire.reports import AckState

STEP = timedelta(minutes=20)
CERTIFICATE_DAYS = 4.5 / 24
"""Its renewal falls due an hour and a half after it was made, in the middle of the outage; it lasts for three hours."""


class LinkedShop(FaultShop):
    """A shop with a link to the broker, and a clock that a test moves."""

    def __init__(self, folder, simulated, number, identity, port) -> None:
        super().__init__(folder, simulated, number)
        self.identity, self.port = identity, port
        self.clock = Clock(
            wall=lambda: datetime.now(UTC) + self.shift, monotonic=lambda: time.monotonic() + self.shift.total_seconds()
        )
        self.waiting: asyncio.Queue = asyncio.Queue()

    async def start(self, **more) -> None:
        await super().start(is_synced=False, **more)
        self.link = RelayLink(
            shop_id="teahouse",
            address=lambda: BrokerAddress(host="127.0.0.1", port=self.port),
            tls=self.identity.mqtt_tls,
            keys=self.identity.relay_keys,
            journal=self.journal,
            clock=self.clock,
            on_command=lambda envelope, command: self.waiting.put_nowait((envelope, command)),
            jitter=lambda: 0.0,
        )
        self.journal.listen(lambda table: self.link.wake() if table in ("acks", "reports") else None)
        self.lives = [asyncio.create_task(self.link.run()), asyncio.create_task(self._carry_out())]

    async def _carry_out(self) -> None:
        while True:
            envelope, command = await self.waiting.get()
            assert isinstance(command, Bench.HANDLES), command
            await self.bench.handle(envelope, command)

    async def stop(self) -> None:
        for task in self.lives:
            task.cancel()
        await asyncio.gather(*self.lives, return_exceptions=True)
        await super().stop()

    def pass_time(self, passed: timedelta = STEP) -> None:
        """Let this much time go by, on every clock of the shop."""
        self.shift += passed
        assert self.clock.is_synced, "relay time went on with the shop's own clock"


@pytest.fixture
def simulated(tmp_path):
    world = SimulatedWorld(tmp_path / "world", FAST, 8)
    yield world
    world.stop()


@pytest.fixture
async def shop(simulated, tmp_path, relay, make_identity):
    (tmp_path / "bench").mkdir()
    identity = make_identity(tmp_path / "box", days=CERTIFICATE_DAYS)
    made = LinkedShop(tmp_path / "bench", simulated, 1, identity, relay.broker.port)
    await made.start()
    yield made
    await made.stop()


def order(relay, shop, parcel_id, number):
    """Confirm and pay one piece; returns the signed label command, to be repeated."""
    piece_id = f"piece_{number}"
    relay.send(PreparePiece(parcel_id=parcel_id, piece_id=piece_id))
    label = content(parcel_id)
    paid = relay.seal(LabelParcel(parcel_id=parcel_id, piece_id=piece_id, order_id=label.order_id, label=label))
    relay.publish(paid)
    return paid


async def confirm(relay, shop, parcel_id):
    parcel = await shop.parcel(parcel_id)
    answer = AnswerPhoto(parcel_id=parcel_id, picture_sha256=parcel.photo_sha256, answer=PhotoAnswer.CONFIRMED)
    relay.send(answer)
    await shop.until("ready", parcel_id, LONG_S)


async def hand_over(shop, parcel_id):
    await scan_label(shop, "hand_over")
    await shop.hands("take_away")
    assert await shop.press("hand_over", "handed_over")
    await shop.until("handed_over", parcel_id, LONG_S)
    link = (await shop.task("show_courier_link", LONG_S)).link
    assert link, "the courier gets the link from the shop itself"
    assert await shop.press("show_courier_link", "shown")


def durable(relay):
    """Durable reports by their number; one that came twice must be the same twice."""
    found = {}
    for envelope in relay.reports:
        if envelope.sequence is not None:
            known = found.setdefault(envelope.sequence, envelope)
            assert to_json(known) == to_json(envelope)
    return found


@pytest.mark.timeout(600)
async def test_two_hours_without_the_relay(shop, relay, broker, eventually, caplog):
    await eventually(lambda: shop.clock.is_synced, timeout_s=LONG_S)
    # one parcel is confirmed before the outage, one is only paid
    order(relay, shop, "p0", 2)
    await shop.until("picking", "p0", LONG_S)
    shop.number = 2
    await fetch(shop)
    await shop.until("photo_offered", "p0", LONG_S)
    await confirm(relay, shop, "p0")
    shop.number = 1
    paid = order(relay, shop, "p1", 1)
    await shop.until("picking", "p1", LONG_S)
    await eventually(lambda: AckState.DONE in relay.acks_of(relay.id_of(paid)), timeout_s=LONG_S)

    broker.kill(forget=True)
    relay_lost_at = shop.clock.now()
    await eventually(lambda: not shop.link.is_connected, timeout_s=LONG_S)
    shop.pass_time()
    await hand_over(shop, "p0")
    shop.pass_time()
    await fetch(shop)
    await shop.until("photo_offered", "p1", LONG_S)
    assert not (await shop.page())["parcels"][0]["reason"], "nothing is held for want of the relay"
    for _ in range(4):
        shop.pass_time()
    with caplog.at_level(logging.WARNING, "edge.enrolment"):
        renewing = asyncio.create_task(keep_certificate(shop.identity, shop.clock.now))
        await eventually(lambda: "certificate not renewed" in caplog.messages, timeout_s=LONG_S)
    assert not renewing.done(), "a renewal that fails is tried again, and ends nothing"
    renewing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await renewing
    assert shop.clock.now() - relay_lost_at >= timedelta(hours=2)
    unsent = len(await shop.journal.unsent_reports(limit=1000))
    assert unsent > 8 and not shop.link.is_connected
    assert await shop.stage("p1") == "photo_offered", "nobody but the shopper confirms the photo"

    relay.clock_ahead_s = shop.shift.total_seconds()
    broker.start()
    await eventually(lambda: shop.link.is_connected, timeout_s=LONG_S)

    async def is_caught_up() -> bool:
        return not await shop.journal.unsent_reports()

    await shop.wait_for(is_caught_up, LONG_S)
    # what the relay may think was lost is sent again: it is known, and nothing moves
    printed = len(shop.labels())
    relay.publish(paid)
    await eventually(lambda: len(relay.acks_of(relay.id_of(paid))) >= 2, timeout_s=LONG_S)
    await confirm(relay, shop, "p1")
    await hand_over(shop, "p1")
    await shop.wait_for(is_caught_up, LONG_S)

    reports = durable(relay)
    assert sorted(reports) == list(range(1, len(reports) + 1)), "none is lost, none has another's number"
    times = [reports[number].time for number in sorted(reports)]
    assert times == sorted(times)
    for parcel_id in ("p0", "p1"):
        kinds = [report.type for report in reports.values() if report.subject == parcel_id]
        steps = [kind for kind in kinds if kind != "PictureOffered"]
        assert steps == [
            "PiecePicked", "StillTaken", "PiecePacked", "LabelPrinted", "LabelApplied", "LabelRead",
            "ParcelPhotographed", "HandedOver",
        ]  # fmt: skip
    assert len(shop.labels()) == printed == 2
    assert all(
        label["where"] == "gone" and label["applied_at"] and not label["destroyed_at"] for label in shop.labels()
    )
    assert len(shop.simulated.events("packed")) == 2
