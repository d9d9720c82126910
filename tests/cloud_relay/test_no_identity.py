"""Nobody reads who another shopper is: every GET route there is, walked as one who shares everything with them.

Ann and Bob are in one group order, one suggestion, one shop at one time, and write to each other as asker and owner.
Routes are taken from the rooms themselves and their ids from every table, so that a new route is walked by itself.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice, product
from random import Random
from typing import Any

from sqlalchemy import select
from starlette.routing import Route

from cloud_relay import rooms, tables
from cloud_relay.groups import chat, service
from cloud_relay.owners import asking, talking
from cloud_relay.records import consent
from cloud_relay.tables import metadata
from cloud_relay.web.events import _may_read
from cloud_relay.web.principal import find_principal
from tests.cloud_relay.suggestions.suggestion_world import Together
from tests.cloud_relay.trade_world import World

NAME, STREET, PHONE = "Canary Feather", "Nestbox Lane 77", "+86 139 0000 7788"
NICKNAME = "plumage"
"""Shown to groups and to those in the same shop, where one comes in under it; never where one asks an owner."""
STREAMS = {"/api/events"}
"""Ends never; what it tells is looked at in page_event, channel by channel."""
COMBINATIONS_MAX = 30
IDS_MAX = 12


@dataclass
class Shared:
    """Two shoppers with all that they share."""

    site: Any
    ids: dict[str, str]
    headers: dict[str, dict[str, str]]

    def canaries(self) -> dict[str, str]:
        own = {"e-mail": f"{NICKNAME}@example.org", "name": NAME, "street": STREET, "phone": PHONE}
        return {**own, "account id": self.ids[NICKNAME]}


async def share(site) -> Shared:
    """Build the world in which Ann (known as plumage) and Bob share what two shoppers may share."""
    shared = Shared(site, {}, {})
    for name in (NICKNAME, "bob", "cai", "dan"):
        shared.headers[name] = site.account(name)
        shared.ids[name] = (await site.call("GET", "/api/me", headers=shared.headers[name]))["account_id"]
    address = {"name": NAME, "lines": [STREET], "city": "Hangzhou", "country": "CN", "phone": PHONE}
    await site.call("POST", "/api/me/addresses", address, shared.headers[NICKNAME], 201)
    world = World(site.db, now=site.clock.now())
    together = Together(world)
    world.shop()
    together.good("lis_tea")
    for account_id in shared.ids.values():
        world.add(tables.shopper_profile, account_id=account_id, country="CN", area="West Lake", changed_at=world.now)
        for use in consent.Use:
            together.run(consent.give, account_id, use, world.now)
        together.bought(account_id, "lis_tea")
    ann, bob = shared.ids[NICKNAME], shared.ids["bob"]
    _group_and_suggestion(together, ann, bob)
    _visits(world, (ann, bob))
    for asker, asked in ((bob, ann), (ann, bob)):
        _talk(together, asker, asked)
    return shared


def _group_and_suggestion(together: Together, ann: str, bob: str) -> None:
    for number, count in ((1, 5), (2, 2)):
        together.promotion(promotion_id=f"pro_{number}", count=count)
    group_id = together.run(service.start, ann, "pro_1", "lis_tea", together.now)
    together.run(service.join, bob, group_id, together.now)
    for who in (ann, bob):
        together.run(chat.say, who, group_id, "Shall we?", together.now)
        together.wish(who)
    assert together.look(ann), "there is no suggestion: the promotions of this world bring nothing"


def _visits(world: World, people: tuple[str, str]) -> None:
    for number, who in enumerate(people):
        world.add(
            tables.visit,
            account_id=who,
            shop_id="teahouse",
            person_id=f"psn_{number}",
            is_visible=True,
            nickname=(NICKNAME, "bob")[number],
            came_at=world.now,
            present_until=world.now + timedelta(hours=2),
        )
        world.add(tables.in_hand, account_id=who, shop_id="teahouse", listing_id="lis_tea", variant_id="", quantity=1,
                  taken_at=world.now)  # fmt: skip


def _talk(together: Together, asker: str, asked: str) -> None:
    found = together.run(asking.list_owners, asker, "lis_tea", 30, together.now, Random(1))["owners"]
    stands = {row["owner_id"]: row["account_id"] for row in together.world.rows(tables.listed_owner)}
    owner_id = next(one["owner_id"] for one in found if stands[one["owner_id"]] == asked)
    talk = together.run(asking.ask, asker, owner_id, "Does it pour?", together.now, Random(2))
    together.run(talking.write, talk["talk_id"], asked, "It does.", together.now)


def known(site) -> dict[str, list[str]]:
    """Return for each name of a column the values that stand under it anywhere, to be put into addresses."""

    def read(connection):
        found: dict[str, list[str]] = {}
        for table in metadata.sorted_tables:
            for column in table.columns:
                rows = connection.scalars(select(column).distinct().where(column.is_not(None)).limit(IDS_MAX))
                found.setdefault(column.name, []).extend(str(one) for one in rows if isinstance(one, str) and one)
        return found

    return site.db.read_now(read)


def addresses(site) -> list[str]:
    """Return every address that GET answers at, with ids of this world; one that no table knows is `unknown`."""
    values, found = known(site), []
    for route in (one for router in rooms.ROUTERS for one in router.routes if isinstance(one, Route)):
        if "GET" not in (route.methods or ()) or route.path in STREAMS:
            continue
        names = re.findall(r"\{(\w+)(?::\w+)?\}", route.path)
        choices = [list(dict.fromkeys(values.get(name, [])))[:IDS_MAX] or ["unknown"] for name in names]
        for chosen in islice(product(*choices), COMBINATIONS_MAX):
            path = route.path
            for name, value in zip(names, chosen, strict=True):
                path = re.sub(rf"\{{{name}(?::\w+)?\}}", value.replace("\\", ""), path)
            found.append(path)
    return found


async def walk(shared: Shared, who: str) -> dict[str, str]:
    """Return what every address answers to somebody, headers and all, where it answers with something."""
    told = {}
    for path in addresses(shared.site):
        shared.site.http.cookies.clear()
        answer = await shared.site.http.get(path, headers=shared.headers[who], params={"q": "tea"})
        if answer.status_code < 400:
            told[path] = f"{answer.headers} {answer.content.decode(errors='replace')}"
    return told


def heard(shared: Shared, who: str) -> dict[str, str]:
    """Return what the event stream would tell somebody, by channel."""
    token = shared.headers[who]["Authorization"].removeprefix("Bearer ")

    def read(connection):
        principal = find_principal(connection, token, shared.site.clock.now(), "en")
        rows = connection.execute(select(tables.page_event)).mappings().all()
        return {
            f"{row['channel']} {row['kind']}": repr(row["data"]) for row in rows
            if _may_read(connection, principal, row["channel"], shared.site.clock.now())
        }  # fmt: skip

    return shared.site.db.read_now(read)


def leaks(told: dict[str, str], canaries: dict[str, str]) -> list[str]:
    """Return where a canary sings."""
    return [f"{name} at {path}" for path, text in told.items() for name, word in canaries.items() if word in text]


async def test_who_shares_everything_with_somebody_reads_nowhere_who_they_are(site):
    shared = await share(site)
    told = await walk(shared, "bob")
    assert leaks(told, shared.canaries()) == []
    assert leaks(heard(shared, "bob"), shared.canaries()) == []
    nicknamed = {path: text for path, text in told.items() if "talk" in path or "owner" in path or "/mutes" in path}
    assert leaks(nicknamed, {"nickname": NICKNAME}) == []
    seen = {path.split("/")[1] if not path.startswith("/api") else "/".join(path.split("/")[:3]) for path in told}
    assert seen >= {"/api/groups", "/api/suggestions", "/api/owner-talks", "/api/visits", "together", "here", "account"}


async def test_the_canaries_sing_where_they_may(site):
    """The control: on their own walk, e-mail, address and all are found, so the search finds what there is."""
    shared = await share(site)
    told = await walk(shared, NICKNAME)
    assert {one.split(" at ")[0] for one in leaks(told, shared.canaries())} == set(shared.canaries())
    assert leaks(heard(shared, "bob"), {"talk": "talk_id"}), "events of what they share reach the other one"
