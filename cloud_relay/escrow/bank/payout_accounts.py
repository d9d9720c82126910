"""Where merchants are paid out: one account for each provider; a change is told to every member."""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from cloud_relay.escrow.bank.service import NAME, clean_account
from cloud_relay.notices import service as notices
from cloud_relay.tables import payout_account
from wire.values import BadValueError, clean_text

STRIPE = "stripe"
_STRIPE_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]{8,40}")


def accounts_of(connection: Connection, merchant_id: str) -> list[dict[str, Any]]:
    """Return a merchant's accounts."""
    query = select(payout_account).where(payout_account.c.merchant_id == merchant_id)
    return [dict(row) for row in connection.execute(query.order_by(payout_account.c.provider)).mappings()]


def set_account(
    connection: Connection, merchant_id: str, by: str, now: datetime, *, provider: str, holder: str, account: str,
    bic: str,
) -> dict[str, str]:  # fmt: skip
    """Set where this provider pays a merchant out; BadValueError for a number that cannot be right.

    A payout that is with the bank already goes to the account that it was started with.
    """
    if provider == NAME:
        cleaned = clean_account(holder, account, bic)
        values = {"holder": cleaned.holder, "account": cleaned.iban, "bic": cleaned.bic}
    elif provider == STRIPE and _STRIPE_ACCOUNT.fullmatch(account.strip()):
        values = {"holder": clean_text(holder, "holder", 70), "account": account.strip(), "bic": ""}
    else:
        raise BadValueError("account: an IBAN for bank_transfer, or acct_… for stripe")
    is_it = (payout_account.c.merchant_id == merchant_id, payout_account.c.provider == provider)
    connection.execute(delete(payout_account).where(*is_it))
    row = {"merchant_id": merchant_id, "provider": provider, **values, "changed_at": now, "changed_by": by}
    connection.execute(insert(payout_account).values(row))
    end = values["account"][-4:]
    members = notices.members_of(connection, merchant_id)
    notices.notify(connection, members, "payout_account_changed", "/merchant/money", now, end=end)
    return {"provider": provider, "account": values["account"]}
