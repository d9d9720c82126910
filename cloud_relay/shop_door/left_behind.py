"""What a dead box left behind: its open parcels as the relay knows them, told to the box in its place."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from cloud_relay.outbox import send_command
from cloud_relay.tables import label, parcel, picture, shop_command, shop_link
from wire.codec import from_json
from wire.commands import Command, PhotoAnswer, TakeOverParcel, decode_command
from wire.plan import LabelContent

AT_THE_SHOP = ("preparing", "picked", "packed", "labelled", "photographed", "releasing")
"""Parcel states that somebody at the shop must bring to an end."""

TOLD = ("PreparePiece", "LabelParcel", "TakeOverParcel")
"""Commands after whose sending the box may have begun, whether it said so or not."""

BEFORE = timedelta(seconds=1)

CommandRow = Row[Any]


def collect(connection: Connection, shop_id: str) -> list[Command]:
    """Return what the next box must hear first: the newest plan, then open parcels. Ask before the link is reset."""
    if connection.execute(select(shop_link.c.shop_id).where(shop_link.c.shop_id == shop_id)).first() is None:
        return []
    commands: list[Command] = list(_newest_plan(connection, shop_id))
    query = select(parcel).where(parcel.c.shop_id == shop_id, parcel.c.state.in_(AT_THE_SHOP))
    for row in connection.execute(query.order_by(parcel.c.created_at, parcel.c.parcel_id)).all():
        told = _commands_of(connection, shop_id, row.parcel_id)
        if any(one.type in TOLD and one.payload is not None for one in told):
            commands.append(_take_over(connection, row, told))
    return commands


def send(connection: Connection, shop_id: str, commands: Sequence[Command], now: datetime) -> None:
    """Put what was collected into the outbox, ahead of everything that waits there for the shop."""
    waiting = (shop_command.c.shop_id == shop_id, shop_command.c.ack_state == "", shop_command.c.sequence.is_(None))
    oldest = connection.scalar(select(func.min(shop_command.c.created_at)).where(*waiting))
    at = min(now, oldest or now) - BEFORE
    for command in commands:
        send_command(connection, shop_id, command, at, subject=getattr(command, "parcel_id", shop_id))


def _newest_plan(connection: Connection, shop_id: str) -> list[Command]:
    query = (
        select(shop_command.c.data)
        .where(shop_command.c.shop_id == shop_id, shop_command.c.type == "ReplacePlan")
        .order_by(shop_command.c.created_at.desc(), shop_command.c.command_id.desc())
        .limit(1)
    )
    return [decode_command("ReplacePlan", data) for data in connection.scalars(query)]


def _commands_of(connection: Connection, shop_id: str, parcel_id: str) -> Sequence[CommandRow]:
    query = select(shop_command).where(shop_command.c.shop_id == shop_id, shop_command.c.subject == parcel_id)
    return connection.execute(query.order_by(shop_command.c.created_at, shop_command.c.command_id)).all()


def _take_over(connection: Connection, row: Any, told: Sequence[CommandRow]) -> TakeOverParcel:
    ordered = [one.data["label"] for one in told if one.type == "LabelParcel" and one.payload is not None]
    content: LabelContent | None = from_json(LabelContent, ordered[-1]) if ordered else None
    live, void = _serials(connection, row.parcel_id, content.label_no if content else 0)
    photo = row.photo_sha256 if row.state == "photographed" and _is_stored(connection, row.photo_sha256) else ""
    return TakeOverParcel(
        parcel_id=row.parcel_id,
        piece_id=row.piece_id,
        order_id=row.order_id or "",
        label=content,
        serials=live,
        void_serials=void,
        still_sha256=row.still_sha256 or "",
        photo_sha256=photo,
        photo_answer=_photo_answer(told, photo),
        ends=_ends(told),
    )


def _serials(connection: Connection, parcel_id: str, label_no: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the serials of the label that was ordered last, and those that must never count again."""
    query = select(label).where(label.c.parcel_id == parcel_id).order_by(label.c.changed_at)
    rows = connection.execute(query).all()
    live = [row.label_serial for row in rows if row.state != "voided" and row.label_no == label_no]
    return tuple(live), tuple(row.label_serial for row in rows if row.label_serial not in live)


def _is_stored(connection: Connection, picture_sha256: str | None) -> bool:
    query = select(picture.c.stored_at).where(picture.c.picture_sha256 == (picture_sha256 or ""))
    return connection.scalar(query) is not None


def _photo_answer(told: Sequence[CommandRow], photo: str) -> PhotoAnswer | None:
    answers = [one.data for one in told if one.type == "AnswerPhoto" and photo]
    fitting = [PhotoAnswer(data["answer"]) for data in answers if data["picture_sha256"] == photo]
    return fitting[-1] if fitting else None


def _ends(told: Sequence[CommandRow]) -> str:
    """Return what the dead box had begun to take apart; a wish that it never answered goes to the new box by itself."""
    done = {one.type for one in told if one.ack_state == "done"}
    return "cancel" if "CancelParcel" in done else "release" if "ReleasePiece" in done else ""
