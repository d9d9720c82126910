"""Who hears of a group order: the open pages of those who may read it, and notices to its members."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.groups import store
from cloud_relay.groups.store import Group
from cloud_relay.notices import service as notices
from cloud_relay.web.pages import PageEvent, page_event, page_events


def channel(group_id: str) -> str:
    """The page events of a group; who knows the id is in it or holds its link."""
    return f"group:{group_id}"


def tell(connection: Connection, group_id: str, kind: str, now: datetime, **data: Any) -> None:
    """Tell every open page of a group what changed; never whose account it is about."""
    page_event(connection, channel(group_id), kind, {"group_id": group_id, **data}, now)


def tell_end(connection: Connection, group: Group, state: str, notice: str, now: datetime) -> None:
    """Tell every open page that a group is over, and its members by this kind of notice, unless it is empty."""
    events: list[PageEvent] = [(channel(group.group_id), "ended", {"group_id": group.group_id, "state": state})]
    if notice:
        to = [(one["account_id"], notice) for one in store.members(connection, group.group_id)]
        events += notices.write(connection, to, _link(group), now, _titles(group))
    page_events(connection, events, now)


def _link(group: Group) -> str:
    return f"/together/{group.group_id}"


def _titles(group: Group) -> dict[str, str]:
    title = group.terms.title
    return {"title_en": title.en or title.zh, "title_zh": title.zh or title.en}


def notify(
    connection: Connection, group: Group, kind: str, now: datetime, *, but: Iterable[str] = (), **values: str
) -> None:
    """Write a notice to each member but those; `kind` chooses the sentences."""
    left_out = frozenset(but)
    to = [one["account_id"] for one in store.members(connection, group.group_id) if one["account_id"] not in left_out]
    notices.notify(connection, to, kind, _link(group), now, **_titles(group), **values)
