"""What somebody who is in a shop sees: what they hold, each promotion's distance, and with whom they would reach it.

Of others nothing leaves but a nickname, a random name of their visit, and their share where it is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.catalog.reading import missing as not_there
from cloud_relay.catalog.variant_rules import titled
from cloud_relay.groups import store as groups
from cloud_relay.groups.store import Group
from cloud_relay.on_site import rules, store
from cloud_relay.on_site.rules import Present
from cloud_relay.promotions import reading as promotions
from cloud_relay.promotions import store as promotion_store
from cloud_relay.records import consent
from cloud_relay.records.uses import Use
from cloud_relay.showroom.rules import code_in
from wire.promotions import Promotion, missing
from wire.values import format_time

PROMOTIONS_MAX = 10
"""What ends first; each is searched for a set of people at every change."""


@dataclass(frozen=True, slots=True)
class Look:
    """Who is in a shop as one of them may see it: `own`, the `others`, who of them is in a group of which promotion."""

    own: Present
    others: tuple[Present, ...]
    nicknames: dict[str, str]
    account_ids: dict[str, str]
    """For the room alone: neither key nor value of this leaves it together."""
    apart: frozenset[frozenset[str]]
    groups: dict[str, tuple[Group, tuple[str, ...]]]
    """Own groups at the counter by promotion, with the accounts of their members."""
    taken: frozenset[tuple[str, str]]
    """(promotion, person) of who is in another group of that promotion."""

    def free(self, promotion_id: str) -> list[Present]:
        """Return the others who are in no group of this promotion."""
        return [one for one in self.others if (promotion_id, one.person_id) not in self.taken]

    def proposal(self, row: RowMapping) -> tuple[Present, ...]:
        """Return the fewest people who reach a promotion together, oneself first; nothing when there are none."""
        if row["promotion_id"] in self.groups:
            return ()
        return rules.choose(promotions.terms(row), self.own, self.free(row["promotion_id"]), self.apart)


def look(connection: Connection, own: RowMapping, now: datetime) -> Look:
    """Return what one visit may know of the others; of nobody when it is not seen itself."""
    account_id, shop_id = own["account_id"], own["shop_id"]
    is_seen = own["is_visible"] and consent.has(connection, account_id, Use.ON_SITE)
    seen = store.seen_by(connection, account_id, shop_id, now) if is_seen else []
    by_account = {row["account_id"]: row["person_id"] for row in (own, *seen)}
    lines: dict[str, list[RowMapping]] = {one: [] for one in by_account}
    for row in store.held(connection, shop_id, by_account, now):
        lines[row["account_id"]].append(row)
    people = {one: Present(person_id, store.brought(lines[one], person_id)) for one, person_id in by_account.items()}
    open_groups = _open_groups(connection, shop_id, now)
    return Look(
        own=people.pop(account_id), others=tuple(people.values()),
        nicknames={row["person_id"]: row["nickname"] for row in (own, *seen)},
        account_ids={person_id: one for one, person_id in by_account.items()},
        apart=frozenset(
            frozenset(by_account[one] for one in pair) for pair in store.muted_pairs(connection, by_account)
        ),
        groups={group.promotion_id: (group, ids) for group, ids in open_groups if account_id in ids},
        taken=frozenset(
            (group.promotion_id, by_account[one]) for group, ids in open_groups for one in ids if one in by_account
        ),
    )  # fmt: skip


def _open_groups(connection: Connection, shop_id: str, now: datetime) -> list[tuple[Group, tuple[str, ...]]]:
    """Return the groups at this shop's counter that still wait, with the accounts of their members.

    Whom all others left is in no group any more, and free to ask again.
    """
    found = []
    for group_id in store.open_groups(connection, shop_id, now):
        group = groups.load(connection, group_id)
        ids = tuple(one["account_id"] for one in groups.members(connection, group_id))
        if group is not None and len(ids) > 1:
            found.append((group, ids))
    return found


def of_visit(connection: Connection, account_id: str, shop_id: str, now: datetime) -> dict[str, Any]:
    """Return a shop's page for somebody who may be in it; RefusedError for a shop that is not open here."""
    shop = store.shop_of(connection, shop_id)
    if shop is None:
        raise not_there()
    own = store.find(connection, account_id, shop_id, now)
    found: dict[str, Any] = {
        "shop": {"shop_id": shop_id, "name": {"en": shop["name_en"], "zh": shop["name_zh"]}},
        "currency": shop["currency"], "visit": None, "in_hand": [], "total_minor": 0,
        "has_consent": consent.has(connection, account_id, Use.ON_SITE), "promotions": [],
    }  # fmt: skip
    rows = [row for row in promotion_store.running(connection, now, shop_id=shop_id) if row["is_at_counter"]]
    if own is None:
        return found | {"promotions": [promotions.shown(row) for row in rows[:PROMOTIONS_MAX]]}
    seen = look(connection, own, now)
    hand = [_line(row) for row in store.held(connection, shop_id, [account_id], now)]
    return found | {
        "visit": {"present_until": format_time(own["present_until"]), "is_visible": own["is_visible"]},
        "in_hand": hand, "total_minor": sum(one["sum_minor"] for one in hand),
        "promotions": [_promotion(seen, row) for row in rows[:PROMOTIONS_MAX]],
    }  # fmt: skip


def beside_goods(
    connection: Connection, account_id: str | None, shop_id: str, now: datetime, *, listing_id: str = "", tag: str = ""
) -> dict[str, Any]:
    """Return what the pages of shop, listing and tag say of buying together there: `promotions`, and one's own `here`.

    `here` is nothing without the tag that was scanned, and for the shop's own people.
    """
    found = promotions.on_page(connection, now, shop_id=shop_id, listing_id=listing_id)
    tag_id, here = code_in(tag), None
    if tag_id and not (account_id and store.works_for(connection, account_id, shop_id)):
        here = {"tag_id": tag_id, "is_here": store.is_here(connection, account_id, shop_id, now)}
    return {"promotions": found, "here": here}


def _line(row: RowMapping) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("listing_id", "variant_id", "quantity", "price_minor")},
        "title": titled({"en": row["title_en"], "zh": row["title_zh"]}, row["choices"]),
        "sum_minor": row["price_minor"] * row["quantity"],
    }


def _promotion(seen: Look, row: RowMapping) -> dict[str, Any]:
    """Return a promotion with one's own distance, how many others are short of it, and who together reach it."""
    terms = promotions.terms(row)
    lacking = missing(terms, seen.own.items)
    [alone] = rules.shares(terms, [seen.own])
    own_group = seen.groups.get(row["promotion_id"])
    proposed = seen.proposal(row)
    return {
        **promotions.shown(row), "is_mine": rules.weight(terms, seen.own.items) > 0,
        "own_minor": alone.share_minor + alone.saving_minor, "missing": _distance(lacking),
        "is_reached": lacking.is_nothing, "saving_minor": alone.saving_minor,
        "others_short": sum(rules.is_short(terms, one) for one in seen.free(row["promotion_id"])),
        "together": _set_of(seen, terms, proposed) if proposed else None,
        "group": _group(seen, *own_group) if own_group else None,
    }  # fmt: skip


def _distance(lacking: Any) -> dict[str, int]:
    return {"minor": lacking.minor, "pieces": lacking.pieces, "people": lacking.people}


def _set_of(seen: Look, terms: Promotion, some: Sequence[Present]) -> dict[str, Any]:
    each = rules.shares(terms, some)
    return {
        "people": [
            {
                "person_id": one.person_id, "nickname": seen.nicknames[one.person_id], "share_minor": one.share_minor,
                "is_own": one.person_id == seen.own.person_id,
            }
            for one in each
        ],
        "saving_minor": sum(one.saving_minor for one in each), "own_saving_minor": each[0].saving_minor,
        "missing": _distance(missing(terms, [item for one in some for item in one.items])),
    }  # fmt: skip


def _group(seen: Look, group: Group, account_ids: Sequence[str]) -> dict[str, Any]:
    """Return a group at the counter as it stands: who of it may be seen here, what each pays, what is missing."""
    inside = [one for one in seen.others if seen.account_ids[one.person_id] in account_ids]
    return {
        "group_id": group.group_id, "state": group.state, "close_until": format_time(group.close_until),
        "not_here": len(account_ids) - len(inside) - 1, **_set_of(seen, group.terms, (seen.own, *inside)),
    }  # fmt: skip
