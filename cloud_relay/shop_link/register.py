"""Who in the relay listens to what shops say: rooms add their handlers here when the relay is put together."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from wire.commands import Command
from wire.reports import Ack, DeviceState, PictureKind, Report, ShopPresence

R = TypeVar("R", bound=Report)

ReportHandler = Callable[[Connection, str, Any, datetime], None]
TransientHandler = Callable[[str, Any], Awaitable[None]]
AckHandler = Callable[[Connection, str, dict[str, Any], Ack, datetime], None]
DeviceHandler = Callable[[Connection, str, DeviceState, datetime], None]
PresenceHandler = Callable[[Connection, str, ShopPresence, datetime], None]
PictureHandler = Callable[[Connection, str, str, PictureKind, str, datetime], None]
FrameHandler = Callable[[str, str, bytes], Awaitable[None]]


class Register:
    """Handlers by message. Durable ones run in one transaction with the inbox row, so a report has its effect once."""

    def __init__(self) -> None:
        self.reports: dict[type[Report], list[ReportHandler]] = {}
        self.transients: dict[type[Report], list[TransientHandler]] = {}
        self.acks: dict[str, list[AckHandler]] = {}
        self.frames: list[FrameHandler] = []
        self.devices: list[DeviceHandler] = []
        self.presences: list[PresenceHandler] = []
        self.pictures: list[PictureHandler] = []

    def on_report(self, type_: type[R], handler: Callable[[Connection, str, R, datetime], None]) -> None:
        """Have `handler(connection, shop_id, report, now)` run inside the inbox transaction of a durable report."""
        self.reports.setdefault(type_, []).append(handler)

    def on_transient(self, type_: type[R], handler: Callable[[str, R], Awaitable[None]]) -> None:
        """Have `await handler(shop_id, report)` run for every transient report of this type."""
        self.transients.setdefault(type_, []).append(handler)

    def on_ack(self, type_: type[Command], handler: AckHandler) -> None:
        """Have `handler(connection, shop_id, row, ack, now)` run when an acknowledgement changes a command's state.

        `row` is the shop_command row as a dict; ack.state may be ACCEPTED first and a final one later.
        """
        self.acks.setdefault(type_.__name__, []).append(handler)

    def on_frame(self, handler: FrameHandler) -> None:
        """Have `await handler(shop_id, session_id, jpeg)` run for every fallback frame."""
        self.frames.append(handler)

    def on_device_state(self, handler: DeviceHandler) -> None:
        """Have `handler(connection, shop_id, state, now)` run in the transaction that stores a changed device state."""
        self.devices.append(handler)

    def on_presence(self, handler: PresenceHandler) -> None:
        """Have `handler(connection, shop_id, presence, now)` run when a shop comes or goes."""
        self.presences.append(handler)

    def on_picture(self, handler: PictureHandler) -> None:
        """Have `handler(connection, shop_id, parcel_id, kind, sha256, now)` run when an order's picture is stored."""
        self.pictures.append(handler)
