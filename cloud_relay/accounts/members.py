"""Members of a merchant: invited by a link for one address, given a role, removed. One use case, one transaction."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cloud_relay.accounts import member_store as store
from cloud_relay.accounts import rules
from cloud_relay.accounts import store as accounts
from cloud_relay.accounts.roles import Role, check_members_left
from cloud_relay.accounts.service import missing, sign_up
from cloud_relay.accounts.tokens import hash_token
from cloud_relay.notices import invitations as invitation_mails
from cloud_relay.notices import service as notices
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import format_time, new_id

INVITATION_LIFE = timedelta(days=7)
INVITATIONS_MAX = 50
"""Open invitations of one merchant."""
MAILS_A_DAY_MAX = 30
"""Mails to strangers that one merchant may cause in a day: enough for a season's helpers, too few to be a nuisance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inviting:
    """Who invites, where the pages are, in which language they read, and whether this relay can send mail."""

    account_id: str
    root_url: str
    language: str = "en"
    has_mail: bool = False


def list_members(connection: Connection, merchant_id: str, now: datetime) -> dict[str, Any]:
    """Return a merchant's members and the invitations that wait for an answer."""
    waiting = [
        {
            "invitation_id": row.invitation_id, "email": row.email, "role": row.role, "until": format_time(row.until),
        }
        for row in store.open_invitations(connection, merchant_id, now)
    ]  # fmt: skip
    members = [
        {"account_id": row.account_id, "nickname": row.nickname, "email": row.email, "role": row.role}
        for row in store.members_of(connection, merchant_id)
    ]
    return {"members": members, "invitations": waiting}


def invite(
    connection: Connection, merchant_id: str, email: str, role: str, by: Inviting, now: datetime
) -> dict[str, Any]:
    """Invite somebody by e-mail address; return the link, which works once, for that address, for a week.

    An older invitation of the same address ends. Whoever has an account already gets a notice, anybody else a mail:
    `told_by` is notice, mail or nothing (no mail server, not verified, or too many mails that day).
    """
    address = rules.clean_email(email)
    if any(row.email == address for row in store.members_of(connection, merchant_id)):
        raise RefusedError("member_already", "They are a member already", "对方已是成员")
    store.withdraw_of_address(connection, merchant_id, address, now)
    if len(store.open_invitations(connection, merchant_id, now)) >= INVITATIONS_MAX:
        raise RefusedError(
            "too_many_invitations", f"At most {INVITATIONS_MAX} at once", f"最多 {INVITATIONS_MAX} 个邀请"
        )
    token, until = secrets.token_urlsafe(24), now + INVITATION_LIFE
    invitation_id = new_id("inv")
    row = {
        "invitation_id": invitation_id, "merchant_id": merchant_id, "email": address, "role": Role(role).value,
        "token_sha256": hash_token(token), "invited_by": by.account_id, "created_at": now, "until": until,
    }  # fmt: skip
    store.insert_invitation(connection, row)
    told_by = _tell_invited(connection, merchant_id, invitation_id, address, f"/invitation/{token}", by, now)
    _tell(connection, merchant_id, now)
    return {
        "invitation_id": invitation_id, "email": address, "role": role, "until": format_time(until),
        "url": f"{by.root_url.rstrip('/')}/invitation/{token}", "told_by": told_by,
    }  # fmt: skip


def _tell_invited(
    connection: Connection, merchant_id: str, invitation_id: str, address: str, path: str, by: Inviting, now: datetime
) -> str:
    row = accounts.find_merchant(connection, merchant_id)
    assert row is not None
    known = accounts.find_by_email(connection, address)
    if known is not None:
        names = {"title_en": row.name_en or row.name_zh, "title_zh": row.name_zh or row.name_en}
        notices.notify(connection, [known.account_id], "invited", path, now, **names)
        return "notice"
    mailed = store.count_mailed(connection, merchant_id, now - timedelta(days=1))
    if not by.has_mail or row.state != rules.MerchantState.VERIFIED or mailed >= MAILS_A_DAY_MAX:
        return ""
    invitation_mails.plan(connection, invitation_id, f"{by.root_url.rstrip('/')}{path}", by.language, now)
    return "mail"


def withdraw(connection: Connection, merchant_id: str, invitation_id: str, now: datetime) -> dict[str, Any]:
    """Take an invitation back; its link is dead at once."""
    if not store.withdraw(connection, merchant_id, invitation_id, now):
        raise missing()
    _tell(connection, merchant_id, now)
    return {"invitation_id": invitation_id}


def invitation_over() -> RefusedError:
    """Return the refusal for a link that is used, over or unknown."""
    words = ("This invitation is used or over; ask for a new one", "邀请已使用或已过期，请重新索取")
    return RefusedError("invitation_over", *words, 404)


def read_invitation(connection: Connection, token: str, now: datetime) -> dict[str, Any]:
    """Return what somebody is invited to; RefusedError (404) for a link that is used, over or unknown."""
    row = store.find_invitation(connection, hash_token(token), now)
    if row is None:
        raise invitation_over()
    name = {"en": row.name_en, "zh": row.name_zh}
    return {"merchant_id": row.merchant_id, "name": name, "email": row.email, "role": row.role}


def accept(connection: Connection, token: str, account_id: str, now: datetime) -> dict[str, Any]:
    """Become a member by an invitation for one's own address."""
    found = read_invitation(connection, token, now)
    account = accounts.find_account(connection, account_id)
    check_address(found, account.email if account is not None else "")
    if not store.accept(connection, hash_token(token), now):
        raise invitation_over()
    store.put_member(connection, found["merchant_id"], account_id, found["role"])
    _tell(connection, found["merchant_id"], now)
    return {"merchant_id": found["merchant_id"], "role": found["role"]}


def join(
    connection: Connection, token: str, *, email: str, password_hash: str, nickname: str, language: str, now: datetime
) -> str:
    """Make an account for the invited address and become a member, both or neither; returns the account's id."""
    check_address(read_invitation(connection, token, now), email)
    account_id = sign_up(
        connection, email=email, password_hash=password_hash, nickname=nickname, language=language, now=now
    )
    accept(connection, token, account_id, now)
    return account_id


def check_address(invitation: dict[str, Any], email: str) -> None:
    """Raise RefusedError when somebody else than the invited one comes with the link."""
    if email != invitation["email"]:
        raise RefusedError(
            "other_address",
            f"This invitation is for {invitation['email']}; come with that address",
            f"此邀请发给 {invitation['email']}，请使用该邮箱",
            403,
        )


def change_role(connection: Connection, merchant_id: str, account_id: str, role: str, now: datetime) -> dict[str, Any]:
    """Give a member another role; the last owner stays one."""
    _check_left(connection, merchant_id, account_id, role)
    store.put_member(connection, merchant_id, account_id, Role(role).value)
    _tell(connection, merchant_id, now)
    return {"account_id": account_id, "role": role}


def remove(connection: Connection, merchant_id: str, account_id: str, now: datetime) -> dict[str, Any]:
    """Remove a member, from the next request on; the last owner cannot be removed."""
    _check_left(connection, merchant_id, account_id, None)
    store.delete_member(connection, merchant_id, account_id)
    _tell(connection, merchant_id, now)
    return {"account_id": account_id}


def _check_left(connection: Connection, merchant_id: str, account_id: str, role: str | None) -> None:
    roles = {row.account_id: row.role for row in store.members_of(connection, merchant_id)}
    if account_id not in roles:
        raise missing()
    check_members_left(roles, account_id, role)


def _tell(connection: Connection, merchant_id: str, now: datetime) -> None:
    page_event(connection, f"merchant:{merchant_id}", "members_changed", {"merchant_id": merchant_id}, now)
