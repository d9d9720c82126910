"""ShopLink: the relay's side of every shop. Keeps one connection, hears what shops say, sends what the outbox holds."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from math import inf
from typing import Any

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import delete, select

from cloud_relay.authority import Authority
from cloud_relay.broker import Admission, AdmissionError
from cloud_relay.clock import Clock
from cloud_relay.db import Database, DatabaseBusyError, after_commit, keep_trying
from cloud_relay.outbox import ISSUE_AT_ONCE
from cloud_relay.shop_link import inbox, sender
from cloud_relay.shop_link.mqtt import Broker, Connection, Incoming, LinkDownError, connect
from cloud_relay.shop_link.register import Register
from cloud_relay.tables import device_state, shop_certificate, shop_link
from cloud_relay.web.metrics import Metrics
from wire import topics
from wire.codec import from_json, load_bytes
from wire.commands import Command, ConfirmReports, TellClock, encode_command
from wire.envelope import Envelope, decode_envelope, sign_command
from wire.reports import REPORTS, Ack, AskClock, DeviceState, ShopPresence, decode_report
from wire.values import BadValueError, new_id

log = logging.getLogger(__name__)

RECONNECT_S_MAX = 5.0
"""Longest wait between attempts; a broker that is back should not wait long for its relay."""
RESEND_S = 5.0
"""A command that no shop acknowledged after this is sent again; the shop's inbox makes the repeat harmless."""
OFFSET_STEP_S = 0.05
"""A shop's clock offset is written when it moved by more than a slow round trip tells, not at every trip."""
LEASE_RENEW_S = sender.LEASE_S / 3
FRAME_BYTES_MAX = 64 * 1024
HEARD = (("presence", 1), ("state/+", 1), ("report", 1), ("ack", 1), ("frame/+", 0))
INTAKE_BATCH_MAX = 64


@dataclass(slots=True)
class _Intake:
    """What waits to be written, in the order it came."""

    kind: str
    shop_id: str
    message: Envelope | Ack | ShopPresence | DeviceState
    is_retained: bool = False


@dataclass(slots=True)
class _Folded:
    """What a batch changed: marks to confirm and shops that newly came or went."""

    marks: dict[str, int] = field(default_factory=dict)
    born: set[str] = field(default_factory=set)
    online: dict[str, bool] = field(default_factory=dict)
    counts: list[tuple[str, str]] = field(default_factory=list)


class ShopLink(Register):
    """Everything between this relay process and the shops. `run` works until cancelled; handlers come before it."""

    def __init__(
        self, *, broker: Broker, db: Database, clock: Clock, authority: Authority, admission: Admission,
        metrics: Metrics,
    ) -> None:  # fmt: skip
        super().__init__()
        self._broker, self._db, self._clock, self._metrics = broker, db, clock, metrics
        self._authority, self._admission = authority, admission
        self._connection: Connection | None = None
        self._online: set[str] = set()
        self._held: set[str] = set()
        self._sent_at: dict[str, float] = {}
        self._offsets: dict[str, float] = {}
        self._intake: asyncio.Queue[_Intake] = asyncio.Queue()
        self._wake = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        db.listen("outbox", self._wake.set)
        if db.is_sqlite:
            # one writer at a time anyway; on PostgreSQL the shop's row would make concurrent orders of a shop collide
            db.info[ISSUE_AT_ONCE] = self._issue_at_once

    @property
    def is_connected(self) -> bool:
        """Whether the broker is reached now."""
        return self._connection is not None

    def is_online(self, shop_id: str) -> bool:
        """Whether this shop is there now, as far as this process knows."""
        return self.is_connected and shop_id in self._online

    async def send_transient(self, shop_id: str, command: Command, trace: str = "") -> None:
        """Sign and send a command that nobody keeps; raise LinkDownError when the broker is away."""
        if self._connection is None:
            raise LinkDownError("broker: not connected; try again in a few seconds")
        key_id, key = self._authority.signer()
        envelope = Envelope(
            id=new_id("cmd"), source=self._broker.name, type=type(command).__name__, time=self._clock.now(),
            shop_id=shop_id, data=encode_command(command), deadline_s=command.DEADLINE_S, trace=trace,
        )  # fmt: skip
        await self._connection.publish(topics.command(shop_id), sign_command(envelope, key_id, key))

    async def admit(self, shop_id: str) -> None:
        """Let a shop in at the broker; when the broker is away, that happens as soon as it is back."""
        if self._connection is not None:
            await self._admission.admit(self._publish_control, shop_id)

    async def expel(self, shop_id: str) -> None:
        """Disconnect a shop and keep it out; raise LinkDownError when the broker is away."""
        await self.refresh_revocations()
        if self._connection is None:
            raise LinkDownError("broker: not connected; the shop is kept out as soon as it is back")
        await self._admission.expel(self._publish_control, shop_id)
        await self.clear_retained(shop_id)

    async def fence(self, shop_id: str) -> None:
        """Cut a box off that was replaced: its certificate no longer opens a session, and its open one ends now.

        While the broker is away nobody is connected; it reads the list of revoked certificates when it starts.
        """
        await self.refresh_revocations()
        if self._connection is not None:
            await self._admission.expel(self._publish_control, shop_id)
        await self.clear_retained(shop_id)

    async def clear_retained(self, shop_id: str) -> None:
        """Have the broker forget what a box that was taken back said last; nobody shall find it there later."""
        self._online.discard(shop_id)
        if self._connection is None:
            return
        devices = await self._db.run(_forget_devices, shop_id)
        for topic in (topics.presence(shop_id), *(topics.state(shop_id, device) for device in devices)):
            await self._connection.publish(topic, b"", 1, retain=True)

    async def refresh_revocations(self) -> None:
        """Have the broker refuse every certificate that was taken back, and those of a box that was replaced."""
        serials = await self._db.read(_revoked, self._clock.now())
        if await asyncio.to_thread(self._authority.write_revocations, serials, self._clock.now()):
            self._admission.reload()

    async def run(self) -> None:
        """Keep the link up until cancelled. What handlers raise ends it: that is a bug, and the process with it."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._fold_forever(), name="shop_link intake")
            tasks.create_task(self._send_forever(), name="shop_link outbox")
            tasks.create_task(self._keep_leases_forever(), name="shop_link leases")
            await self._connect_forever()

    async def _connect_forever(self) -> None:
        wait_s, is_told = 0.1, False
        while True:
            try:
                async with connect(self._broker) as connection:
                    await self._serve(connection)
            except (LinkDownError, AdmissionError) as error:
                log.log(logging.DEBUG if is_told else logging.WARNING, "shop link down: %s", error)
                is_told = self._connection is None
                wait_s = min(wait_s * 2, RECONNECT_S_MAX) if is_told else 0.1
            finally:
                self._connection = None
            await asyncio.sleep(wait_s)

    async def _serve(self, connection: Connection) -> None:
        await connection.subscribe(self._admission.answer_topic, 1)
        for topic, qos in HEARD:
            await connection.subscribe(f"{topics.PREFIX}/+/{topic}", qos)
        reader = asyncio.create_task(self._listen(connection), name="shop_link reader")
        try:
            self._connection = connection
            await self.refresh_revocations()
            await self._admission.reconcile(self._publish_control, await self._db.read(_enrolled))
            log.info("shop link up")
            self._wake.set()
            await reader
        finally:
            reader.cancel()
            await asyncio.wait([reader])

    async def _publish_control(self, topic: str, payload: bytes) -> None:
        if self._connection is None:
            raise LinkDownError("broker: not connected")
        await self._connection.publish(topic, payload, qos=1)

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.messages():
            if message.topic == self._admission.answer_topic:
                self._admission.on_answer(message.payload)
                continue
            try:
                await self._hear(message)
            except BadValueError as error:
                self._metrics.count("messages_refused")
                log.warning("message refused: %s", str(error)[:200], extra={"topic": message.topic[:120]})

    async def _hear(self, message: Incoming) -> None:
        shop_id, kind, rest = topics.parse(message.topic)
        if not message.payload and kind in ("presence", "state"):
            return  # cleared by ourselves
        if kind == "frame":
            await self._hear_frame(shop_id, rest, message.payload)
        elif kind == "report":
            await self._hear_report(shop_id, decode_envelope(message.payload))
        elif kind == "ack":
            self._intake.put_nowait(_Intake(kind, shop_id, from_json(Ack, load_bytes(message.payload))))
        elif kind == "presence":
            presence = from_json(ShopPresence, load_bytes(message.payload))
            self._intake.put_nowait(_Intake(kind, shop_id, presence, message.is_retained))
        elif kind == "state":
            state: DeviceState = from_json(DeviceState, load_bytes(message.payload))
            if state.device != rest:
                raise BadValueError(f"state: says {state.device[:40]!r} on the topic of {rest!r}")
            self._intake.put_nowait(_Intake(kind, shop_id, state))

    async def _hear_frame(self, shop_id: str, session_id: str, jpeg: bytes) -> None:
        if len(jpeg) > FRAME_BYTES_MAX or not jpeg.startswith(b"\xff\xd8"):
            raise BadValueError(f"frame: {len(jpeg)} bytes, not a JPEG of at most {FRAME_BYTES_MAX}")
        for handler in self.frames:
            await handler(shop_id, session_id, jpeg)

    async def _hear_report(self, shop_id: str, envelope: Envelope) -> None:
        if envelope.shop_id != shop_id:
            raise BadValueError(f"report: speaks for shop {envelope.shop_id[:40]!r} on the topic of {shop_id!r}")
        if envelope.sequence is not None:
            self._intake.put_nowait(_Intake("report", shop_id, envelope))
        elif envelope.type in REPORTS:
            report = decode_report(envelope.type, envelope.data)
            if isinstance(report, AskClock):
                await self.send_transient(shop_id, TellClock(nonce=report.nonce[:64], relay_at=self._clock.now()))
                await self._note_offset(shop_id, report.offset_s)
            assert self._tasks is not None
            for handler in self.transients.get(type(report), ()):
                self._tasks.create_task(_call(handler(shop_id, report)))

    async def _note_offset(self, shop_id: str, offset_s: float | None) -> None:
        if offset_s is None or abs(offset_s - self._offsets.get(shop_id, inf)) < OFFSET_STEP_S:
            return
        self._offsets[shop_id] = offset_s
        await self._db.keep_running(inbox.take_offset, shop_id, offset_s, self._clock.now())

    async def _fold_forever(self) -> None:
        while True:
            batch = [await self._intake.get()]
            while not self._intake.empty() and len(batch) < INTAKE_BATCH_MAX:
                batch.append(self._intake.get_nowait())
            await keep_trying(partial(self._fold, batch))

    async def _fold(self, batch: list[_Intake]) -> None:
        folded = await self._db.run(self._fold_rows, batch)
        for name, state in folded.counts:
            self._metrics.count(name, state=state)
        for shop_id, is_online in folded.online.items():
            (self._online.add if is_online else self._online.discard)(shop_id)
        for shop_id, mark in folded.marks.items():
            await self._confirm(shop_id, mark)
        if folded.born - self._held:
            await self._renew_leases()
        if folded.born:
            await self._send_again(folded.born, sender.UNANSWERED, even_fresh=True)
            self._wake.set()

    def _fold_rows(self, connection: SqlConnection, batch: list[_Intake]) -> _Folded:
        now, folded = self._clock.now(), _Folded()
        for place, item in enumerate(batch):
            message, shop_id = item.message, item.shop_id
            if isinstance(message, Envelope):
                if place and batch[place - 1].kind == "report" and batch[place - 1].shop_id == shop_id:
                    continue  # taken with the ones before it
                run = [message]
                for later in batch[place + 1 :]:
                    if later.kind != "report" or later.shop_id != shop_id or not isinstance(later.message, Envelope):
                        break
                    run.append(later.message)
                self._fold_reports(connection, shop_id, run, folded)
            elif isinstance(message, Ack):
                folded.counts.append(("acks", inbox.take_ack(connection, self, shop_id, message, now)))
            elif isinstance(message, ShopPresence):
                is_born = inbox.take_presence(connection, self, shop_id, message, now, is_retained=item.is_retained)
                folded.online[shop_id] = _is_online(connection, shop_id)
                if is_born or (item.is_retained and message.is_online):
                    folded.born.add(shop_id)
                    mark = inbox.report_mark(connection, shop_id)
                    if mark is not None:  # told at once, so that a shop sends again what we lost
                        folded.marks[shop_id] = mark
            else:
                inbox.take_device_state(connection, self, shop_id, message, now)
        return folded

    def _fold_reports(
        self, connection: SqlConnection, shop_id: str, envelopes: list[Envelope], folded: _Folded
    ) -> None:
        taken = inbox.take_reports(connection, self, shop_id, envelopes, self._clock.now())
        folded.counts += [("reports", "applied")] * taken.applied + [("reports", "repeated")] * taken.repeated
        folded.counts += [("reports", "refused")] * taken.refused + [("reports", "after_gap")] * taken.has_gap
        if taken.mark is not None:
            folded.marks[shop_id] = taken.mark

    async def _confirm(self, shop_id: str, mark: int) -> None:
        try:
            await self.send_transient(shop_id, ConfirmReports(up_to_sequence=mark))
        except LinkDownError:
            return  # the shop sends its reports again and is confirmed then

    async def _keep_leases_forever(self) -> None:
        while True:
            await keep_trying(self._renew_leases)
            await asyncio.sleep(LEASE_RENEW_S)

    async def _renew_leases(self) -> None:
        self._held = await self._db.run(sender.keep_leases, self._broker.name, self._clock.now())
        self._wake.set()

    async def _send_forever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(RESEND_S):
                    await self._wake.wait()
            except TimeoutError:
                await keep_trying(partial(self._send_again, self._held, ("",)))
            self._wake.clear()
            if self._connection is not None:
                await keep_trying(self._send_new)

    def _issue_at_once(self, connection: SqlConnection, row: dict[str, Any], now: datetime) -> dict[str, Any] | None:
        if self._connection is None:
            return None
        issued = sender.issue_at_once(connection, self._signer(), row, now)
        if issued is not None:
            outgoing = sender.Outgoing(row["command_id"], row["shop_id"], issued["payload"])
            after_commit(connection, lambda: self._send([outgoing]))
        return issued

    def _signer(self) -> sender.Signer:
        key_id, key = self._authority.signer()
        return sender.Signer(self._broker.name, key_id, key)

    async def _send_new(self) -> None:
        issued = await self._db.run(sender.issue, self._signer(), self._clock.now())
        self._send(issued)
        if len(issued) == sender.BATCH_MAX:
            self._wake.set()

    async def _send_again(self, shop_ids: Iterable[str], states: tuple[str, ...], *, even_fresh: bool = False) -> None:
        waiting = await self._db.read(sender.unanswered, shop_ids, states)
        oldest = self._clock.monotonic() - RESEND_S
        self._send([one for one in waiting if even_fresh or self._sent_at.get(one.command_id, oldest) <= oldest])
        kept = {one.command_id for one in waiting}
        if not even_fresh:
            self._sent_at = {key: at for key, at in self._sent_at.items() if key in kept or at > oldest}

    def _send(self, outgoing: list[sender.Outgoing]) -> None:
        if self._connection is None:
            return
        for one in outgoing:
            self._sent_at[one.command_id] = self._clock.monotonic()
            self._connection.send(topics.command(one.shop_id), one.payload)


async def _call(awaitable: object) -> None:
    """Have a handler hear what is told once; what a busy database did not take is as a message that was lost."""
    try:
        await awaitable  # type: ignore[misc]  # an Awaitable made into the coroutine that create_task wants
    except DatabaseBusyError as error:
        log.warning("a shop's word is lost: %s", error)


def _is_online(connection: SqlConnection, shop_id: str) -> bool:
    query = select(shop_link.c.is_online).where(shop_link.c.shop_id == shop_id)
    return bool(connection.execute(query).scalar())


def _enrolled(connection: SqlConnection) -> list[str]:
    valid = shop_certificate.c.revoked_at.is_(None)
    return list(connection.scalars(select(shop_certificate.c.shop_id).where(valid).distinct()))


def _revoked(connection: SqlConnection, now: datetime) -> list[str]:
    row = shop_certificate.c
    return list(connection.scalars(select(row.serial).where(row.revoked_at.is_not(None), row.expires_until > now)))


def _forget_devices(connection: SqlConnection, shop_id: str) -> list[str]:
    gone = delete(device_state).where(device_state.c.shop_id == shop_id).returning(device_state.c.device)
    return list(connection.scalars(gone))
