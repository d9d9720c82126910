"""Withdrawing rebates in two steps: what was asked for is shown again, and leaves when it is confirmed in time."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts.service import missing
from cloud_relay.escrow import ledger, payouts
from cloud_relay.escrow import rules as money
from cloud_relay.rebates import rules, store
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import format_time, new_id

ASKED, CONFIRMED, GIVEN_UP = "asked", "confirmed", "given_up"
CONFIRM_S = 600
"""Ten minutes to look at it once more: somebody else's hand on an open page later finds nothing to confirm."""
DAY = timedelta(days=1)
PAYS_SHOPPERS = frozenset({"sandbox"})
"""Providers that can pay somebody whose bank account they do not know from us; the others ask for a merchant's."""


def ask(
    connection: Connection, account_id: str, market: str, currency: str, amount_minor: int, now: datetime
) -> dict[str, Any]:
    """Take the first step; nothing moves yet. An earlier one that was not confirmed is given up.

    RefusedError: not that much, too little, or more than one day allows.
    """
    _check(connection, account_id, market, currency, amount_minor, now)
    store.replace_asked(connection, account_id)
    row = {
        "withdrawal_id": new_id("wdr"), "account_id": account_id, "market": market, "amount_minor": amount_minor,
        "currency": currency, "state": ASKED, "asked_at": now, "until": now + timedelta(seconds=CONFIRM_S),
    }  # fmt: skip
    store.insert_withdrawal(connection, row)
    _tell(connection, account_id, now)
    return shown(row)


def confirm(
    connection: Connection, account_id: str, withdrawal_id: str, provider: str, now: datetime
) -> dict[str, Any]:
    """Take the second step: the money leaves the rebate account and is paid. Confirmed again it is the same one.

    RefusedError when it waits no longer, or when in the meantime there is less.
    """
    row = _own(connection, account_id, withdrawal_id)
    if row["state"] == CONFIRMED:
        return shown(row)
    if row["state"] != ASKED or row["until"] <= now:
        raise _over()
    market, currency, amount = row["market"], row["currency"], row["amount_minor"]
    _check(connection, account_id, market, currency, amount, now)
    out = payouts.start_withdrawal(connection, account_id, market, amount, currency, provider, now)
    values = {"state": CONFIRMED, "confirmed_at": now, "payout_id": out.payout_id}
    if not store.move_withdrawal(connection, withdrawal_id, values):
        raise _over()
    _tell(connection, account_id, now)
    return shown(dict(row) | values)


def give_up(connection: Connection, account_id: str, withdrawal_id: str, now: datetime) -> dict[str, Any]:
    """Give up what was asked for and not confirmed."""
    row = _own(connection, account_id, withdrawal_id)
    if not store.move_withdrawal(connection, withdrawal_id, {"state": GIVEN_UP}):
        raise _over()
    _tell(connection, account_id, now)
    return shown(dict(row) | {"state": GIVEN_UP})


def choose_provider(names: tuple[str, ...]) -> str:
    """Return who pays a withdrawal; RefusedError when nobody here can pay shoppers."""
    able = [name for name in names if name in PAYS_SHOPPERS]
    if not able:
        raise RefusedError(
            "no_provider", "No payment provider here can pay rebates; the operator must set one up",
            "尚无可支付返利的渠道，请联系运营方",
        )  # fmt: skip
    return able[0]


def _over() -> RefusedError:
    return RefusedError("withdrawal_over", "This is not waiting any more; ask for it again", "该申请已失效，请重新提交")


def _own(connection: Connection, account_id: str, withdrawal_id: str) -> RowMapping:
    row = store.find_withdrawal(connection, account_id, withdrawal_id)
    if row is None:
        raise missing()
    return row


def _check(
    connection: Connection, account_id: str, market: str, currency: str, amount_minor: int, now: datetime
) -> None:
    has = ledger.balance(connection, money.rebate(market, account_id), currency)
    gone = store.withdrawn_since(connection, account_id, market, currency, now - DAY)
    rules.check_withdrawal(amount_minor, has, gone, store.terms_of(connection, market))


def _tell(connection: Connection, account_id: str, now: datetime) -> None:
    page_event(connection, f"account:{account_id}", "rebate", {}, now)


def shown(row: RowMapping | dict[str, Any]) -> dict[str, Any]:
    """Return a withdrawal as its shopper sees it."""
    plain = ("withdrawal_id", "market", "amount_minor", "currency", "state")
    return {
        **{name: row[name] for name in plain}, "asked_at": format_time(row["asked_at"]),
        "until": format_time(row["until"]),
    }  # fmt: skip
