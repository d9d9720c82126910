"""Hand-offs: one act, a few minutes, one phone; foreign, used and expired links are all the same nothing."""

from datetime import timedelta

import pytest

from cloud_relay.handoffs import rules, service
from cloud_relay.handoffs.rules import Purpose
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import handoff
from tests.cloud_relay.web.rights import ADDRESS

PHONE, OTHER = {"Cookie": "vitrine_phone=one"}, {"Cookie": "vitrine_phone=two"}


async def reserved(site, name="ann", pieces=1):
    _, shop_id, owner = await site.merchant(f"tea-{name}")
    _, pieces = await site.listing(shop_id, owner, pieces=pieces)
    headers = site.account(name)
    parcels = [
        (await site.call("POST", "/api/reservations", {"piece_id": piece}, headers, 201))["parcel_id"]
        for piece in pieces
    ]
    return headers, parcels


def body(parcel_id):
    return {"parcel_id": parcel_id, "address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True}


async def made(site, purpose, subject="", headers=None):
    answer = await site.call("POST", "/api/handoffs", {"purpose": purpose, "subject": subject}, headers, 201)
    return answer, answer["link"].rpartition("/h/")[2]


async def test_a_link_places_one_order_and_then_is_nothing(site):
    headers, (parcel_id,) = await reserved(site)
    answer, secret = await made(site, "order", parcel_id, headers)
    assert answer["qr"].startswith("data:image/svg+xml;base64,")
    page = await site.call("GET", f"/h/{secret}", headers={"Accept": "text/html"})
    assert "Lane 1" not in page.text
    assert "vitrine_phone=" in page.headers["set-cookie"]
    placed = await site.call("POST", f"/api/handoffs/{secret}/order", body(parcel_id), PHONE, 201)
    assert [order["order_id"] for order in (await site.call("GET", "/api/orders", headers=headers))["orders"]] == [
        placed["order_id"]
    ]
    for phone in (PHONE, OTHER, {}):
        await site.call("POST", f"/api/handoffs/{secret}/order", body(parcel_id), phone, 404)
        await site.call("GET", f"/h/{secret}", headers=phone, status=404)


async def test_what_is_wrong_on_the_form_leaves_the_link_good(site):
    headers, (parcel_id,) = await reserved(site)
    _, secret = await made(site, "order", parcel_id, headers)
    wrong = {**body(parcel_id), "total_minor": 1}
    await site.call("POST", f"/api/handoffs/{secret}/order", wrong, PHONE, 409)
    await site.call("POST", f"/api/handoffs/{secret}/order", body(parcel_id), PHONE, 201)


async def test_a_link_is_for_its_own_parcel_and_purpose_only(site):
    headers, (one, other) = await reserved(site, pieces=2)
    _, secret = await made(site, "order", one, headers)
    await site.call("POST", f"/api/handoffs/{secret}/order", body(other), PHONE, 404)
    await site.call("POST", f"/api/handoffs/{secret}/words", {"text": "x"}, PHONE, 404)
    await site.call("POST", f"/api/handoffs/{secret}/let-in", {}, {**headers, **PHONE}, 404)
    await site.call("POST", f"/api/handoffs/{secret}/order", {**body(""), "listing_id": "lis_1"}, PHONE, 404)


async def test_nobody_hands_over_what_is_not_theirs(site):
    headers, (parcel_id,) = await reserved(site)
    bob = site.account("bob")
    ask = {"purpose": "order", "subject": parcel_id}
    await site.call("POST", "/api/handoffs", ask, bob, 404)
    await site.call("POST", "/api/handoffs", ask, None, 401)
    await site.call("POST", "/api/handoffs", {"purpose": "remote", "subject": "ses_none"}, headers, 404)


@pytest.mark.parametrize("purpose", [Purpose.ORDER, Purpose.WORDS, Purpose.SIGN_IN])
async def test_an_expired_link_does_nothing(site, purpose):
    headers, (parcel_id,) = await reserved(site)
    _, secret = await made(site, purpose.value, parcel_id, headers)
    await site.call("GET", f"/h/{secret}", headers=PHONE)
    site.clock.forward(rules.LIFE_S[purpose])
    await site.call("GET", f"/h/{secret}", headers=PHONE, status=404)
    await site.call("POST", f"/api/handoffs/{secret}/order", body(parcel_id), PHONE, 404)
    await site.call("POST", f"/api/handoffs/{secret}/words", {"text": "x"}, PHONE, 404)
    await site.call("POST", f"/api/handoffs/{secret}/let-in", {}, {**headers, **PHONE}, 404)


async def test_a_television_is_let_in_once_and_only_itself(site):
    ann = site.account("ann")
    answer, secret = await made(site, "sign_in")
    claim = {"handoff_id": answer["handoff_id"], "screen": answer["screen"]}
    await site.call("POST", "/api/handoffs/claim", claim, status=404)
    await site.call("POST", f"/api/handoffs/{secret}/let-in", {}, PHONE, 401)
    await site.call("POST", f"/api/handoffs/{secret}/let-in", {}, {**ann, **PHONE}, 202)
    await site.call("POST", "/api/handoffs/claim", {**claim, "screen": "guessed"}, status=404)
    fresh = await site.call("POST", "/api/handoffs/claim", claim)
    me = await site.call("GET", "/api/me", headers={"Authorization": f"Bearer {fresh['token']}"})
    assert me["nickname"] == "ann"
    site.http.cookies.clear()
    await site.call("POST", "/api/handoffs/claim", claim, status=404)


def row(purpose, now, **values):
    return {
        "purpose": purpose,
        "expires_until": rules.until(purpose, now),
        "used_at": None,
        "phone_sha256": "",
        **values,
    }


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize(("left_s", "is_good"), [(1, True), (0, False), (-1, False)])
def test_the_last_second_counts_and_no_more(world, purpose, left_s, is_good):
    made_at = world.now - timedelta(seconds=rules.LIFE_S[purpose] - left_s)
    if is_good:
        rules.check(row(purpose, made_at), purpose, "one", world.now)
    else:
        with pytest.raises(RefusedError):
            rules.check(row(purpose, made_at), purpose, "one", world.now)


def test_a_remote_works_again_for_the_first_phone_and_for_no_other(world):
    used = row(Purpose.REMOTE, world.now, used_at=world.now, phone_sha256=rules.hash_of("one"))
    rules.check(used, Purpose.REMOTE, "one", world.now)
    with pytest.raises(RefusedError) as refused:
        rules.check(used, Purpose.REMOTE, "two", world.now)
    assert refused.value.type == "another_phone"


def test_two_phones_at_once_are_one(world):
    """Both looked before either used: the second one's update finds nothing."""
    run = world.database.run_now
    made = run(service.make, Purpose.WORDS, "", None, world.now)
    run(service.use, made.secret, Purpose.WORDS, "one", world.now)
    for phone in ("one", "two", ""):
        with pytest.raises(RefusedError):
            run(service.use, made.secret, Purpose.WORDS, phone, world.now)
    assert made.secret not in repr(world.rows(handoff))
