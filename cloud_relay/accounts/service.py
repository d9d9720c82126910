"""Signing up, in and out; addresses; merchants applying and being verified. One use case, one transaction."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from cloud_relay.accounts import rules, store
from cloud_relay.accounts.tokens import hash_token
from cloud_relay.rebates import store as rebates
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import AccountSettings
from cloud_relay.web.pages import page_event
from wire.values import clean_text, format_time, new_id


@dataclass(frozen=True, slots=True)
class NewSignIn:
    """A fresh sign-in: the token is shown once and only its hash is kept."""

    token: str
    csrf: str
    account: dict[str, Any]


def missing() -> RefusedError:
    """Return the refusal for what is not there or not yours."""
    return RefusedError("not_found", "Not found", "没有找到", 404)


def shown_account(row: Any) -> dict[str, Any]:
    """Return what an account sees of itself."""
    names = ("account_id", "email", "nickname", "language", "is_operator")
    return {name: getattr(row, name) for name in names}


def sign_up(
    connection: Connection, *, email: str, password_hash: str, nickname: str, language: str, now: datetime,
    is_operator: bool = False,
) -> str:  # fmt: skip
    """Make an account and return its id; RefusedError when the address has one already."""
    account_id = new_id("acc")
    values = {
        "account_id": account_id, "email": rules.clean_email(email), "nickname": rules.clean_nickname(nickname),
        "password_hash": password_hash, "language": language, "is_operator": is_operator, "created_at": now,
    }  # fmt: skip
    try:
        store.insert_account(connection, values)
    except IntegrityError:
        raise RefusedError(
            "email_taken", "There is an account with this address; sign in instead", "该邮箱已注册，请直接登录"
        ) from None
    if rebates.is_on_anywhere(connection):
        rebates.open_account(connection, account_id, "registering", now)
    return account_id


def check_blocked(connection: Connection, keys: tuple[str, ...], now: datetime) -> None:
    """Raise RefusedError (429) while one of these keys is blocked."""
    for key in keys:
        attempts = store.read_attempts(connection, key)
        if attempts and attempts.blocked_until and attempts.blocked_until > now:
            raise RefusedError(
                "too_many_failures", "Too many failed tries; please wait a while", "失败次数过多，请稍后再试", 429,
                until=format_time(attempts.blocked_until),
            )  # fmt: skip


def look_up(connection: Connection, email: str, keys: tuple[str, ...], now: datetime) -> tuple[str | None, str | None]:
    """Return (account id, password hash) of this address, (None, None) without one; RefusedError while blocked."""
    check_blocked(connection, keys, now)
    row = store.find_by_email(connection, email)
    return (row.account_id, row.password_hash) if row else (None, None)


def count_failure(connection: Connection, keys: tuple[str, ...], settings: AccountSettings, now: datetime) -> None:
    """Count a failed sign-in under each key."""
    window = timedelta(seconds=settings.failures_window_s)
    for key in keys:
        allowed = rules.failures_allowed(key, settings.failures_max)
        attempts = rules.after_failure(store.read_attempts(connection, key), now, allowed, window)
        store.write_attempts(connection, key, attempts)


def begin_sign_in(
    connection: Connection, account_id: str, settings: AccountSettings, now: datetime, attempt_key: str = ""
) -> NewSignIn:
    """Make a sign-in for an account whose password was right."""
    row = store.find_account(connection, account_id)
    if row is None or row.is_closed:
        raise missing()
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    values = {
        "token_sha256": hash_token(token), "account_id": account_id, "csrf": csrf, "created_at": now,
        "expires_until": now + timedelta(days=settings.sign_in_days),
    }  # fmt: skip
    store.insert_sign_in(connection, values)
    if attempt_key:
        store.forget_attempts(connection, attempt_key)
    return NewSignIn(token, csrf, shown_account(row))


def me(connection: Connection, account_id: str, csrf: str) -> dict[str, Any]:
    """Return what pages need to know of whoever is signed in."""
    row = store.find_account(connection, account_id)
    if row is None:
        raise missing()
    merchants = [shown_merchant(one) | {"role": one.role} for one in store.merchants_of(connection, account_id)]
    return {**shown_account(row), "merchants": merchants, "csrf": csrf}


def change_me(connection: Connection, account_id: str, nickname: str | None, language: str | None) -> dict[str, Any]:
    """Change one's own nickname or language."""
    values: dict[str, Any] = {}
    if nickname is not None:
        values["nickname"] = rules.clean_nickname(nickname)
    if language is not None:
        values["language"] = language
    if values:
        store.update_account(connection, account_id, values)
    row = store.find_account(connection, account_id)
    return shown_account(row)


def change_password(connection: Connection, account_id: str, password_hash: str, token_sha256: str) -> None:
    """Set a new password and end every other sign-in."""
    store.update_account(connection, account_id, {"password_hash": password_hash})
    store.delete_sign_ins(connection, account_id, token_sha256)


def password_hash_of(connection: Connection, account_id: str) -> tuple[str, str]:
    """Return (e-mail, stored hash) of an account."""
    row = store.find_account(connection, account_id)
    if row is None:
        raise missing()
    return row.email, row.password_hash


def shown_merchant(row: Any) -> dict[str, Any]:
    """Return what its members and operators see of a merchant."""
    names = ("merchant_id", "name_en", "name_zh", "state", "reason", "contact")
    times = {
        name: format_time(getattr(row, name)) if getattr(row, name) else None for name in ("applied_at", "decided_at")
    }
    return {name: getattr(row, name) for name in names} | times


def apply_as_merchant(
    connection: Connection, account_id: str, name_en: str, name_zh: str, contact: str, now: datetime
) -> dict[str, Any]:
    """Apply for a merchant's account; an operator verifies it."""
    if not (name_en.strip() or name_zh.strip()):
        raise RefusedError("name_missing", "A name in one language at least", "至少填写一种语言的名称", 422)
    values = {
        "merchant_id": new_id("mer"),
        "name_en": clean_text(name_en, "name_en", 100) if name_en.strip() else "",
        "name_zh": clean_text(name_zh, "name_zh", 100) if name_zh.strip() else "",
        "contact": clean_text(contact, "contact", 1000, lines=12),
        "state": rules.MerchantState.PENDING,
        "reason": "",
        "applied_at": now,
        "decided_at": None,
    }
    store.insert_merchant(connection, values, account_id)
    page_event(connection, "operator", "merchant_applied", {"merchant_id": values["merchant_id"]}, now)
    return shown_merchant(store.find_merchant(connection, str(values["merchant_id"])))


def my_merchants(connection: Connection, account_id: str) -> list[dict[str, Any]]:
    """Return the merchants one belongs to."""
    return [shown_merchant(row) | {"role": row.role} for row in store.merchants_of(connection, account_id)]


def list_merchants(connection: Connection, state: str | None, limit: int = 200) -> list[dict[str, Any]]:
    """Return merchants for the operator."""
    return [shown_merchant(row) for row in store.merchants_in(connection, state, limit)]
