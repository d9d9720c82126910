"""Registration data: in which country and area a shopper is, as far as they choose to say."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cloud_relay.records import rules
from cloud_relay.records.hooks import CHANGED
from cloud_relay.tables import shopper_profile
from cloud_relay.web.pages import page_event


def of(connection: Connection, account_id: str) -> dict[str, str]:
    """Return country and area of a shopper, empty where they say nothing."""
    row = connection.execute(select(shopper_profile).where(shopper_profile.c.account_id == account_id)).one_or_none()
    return {"country": (row.country or "") if row else "", "area": row.area if row else ""}


def change(connection: Connection, account_id: str, country: str, area: str, now: datetime) -> dict[str, Any]:
    """Write where a shopper is; both may be empty. RefusedError, BadValueError: no country, no area."""
    values = {"country": rules.clean_country(country) or None, "area": rules.clean_area(area), "changed_at": now}
    own = shopper_profile.c.account_id == account_id
    if connection.scalar(select(shopper_profile.c.account_id).where(own)) is None:
        connection.execute(insert(shopper_profile).values(account_id=account_id, **values))
    else:
        connection.execute(update(shopper_profile).where(own).values(**values))
    page_event(connection, f"account:{account_id}", "profile", {}, now)
    for hear in CHANGED:
        hear(connection, account_id, now)
    return of(connection, account_id)
