"""Invitations by mail to people who have no account: what such a mail says, and its way through the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from cloud_relay.db import wake
from cloud_relay.tables import invitation, invitation_delivery, merchant

BATCH = 20
ROLE_WORDS = {"owner": ("owner", "店主"), "manager": ("manager", "店长"), "packer": ("packer", "打包员")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """What stands in one mail; names are those of the merchant, `until` is when the link ends."""

    name_en: str
    name_zh: str
    role: str
    link: str
    until: datetime
    language: str = "en"


def sentences(one: Invited) -> tuple[str, str]:
    """Return subject and text: nobody knows yet which language a stranger reads, so it is in both. Pure."""
    name_en, name_zh = (one.name_en or one.name_zh), (one.name_zh or one.name_en)
    role_en, role_zh = ROLE_WORDS.get(one.role, (one.role, one.role))
    english = (
        f"{name_en} invites you to work in their shop as {role_en}.\n\n"
        f"Open this link and choose a password; then you have an account and belong to the shop:\n{one.link}\n\n"
        f"It works once, for this e-mail address alone, until {one.until:%Y-%m-%d %H:%M} UTC. If you do not know "
        f"{name_en}, leave this mail: nothing happens, and no other follows by itself.\n"
    )
    chinese = (
        f"{name_zh} 邀请您加入店铺，角色：{role_zh}。\n\n"
        f"打开链接并设置密码，即可注册并加入店铺：\n{one.link}\n\n"
        f"链接仅限此邮箱使用一次，{one.until:%Y-%m-%d %H:%M}（UTC）前有效。如果您不认识 {name_zh}，"
        "请忽略此邮件，不会发生任何事，也不会再收到。\n"
    )
    subject = f"{name_en} invites you · {name_zh} 邀请您加入"
    both = (chinese, english) if one.language == "zh" else (english, chinese)
    return subject.splitlines()[0][:120], "\n—\n\n".join(both)


def plan(connection: Connection, invitation_id: str, link: str, language: str, now: datetime) -> None:
    """Have the mail of an invitation sent when this transaction commits; it is the only place where its link stands."""
    values = {"invitation_id": invitation_id, "link": link, "language": language, "next_try_at": now}
    connection.execute(insert(invitation_delivery).values(**values))
    wake(connection, "notices")


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return invitation_delivery.c.state == "waiting", invitation_delivery.c.next_try_at <= now


def has_due(connection: Connection, now: datetime) -> bool:
    """Tell whether a mail is due: asked often, so it only reads."""
    query = select(invitation_delivery.c.invitation_id).where(*_is_due(now)).limit(1)
    return connection.execute(query).first() is not None


def take_due(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Take the mails that are due, each for one process only; one whose invitation is used or over is dropped."""
    own = invitation_delivery.c
    due = list(connection.scalars(select(own.invitation_id).where(*_is_due(now)).limit(BATCH)))
    taken = [one for one in due if _mark(connection, one)]
    query = (
        select(
            invitation_delivery, invitation.c.email, invitation.c.role, invitation.c.until, invitation.c.accepted_at,
            invitation.c.withdrawn_at, merchant.c.name_en, merchant.c.name_zh,
        )
        .join(invitation, invitation.c.invitation_id == own.invitation_id)
        .join(merchant, merchant.c.merchant_id == invitation.c.merchant_id)
        .where(own.invitation_id.in_(taken))
    )  # fmt: skip
    rows = [dict(row) for row in connection.execute(query).mappings()]
    for row in rows:
        row["is_open"] = row["accepted_at"] is None and row["withdrawn_at"] is None and row["until"] > now
        if not row["is_open"]:
            settle(connection, row["invitation_id"], state="gone", ended_at=now, reason="the invitation is over")
    return [row for row in rows if row["is_open"]]


def _mark(connection: Connection, invitation_id: str) -> bool:
    own = (invitation_delivery.c.invitation_id == invitation_id, invitation_delivery.c.state == "waiting")
    values = {"state": "sending", "attempts": invitation_delivery.c.attempts + 1}
    return connection.execute(update(invitation_delivery).where(*own).values(values)).rowcount == 1


def settle(connection: Connection, invitation_id: str, **values: Any) -> None:
    """Write down what became of a mail; one that is done keeps no link, because that is a key."""
    if values["state"] != "waiting":
        values["link"] = ""
    where = invitation_delivery.c.invitation_id == invitation_id
    connection.execute(update(invitation_delivery).where(where).values(**values))
