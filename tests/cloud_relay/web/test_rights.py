"""Every route with every kind of person: outsiders get 401 or 404 and change nothing, and the right one gets in."""

import re
from datetime import timedelta
from random import Random

from sqlalchemy import insert, select, update

from cloud_relay import muting, rooms, tables
from cloud_relay.groups import chat as group_chat
from cloud_relay.groups import service as groups
from cloud_relay.onboarding import service as onboarding
from cloud_relay.onboarding.vault import vault_in
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.owners import asking, talking
from cloud_relay.rebates import settling, switching, withdrawing
from cloud_relay.rebates.rules import Terms
from cloud_relay.records import consent
from cloud_relay.tables import (
    bulk_change,
    metadata,
    orders,
    owner_talk,
    parcel,
    payout_approval,
    picture,
    purchase,
    viewing_session,
)
from tests.cloud_relay.quotes.clips import clip
from tests.cloud_relay.site import jpeg
from tests.cloud_relay.trade_world import World
from tests.cloud_relay.web.rights import (
    ADDRESS,
    APPLICATION,
    PICKUP_POINT,
    PROMOTION,
    QUOTE,
    QUOTE_REQUEST,
    RIGHTS,
    Right,
)
from wire.values import format_time

UNWATCHED = {"idempotency_key", "sign_in_attempt", "high_water", "page_event", "alembic_version"}
"""Tables of counting and telling, in which an outsider's request may leave a trace."""


async def applied_and_imported(site, merchant_id, shop_id, mo, ned, ann):
    """A draft application of mo's, a sent one of ned's, a table read, a change of many, a payout that waits."""
    now, vault = site.clock.now(), vault_in(site.relay.settings.data_dir)
    ned_id = (await site.call("GET", "/api/merchants/mine", headers=ned))["merchants"][0]["merchant_id"]
    applied = []
    for owner, number in ((merchant_id, "12-345"), (ned_id, "12-346")):
        reach, details = frozenset({owner}), {**APPLICATION, "number": number}
        draft = site.db.run_now(onboarding.save_details, reach, ann, owner, details, vault, now)["application_id"]
        shown = [
            site.db.run_now(onboarding.add_document, reach, draft, kind, jpeg(20, 20), vault, now)["document_id"]
            for kind in ("licence", "identity_front", "other")
        ]
        applied.append((draft, shown[2]))
    site.db.run_now(onboarding.submit, frozenset({ned_id}), applied[1][0], now)
    files = {"table": ("x.csv", b"sku,title_en,price\nimported,x,1")}
    made = await site.call("POST", "/api/goods-imports", headers=mo, files=files, data={"shop_id": shop_id}, status=201)
    rows = [
        insert(bulk_change).values(
            change_id="blk_1", shop_id=shop_id, account_id=ann, what="price_add", rows=[], at=now
        ),
        insert(payout_approval).values(
            approval_id="apv_1", merchant_id=merchant_id, amount_minor=1, currency="CNY", asked_by=ann, asked_at=now,
            until=now + timedelta(days=1),
        ),
    ]  # fmt: skip
    site.db.run_now(lambda c: [c.execute(row) for row in rows])
    return {
        "application_id": applied[0][0], "document_id": applied[0][1], "sent": applied[1][0],
        "sent_document": applied[1][1], "import_id": made["import_id"], "bulk_id": "blk_1", "approval_id": "apv_1",
    }  # fmt: skip


async def quoted(site, merchant_id, ann, mo, tomorrow, listing_id, currency):
    """Ann's quote request and mo's quote to it."""
    body = {**QUOTE_REQUEST, "title": "紫砂茶壶", "currency": currency, "open_until": tomorrow}
    asked = await site.call("POST", "/api/quote-requests", body, ann, 201)
    path = f"/api/merchants/{merchant_id}/quote-requests/{asked['quote_request_id']}/quotes"
    body = {**QUOTE, "listing_id": listing_id, "quoted_until": tomorrow}
    quote = await site.call("POST", path, body, mo, 201)
    path = f"/api/quote-requests/{asked['quote_request_id']}/pictures"
    picture = await site.call("POST", path, headers=ann, files={"picture": ("x.jpg", jpeg(20, 20))}, status=201)
    return {**quote, **picture}


async def in_baskets(site, ann, listing_id, order_id):
    """Something in Ann's basket, an order of hers that came out of one, and a message that she may keep unread."""
    was_paid = update(orders).where(orders.c.order_id == order_id).values(basket_id="bsk_1")
    site.db.run_now(lambda connection: connection.execute(was_paid))
    line = await site.call("POST", "/api/basket/lines", {"listing_id": listing_id}, ann, 201)
    told = (await site.call("GET", "/api/notices", headers=ann))["notices"]
    return {"line_id": line["line_id"], "basket_id": "bsk_1", "notice_id": told[0]["notice_id"]}


async def rebated(site, world, ann, shop_id, mo):
    """Ann received an order whose commission fed the pot; her rebate waits for the second step of its withdrawal."""
    listing_id, _ = await site.listing(shop_id, mo)
    terms = Terms(is_on=True, wait_s=0, withdraw_min_minor=1)
    site.db.run_now(switching.decide, "default", terms, "allowed", ann, world.now)
    order_id = world.paid_order(ann, listing_id)
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED, E.RECEIPT)
    currency = world.order(order_id)["currency"]
    site.db.run_now(settling.settle, "default", currency, "look.css", "clock", world.now)
    asked = site.db.run_now(withdrawing.ask, ann, "default", currency, 1, world.now)
    return {"market": "default", "currency": currency, "withdrawal_id": asked["withdrawal_id"]}


async def invited(site, merchant_id, mo):
    """Pat packs for mo; somebody else is invited and has not answered."""
    packer = site.account("pat")
    packer_id = (await site.call("GET", "/api/me", headers=packer))["account_id"]
    path = f"/api/merchants/{merchant_id}/invitations"
    asked = await site.call("POST", path, {"email": "pat@example.org", "role": "packer"}, mo, 201)
    token = asked["url"].rsplit("/", 1)[-1]
    await site.call("POST", f"/api/invitations/{token}/accept", {}, packer)
    waiting = await site.call("POST", path, {"email": "lee@example.org", "role": "manager"}, mo, 201)
    return {"packer": packer_id, "account_id": packer_id, "invitation_id": waiting["invitation_id"]}


async def wished(site, headers, tomorrow):
    """Ann wishes for tea."""
    body = {"category": "tea", "budget_minor": 1, "currency": "CNY", "wished_until": tomorrow}
    made = await site.call("POST", "/api/me/wishes", body, headers, 201)
    return {"wish_id": made["wish_id"], "use": "suggestions"}


def grouped(site, world, listing_id, ann):
    """Ann's open group order on that listing, in which somebody else said something."""
    shop = next(row for row in world.rows(tables.shop) if world.rows(
        tables.listing, tables.listing.c.listing_id == listing_id)[0]["shop_id"] == row["shop_id"])  # fmt: skip
    world.add(
        tables.promotion, promotion_id="pro_group", shop_id=shop["shop_id"], merchant_id=shop["merchant_id"],
        kind="group_price", title_en="x", listing_ids=[], currency=shop["currency"], count=3, price_minor=1,
        from_at=world.now, until_at=world.now + timedelta(days=9), created_at=world.now, account_id="x",
    )  # fmt: skip
    group_id = site.db.run_now(groups.start, ann, "pro_group", listing_id, world.now)
    other = world.account("other_member")
    member_id = site.db.run_now(groups.join, other, group_id, world.now)
    said = site.db.run_now(group_chat.say, other, group_id, "x", world.now)
    world.add(
        tables.suggestion, suggestion_id="sug_1", promotion_id="pro_group", shop_id=shop["shop_id"], saving_minor=1,
        currency=shop["currency"], created_at=world.now, open_until=world.now + timedelta(days=3),
    )  # fmt: skip
    for account_id in (ann, other):
        world.add(
            tables.suggestion_person, suggestion_id="sug_1", account_id=account_id, person_id=f"per_{account_id}",
            listing_id=listing_id, price_minor=2, saving_minor=1,
            reasons={"near": {"area": "x"}, "wants": []}, sent_at=world.now,
        )  # fmt: skip
    return {"suggestion_id": "sug_1", "group_id": group_id, "member_id": member_id,
            "group_message_id": said["message_id"], "group_promotion_id": "pro_group"}  # fmt: skip


async def asked_and_answered(site, world, listing_id, ann):
    """Three bought it and may be asked; one of them answered Ann, and she muted another under some nickname."""
    people = [world.account(f"owner{number}") for number in range(3)]
    for name in people:
        row = {"purchase_id": name, "account_id": name, "listing_id": listing_id, "shop_id": "x", "merchant_id": "x",
               "price_minor": 1, "currency": "CNY", "how": "online", "bought_at": world.now}  # fmt: skip
        world.add(purchase, **row)
        site.db.run_now(consent.give, name, consent.Use.ASK_OWNERS, world.now)
    found = site.db.run_now(asking.list_owners, ann, listing_id, 30, world.now, Random(1))["owners"]
    talk_id = site.db.run_now(asking.ask, ann, found[0]["owner_id"], "x", world.now, Random(1))["talk_id"]
    asked = site.db.read_now(lambda c: c.scalar(select(owner_talk.c.asked_id)))
    message = site.db.run_now(talking.write, talk_id, asked, "x", world.now)
    mute_id = site.db.run_now(muting.mute, ann, next(name for name in people if name != asked), world.now, "Otter")
    return {"owner_id": found[1]["owner_id"], "talk_id": talk_id, "owner_message_id": message["message_id"],
            "mute_id": mute_id}  # fmt: skip


async def announced_and_promised(site, shop_id, mo, now):
    """An announcement that is shown, and a promotion that begins tomorrow."""
    times = {"from_at": format_time(now + timedelta(days=1)), "until_at": format_time(now + timedelta(days=2))}
    body = {"shop_id": shop_id, "title_en": "x", "shown_until": times["from_at"]}
    announced = await site.call("POST", "/api/announcements", body, mo, 201)
    promised = await site.call("POST", "/api/promotions", {**PROMOTION, "shop_id": shop_id, **times}, mo, 201)
    ids = {"announcement_id": announced["announcement_id"], "promotion_id": promised["promotion_id"]}
    return {**ids, "day_after": times["until_at"]}


class Mall:
    """Things of ann (a shopper) and mo (a merchant); bob and ned are another shopper and another merchant."""

    @classmethod
    async def build(cls, site):
        mall = cls()
        mall.site = site
        merchant_id, shop_id, mo = await site.merchant("mo", cameras=[{"camera": "front"}], gs1_prefix="9521234")
        _, _, ned = await site.merchant("ned")
        mall.people = {"ann": site.account("ann"), "bob": site.account("bob"), "mo": mo, "ned": ned,
                       "olga": site.account("olga", is_operator=True), "nobody": {}}  # fmt: skip
        listing_id, pieces = await site.listing(shop_id, mo, pieces=4, gtin="9521234543213")
        path = f"/api/listings/{listing_id}/pictures"
        files = {"picture": ("x.jpg", jpeg(40, 30), "image/jpeg")}
        picture_shown = await site.call("POST", path, headers=mo, files=files, status=201)
        ann = (await site.call("GET", "/api/me", headers=mall.people["ann"]))["account_id"]
        address = await site.call("POST", "/api/me/addresses", ADDRESS, mall.people["ann"], 201)
        world = World(site.db, now=site.clock.now())
        wish = {"piece_id": pieces[2], "starts_at": "2030-01-01T15:00:00Z"}
        booked = await site.call("POST", "/api/bookings", wish, mall.people["ann"], 201)
        order_id = world.paid_order(ann, listing_id)
        parcel_id = site.db.read_now(lambda c: c.scalar(select(parcel.c.parcel_id)))
        disputed = world.paid_order(ann, listing_id)
        await site.call("POST", f"/api/orders/{disputed}/dispute", {"reason": "x"}, mall.people["ann"], None)
        disputes = (await site.call("GET", "/api/operator/disputes", headers=mall.people["olga"]))["disputes"]
        reserved = world.confirm(ann, pieces[3]).parcel_id
        checkout = await site.call("GET", f"/api/checkout/{reserved}", headers=mall.people["ann"])
        still = site.relay.pictures.put(jpeg(50, 50, "blue"))
        now = site.clock.now()
        tomorrow = format_time(now + timedelta(days=1))
        point = await site.call("POST", f"/api/shops/{shop_id}/pickup-points", PICKUP_POINT, mo, 201)
        told = await announced_and_promised(site, shop_id, mo, now)
        members = await invited(site, merchant_id, mo)
        path = f"/api/listings/{listing_id}/goods-in"
        taken = await site.call("POST", path, {"pieces": [{"code": "in-0"}]}, mo, 201)
        body = {"shop_id": shop_id, "kind": "place", "tags": [{"location": "A-1"}, {"location": "A-2"}]}
        tags = await site.call("POST", "/api/tags", body, mo, 201)
        papers = await applied_and_imported(site, merchant_id, shop_id, mo, ned, ann)
        rows = [
            insert(viewing_session).values(session_id="vs_1", account_id=ann, shop_id=shop_id, piece_id=pieces[0],
                                           camera="front", state="watching", answer={}, created_at=now, changed_at=now),
            insert(picture).values(picture_sha256=still, owner_id=shop_id, kind="still", media_type="image/jpeg",
                                   size_bytes=1, parcel_id=parcel_id, stored_at=now),
        ]  # fmt: skip
        site.db.run_now(lambda c: [c.execute(row) for row in rows])
        basket = await in_baskets(site, mall.people["ann"], listing_id, order_id)
        ann_and_mo = (mall.people["ann"], mo)
        quote = await quoted(site, merchant_id, *ann_and_mo, tomorrow, listing_id, checkout["currency"])
        message = await site.call("POST", f"/api/orders/{order_id}/messages", {"text": "x"}, mo, 201)
        rebates = await rebated(site, world, ann, shop_id, mo) | await wished(site, mall.people["ann"], tomorrow)
        mall.things = {
            **quote, **basket, **papers, **rebates, **told, **members, **grouped(site, world, listing_id, ann),
            **await asked_and_answered(site, world, listing_id, ann),
            "message_id": message["message_id"],
            "ann": ann, "merchant_id": merchant_id, "shop_id": shop_id, "listing_id": listing_id, "piece_id": pieces[2],
            "picture_sha256": picture_shown["picture_sha256"], "still": still, "address_id": address["address_id"],
            "order_id": order_id, "parcel_id": parcel_id, "reserved": reserved, "session_id": "vs_1", "camera": "front",
            "dispute_id": disputes[0]["dispute_id"] if disputes else "dsp_1", "stream_id": "st_wrong",
            "link": f"{parcel_id}.wrong-token", "gtin": "09521234543213", "serial": "1", "sscc": "395212340000000013",
            "change_id": taken["change_id"], "tag_id": tags["tag_ids"][0], "sheet_id": tags["sheet_id"],
            "complaint_id": "cpl_1", "point_id": point["point_id"], "carrier": "manual",
            "tomorrow": tomorrow, "token": "wrong",
            "provider": "sandbox", "frame": "paid", "secret": "wrong", "mail_key": "wrong", "sale_id": "wrong",
            "booking_id": booked["booking_id"], "topic": "photo", "name": "look.css", "_version": "x",
            "password": site.password, "entry_id": "ent_1", "payment_id": "pay_1", "file_id": "pmt_1",
            "method": checkout["payment_methods"][0]["method"],
        }  # fmt: skip
        return mall

    def fill(self, value, right, *, is_absent=False):
        things = {**self.things, **{name: self.things[other] for name, other in right.params}}
        if is_absent:
            things |= {name: "absent" for name in things if name.endswith("_id") or name in ("reserved", "link")}
        if isinstance(value, dict):
            return {name: self.fill(part, right, is_absent=is_absent) for name, part in value.items()}
        if isinstance(value, list):
            return [self.fill(part, right, is_absent=is_absent) for part in value]
        return re.sub(r"\{(\w+)\}", lambda found: things[found[1]], value) if isinstance(value, str) else value

    async def ask(self, right, who, *, is_absent=False):
        path = self.fill(right.path, right, is_absent=is_absent)
        options = {"params": dict([self.fill(right.query, right).split("=", 1)])} if right.query else {}
        headers = {**self.people[who], "Accept": "application/json"}
        if right.body == "pixels":
            options["files"] = {"pixels": ("look", bytes(240 * 240))}
        elif right.body in ("document", "table"):
            content = jpeg(20, 20) if right.body == "document" else b"sku,title_en,price\nx-1,x,1"
            options["files"] = {right.body: ("x", content)}
            options["data"] = {"kind": "licence", "shop_id": self.fill("{shop_id}", right, is_absent=is_absent)}
        elif right.body in ("picture", "clip"):
            content = jpeg(20, 20) if right.body == "picture" else clip()
            options["files"] = {right.body: ("x", content)}
        elif isinstance(right.body, bytes):
            options["content"] = right.body
            headers["Content-Type"] = right.media_type
        elif right.body is not None:
            options["json"] = self.fill(right.body, right, is_absent=is_absent)
        self.site.http.cookies.clear()
        return await self.site.http.request(right.method, path, headers=headers, **options)

    def rows(self):
        def read(connection):
            tables = [table for name, table in metadata.tables.items() if name not in UNWATCHED]
            return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in tables}

        return self.site.db.read_now(read)


OUTSIDERS = {
    "public": (), "signed_in": ("nobody",), "operator": ("nobody", "ann", "mo"),
    "shopper": ("nobody", "bob", "ned", "mo"),
    "merchant": ("nobody", "ann", "ned"), "parties": ("nobody", "bob", "ned"), "secret": ("nobody", "bob", "ned"),
}  # fmt: skip
OWNER = {
    "public": "nobody",
    "signed_in": "ann",
    "operator": "olga",
    "shopper": "ann",
    "merchant": "mo",
    "parties": "ann",
}


def named(right: Right) -> str:
    return f"{right.method} {right.path} {right.who}"


def test_every_route_has_its_line():
    routes = {
        (method, route.path)
        for router in rooms.ROUTERS
        for route in router.routes
        for method in (getattr(route, "methods", None) or {"WS"}) - {"HEAD"}
    }
    listed = {(right.method, right.path) for right in RIGHTS}
    assert routes - listed == set(), "say in rights.py who may use the new route"


async def test_outsiders_get_nothing_and_change_nothing(site):
    mall = await Mall.build(site)
    before, faults = mall.rows(), []
    for right in RIGHTS:
        for who in OUTSIDERS[right.who] if right.method != "WS" else ():
            answer = await mall.ask(right, who)
            is_led = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
            if answer.status_code in (401, 403, 404) or is_led:
                continue
            absent = await mall.ask(right, who, is_absent=True)
            if (answer.status_code, answer.text) != (absent.status_code, absent.text) or answer.is_success:
                faults.append(f"{named(right)} by {who}: {answer.status_code} {answer.text[:300]}")
    assert faults == []
    after = mall.rows()
    assert {name for name in after if after[name] != before[name]} == set()


async def test_the_right_one_may_read(site):
    mall = await Mall.build(site)
    faults = []
    for right in RIGHTS:
        if right.who not in OWNER or right.method != "GET" or right.path == "/api/events":
            continue
        answer = await mall.ask(right, OWNER[right.who])
        allowed = (200, 303, 404, 503, 504) if right.path in NOT_THERE else (200, 303)
        if answer.status_code not in allowed or answer.headers.get("location", "").startswith("/sign-in"):
            faults.append(f"{named(right)}: {answer.status_code} {answer.text[:300]}")
    assert faults == []


NOT_THERE = {
    "/api/operator/bank/files/{file_id}", "/api/parcels/{parcel_id}/carrier/label",
    "/00/{sscc}", "/01/{gtin}/21/{serial}", "/api/viewing/{session_id}/frame.jpg", "/api/viewing/{session_id}/still",
    "/static/{_version}/{name}", "/api/shops/{shop_id}/cameras/{camera}", "/api/viewing/{session_id}/position",
    "/api/viewing/{session_id}/still.jpg", "/api/viewing/{session_id}/zoom",
}  # fmt: skip
"""What is not in this small world: a label printed, a frame sent."""


NEEDS_A_SHOP = (
    "/approve",
    "/bulk-changes",
    "/carrier",
    "/carrier/drop",
    "/take",
    "/payouts",
    "/stock",
    "/counts",
    "/camera-pictures",
    "/bench-checks",
)  # fmt: skip
"""What asks a shop, a bank or the newest version, none of which this small world has."""


async def test_the_owner_may_change(site):
    """The control of the matrix: the very requests that outsiders could not make work for their owner."""
    mall = await Mall.build(site)
    before = mall.rows()
    for right in RIGHTS:
        is_change = right.path.startswith("/api") and right.method in ("POST", "PATCH")
        if right.who != "merchant" or not is_change or right.path.endswith(NEEDS_A_SHOP):
            continue
        answer = await mall.ask(right, "mo")
        assert answer.status_code in (200, 201), f"{named(right)}: {answer.text[:300]}"
    after = mall.rows()
    assert {name for name in after if after[name] != before[name]} >= {
        "listing",
        "piece",
        "shop",
        "claim_code",
        "picture",
    }
