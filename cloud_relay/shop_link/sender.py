"""Commands on their way out: lease per shop, sequence, signature at first send, sending again. SQL only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, or_, select, update

from cloud_relay.tables import shop_command, shop_link
from wire.envelope import Envelope, sign_command

LEASE_S = 30.0
"""A relay that died gives its shops to another one after this long."""
BATCH_MAX = 200
UNANSWERED = ("", "accepted")
"""States of a command that the shop has not finished; the rest are final."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One signed command as it goes (and goes again) to its shop."""

    command_id: str
    shop_id: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the relay process by name, and the key that signs now."""

    relay_name: str
    key_id: str
    key: Ed25519PrivateKey


def keep_leases(connection: Connection, relay_name: str, now: datetime) -> set[str]:
    """Renew this process's leases, take the expired ones, and return the shops it holds now."""
    link = shop_link.c
    is_free = or_(link.lease_owner == relay_name, link.lease_until.is_(None), link.lease_until < now)
    until = now + timedelta(seconds=LEASE_S)
    connection.execute(update(shop_link).where(is_free).values(lease_owner=relay_name, lease_until=until))
    return set(connection.scalars(select(link.shop_id).where(link.lease_owner == relay_name)))


def issue(connection: Connection, signer: Signer, now: datetime) -> list[Outgoing]:
    """Give every waiting command of our shops that are there its sequence and signature; return them in order.

    A command of a shop that is away waits unsigned: its deadline counts from when it can first arrive.
    """
    command, link = shop_command.c, shop_link.c
    waiting = connection.execute(
        select(shop_command, link.next_sequence)
        .join(shop_link, link.shop_id == command.shop_id)
        .where(
            command.ack_state == "", command.sequence.is_(None), link.is_online, link.quarantine_reason == "",
            link.lease_owner == signer.relay_name, link.lease_until > now,
        )
        .order_by(command.created_at, command.command_id)
        .limit(BATCH_MAX)
    ).mappings().all()  # fmt: skip
    sequences: dict[str, int] = {}
    issued = []
    for row in waiting:
        shop_id = row["shop_id"]
        sequence = sequences.get(shop_id, row["next_sequence"])
        sequences[shop_id] = sequence + 1
        payload = _sign(signer, dict(row), sequence, now)
        values = {"sequence": sequence, "payload": payload, "issued_at": now, "sent_at": now}
        connection.execute(update(shop_command).where(command.command_id == row["command_id"]).values(values))
        issued.append(Outgoing(row["command_id"], shop_id, payload))
    for shop_id, following in sequences.items():
        connection.execute(update(shop_link).where(link.shop_id == shop_id).values(next_sequence=following))
    return issued


def issue_at_once(connection: Connection, signer: Signer, row: dict[str, Any], now: datetime) -> dict[str, Any] | None:
    """Return sequence, payload and times for a new command's row, within the transaction that makes it.

    None when it must wait: the shop is away, not ours, in quarantine, or older commands of it wait already.
    """
    command, link = shop_command.c, shop_link.c
    shop_id = row["shop_id"]
    older = select(command.command_id).where(
        command.shop_id == shop_id, command.ack_state == "", command.sequence.is_(None)
    )
    raised = connection.execute(
        update(shop_link)
        .where(
            link.shop_id == shop_id, link.is_online, link.quarantine_reason == "",
            link.lease_owner == signer.relay_name, link.lease_until > now, ~older.exists(),
        )
        .values(next_sequence=link.next_sequence + 1)
        .returning(link.next_sequence)
    ).scalar_one_or_none()  # fmt: skip
    if raised is None:
        return None
    sequence = raised - 1
    return {"sequence": sequence, "payload": _sign(signer, row, sequence, now), "issued_at": now, "sent_at": now}


def _sign(signer: Signer, row: Mapping[str, Any], sequence: int, now: datetime) -> bytes:
    envelope = Envelope(
        id=row["command_id"], source=signer.relay_name, type=row["type"], time=now, shop_id=row["shop_id"],
        data=row["data"], subject=row["subject"], sequence=sequence, deadline_s=row["deadline_s"], trace=row["trace"],
    )  # fmt: skip
    return sign_command(envelope, signer.key_id, signer.key)


def unanswered(connection: Connection, shop_ids: Iterable[str], states: tuple[str, ...]) -> list[Outgoing]:
    """Return what was sent to these shops and is still in one of `states`, in sequence, to be sent again as it was."""
    command, link = shop_command.c, shop_link.c
    rows = connection.execute(
        select(command.command_id, command.shop_id, command.payload)
        .join(shop_link, link.shop_id == command.shop_id)
        .where(
            command.shop_id.in_(list(shop_ids)), command.sequence > 0, command.ack_state.in_(states),
            link.is_online, link.quarantine_reason == "",
        )
        .order_by(command.shop_id, command.sequence)
        .limit(BATCH_MAX * 10)
    )  # fmt: skip
    return [Outgoing(row.command_id, row.shop_id, row.payload) for row in rows]
