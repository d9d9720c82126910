"""The rebate queue over HTTP: the switch, a shopper's own tickets, withdrawing with the password, what is public."""

import hashlib
import json

from cloud_relay import put_back
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.rebates import timers
from cloud_relay.tables import high_water, idempotency_key, rebate_account
from tests.cloud_relay.site import Site
from tests.cloud_relay.trade_world import World

ON = {"is_on": True, "feed_ppm": 500_000, "wait_s": 0, "reason": "the ministry's letter 7"}
SWITCH, SETTLE = "/api/operator/rebates/default", "/api/operator/rebates/default/settlements"


async def received(site: Site, shopper_id: str) -> str:
    """Let somebody order and receive; return the currency."""
    _, shop_id, owner = await site.merchant(f"of-{shopper_id[-4:]}")
    listing_id, _ = await site.listing(shop_id, owner, price_minor=100_000)
    world = World(site.db, now=site.clock.now())
    order_id = world.paid_order(shopper_id, listing_id)
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED, E.RECEIPT)
    return str(world.order(order_id)["currency"])


async def test_from_the_switch_to_a_withdrawal(site):
    olga, ann = site.account("olga", is_operator=True), site.account("ann")
    ann_id = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    await site.call("GET", "/api/rebates/default", status=404)
    decided = await site.call("PUT", SWITCH, ON, olga)
    assert (decided["operator"], decided["is_on"], decided["cap_ppm"]) == ("olga", True, 200_000)
    currency = await received(site, ann_id)
    mine = await site.call("GET", "/api/me/rebates", headers=ann)
    assert [(one["is_coming"], one["cap_minor"]) for one in mine["tickets"]] == [(True, 20_000)]
    assert (await site.call("GET", mine["tickets"][0]["link"], headers=ann, status=None)).status_code == 200
    body = {"name": "first", "currency": currency}
    await site.call("POST", SETTLE, {**body, "name": "2030-01-02"}, olga, 422)
    done = await site.call("POST", SETTLE, body, olga)
    assert done["paid_minor"] == 2_500
    assert await site.call("POST", SETTLE, body, olga) == done
    body = {"market": "default", "currency": currency, "amount_minor": 2_400}
    asked = await site.call("POST", "/api/me/rebate-withdrawals", body, ann, 201)
    path = f"/api/me/rebate-withdrawals/{asked['withdrawal_id']}/confirm"
    wrong = await site.call("POST", path, {"password": "a wrong sentence"}, ann, 403)
    assert wrong["type"].endswith("bad_password")
    await site.call("POST", path, {"password": site.password}, site.account("bob"), 404)
    keyed = {**ann, "Idempotency-Key": "confirm-1"}
    await site.call("POST", path, {"password": "a wrong sentence"}, keyed, 403)
    confirmed = await site.call("POST", path, {"password": site.password}, keyed)
    assert confirmed["state"] == "confirmed"
    for headers in (keyed, ann):
        assert (await site.call("POST", path, {"password": site.password}, headers)) == confirmed
    await site.call("POST", path, {"password": "a wrong sentence"}, keyed, 403)
    sent = json.dumps({"password": site.password}, separators=(",", ":"), ensure_ascii=False).encode()
    for said in (sent, sent.replace(b":", b": ")):
        plain = hashlib.sha256(json.dumps(["POST", path]).encode() + b"\n" + said).hexdigest()
        kept = site.db.read_now(lambda connection: connection.execute(idempotency_key.select()).mappings().all())
        assert [row["key"] for row in kept] == ["confirm-1"]
        assert kept[0]["request_sha256"] != plain, "a guessed password would be proved by it"
    mine = await site.call("GET", "/api/me/rebates", headers=ann)
    assert (mine["balances"][0]["amount_minor"], mine["withdrawals"][0]["payout_state"]) == (100, "started")
    refused = await site.call("POST", "/api/me/rebate-withdrawals", {**body, "amount_minor": 101}, ann, 409)
    assert refused["available_minor"] == 100
    public = await site.call("GET", "/api/rebates/default")
    assert public["queues"][0]["batches"][0]["paid_minor"] == 2_500
    proof = await site.call("GET", f"/api/rebates/default/{currency}/settlements/first")
    assert proof["lines"] == [[1, 2_500]]
    everything = repr([public, proof, await site.call("GET", f"/api/rebates/default/{currency}/line")])
    assert ann_id not in everything
    assert "ann@" not in everything


async def test_terms_and_markets_that_cannot_be(site):
    olga = site.account("olga", is_operator=True)
    await site.call("PUT", "/api/operator/rebates/nowhere", ON, olga, 404)
    refused = await site.call("PUT", SWITCH, {**ON, "cap_ppm": 1_000_000}, olga, 422)
    assert "cap_ppm" in refused["title"]
    await site.call("PUT", SWITCH, {**ON, "reason": "  "}, olga, 422)
    await site.call("PUT", SWITCH, {**ON, "surprise": 1}, olga, 422)
    await site.call("GET", "/api/rebates/default", status=404)
    await site.call("PUT", SWITCH, {**ON, "is_on": False}, olga)
    await site.call("POST", SETTLE, {"name": "x", "currency": "CNY"}, olga, 404)
    site.account("early")
    await site.call("PUT", SWITCH, ON, olga)
    site.account("new")
    rows = site.db.read_now(lambda connection: connection.execute(rebate_account.select()).all())
    assert [row.opened_by for row in rows] == ["registering"], "who registers while it is on has an account at once"


async def test_the_clock_settles_each_queue_once_a_day_and_the_pages_say_so(site):
    olga, ann = site.account("olga", is_operator=True), site.account("ann")
    ann_id = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    assert "返利未开启" in (await site.call("GET", "/rebates?lang=zh", status=None)).text
    assert await timers.work_once(site.relay) == 0
    await site.call("PUT", SWITCH, ON, olga)
    await received(site, ann_id)
    assert [await timers.work_once(site.relay) for _ in range(2)] == [1, 0]
    site.clock.forward(86_400)
    marked = high_water.insert().values(name=put_back.MARK, at=site.clock.now())
    site.db.run_now(lambda connection: connection.execute(marked))
    assert await timers.work_once(site.relay) == 0, "not while a relay that was put back is not reconciled"
    site.db.run_now(put_back.clear_mark)
    assert await timers.work_once(site.relay) == 1
    queue = (await site.call("GET", "/api/rebates/default"))["queues"][0]
    assert [one["name"] for one in queue["batches"]] == ["2030-01-02", "2030-01-01"]
    await site.call("PUT", SWITCH, ON | {"reason": "again"}, olga)
    for path, who, words in (
        ("/rebates?lang=en", None, ["No investment, no interest", "olga", "again", "letter 7"]),
        ("/rebates?lang=zh", None, ["不是投资", "结算公示"]),
        ("/account/rebates?lang=en", ann, ["Place 1 in line", "Withdraw"]),
        ("/operator/rebates?lang=en", olga, ["Your name, olga", "Settle now", 'value="by-hand-3"']),
    ):
        answer = await site.call("GET", path, headers=who, status=None)
        assert answer.status_code == 200
        text = answer.text.replace("&#39;", "'")
        assert [one for one in words if one not in text] == [], path
    await site.call("PUT", SWITCH, {**ON, "is_on": False}, olga)
    site.clock.forward(86_400)
    assert await timers.work_once(site.relay) == 0
