"""Signing up, in and out; guessing; addresses; merchants."""

import pytest

from cloud_relay.accounts import rules
from cloud_relay.refusals import RefusedError
from wire.values import BadValueError

NEW = {"email": "Mei@Example.org", "password": "a long sentence", "nickname": "梅"}


async def test_an_account_is_made_and_signed_in(site):
    made = await site.call("POST", "/api/accounts", NEW, status=201)
    assert made["account"]["email"] == "mei@example.org"
    assert not made["account"]["is_operator"]
    me = await site.call("GET", "/api/me", headers={"Authorization": f"Bearer {made['token']}"})
    assert me["nickname"] == "梅"
    assert me["csrf"] == made["csrf"]
    again = await site.call("POST", "/api/accounts", {**NEW, "email": "mei@example.ORG"}, status=409)
    assert again["type"].endswith("email_taken")


@pytest.mark.parametrize(
    "change",
    [{"email": "mei"}, {"email": "mei@localhost"}, {"password": "short"}, {"password": "password"},
     {"password": "mei@example.org"}, {"nickname": ""}, {"nickname": "a\u202eb"}, {"nickname": "x" * 41},
     {"language": "fr"}, {"is_operator": True}, {"account_id": "acc_1"}],
)  # fmt: skip
async def test_a_bad_sign_up_is_refused_with_a_word(site, change):
    answer = await site.call("POST", "/api/accounts", {**NEW, **change}, status=422)
    assert answer["title_zh"]
    assert answer["detail"]


async def test_the_cookie_is_for_pages_and_needs_the_token_for_changes(site):
    made = await site.http.post("/api/accounts", json=NEW)
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await site.http.get("/api/me")).status_code == 200
    change = {"nickname": "Mei"}
    assert (await site.http.patch("/api/me", json=change)).status_code == 403
    csrf = {"X-CSRF-Token": made.json()["csrf"]}
    assert (await site.http.patch("/api/me", json=change, headers=csrf)).status_code == 200
    foreign = {**csrf, "Origin": "https://evil.example"}
    assert (await site.http.patch("/api/me", json=change, headers=foreign)).status_code == 403
    sideways = {**csrf, "Sec-Fetch-Site": "cross-site"}
    assert (await site.http.patch("/api/me", json=change, headers=sideways)).status_code == 403
    assert (await site.http.patch("/api/me", json=change, headers={**csrf, "Origin": "null"})).status_code == 403
    assert (await site.http.post("/api/sign-out", headers=csrf)).status_code == 204
    assert (await site.http.get("/api/me")).status_code == 401


async def test_a_foreign_page_cannot_sign_somebody_in(site):
    site.account("ann")
    body = {"email": "ann@example.org", "password": site.password}
    answer = await site.http.post("/api/sign-in", json=body, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


async def test_sign_in_with_the_right_password_only(site):
    site.account("ann")
    right = await site.call("POST", "/api/sign-in", {"email": " ANN@example.org ", "password": site.password})
    assert right["account"]["nickname"] == "ann"
    wrong = await site.call("POST", "/api/sign-in", {"email": "ann@example.org", "password": "wrong pass"}, status=401)
    absent = await site.call("POST", "/api/sign-in", {"email": "bob@example.org", "password": "wrong pass"}, status=401)
    assert wrong == absent, "nobody learns which addresses have accounts"


async def test_guessing_is_stopped_for_the_guesser_alone(site):
    site.account("ann")
    body = {"email": "ann@example.org", "password": "wrong pass"}
    answers = [(await site.http.post("/api/sign-in", json=body)).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
    right = {"email": "ann@example.org", "password": site.password}
    assert (await site.http.post("/api/sign-in", json=right)).status_code == 429
    transport = site.http._transport
    client, transport.client = transport.client, ("198.51.100.7", 1)
    assert (await site.http.post("/api/sign-in", json=right)).status_code == 200, "her own network still gets in"
    transport.client = client
    site.http.cookies.clear()
    site.clock.forward(901)
    assert (await site.http.post("/api/sign-in", json=right)).status_code == 200


async def test_one_address_cannot_try_every_account(site):
    for number in range(100):
        body = {"email": f"a{number}@example.org", "password": "wrong pass"}
        await site.http.post("/api/sign-in", json=body)
    body = {"email": "fresh@example.org", "password": "wrong pass"}
    assert (await site.http.post("/api/sign-in", json=body)).status_code == 429


async def test_a_sign_in_ends(site):
    headers = site.account("ann")
    site.clock.forward(30 * 86400 - 1)
    await site.call("GET", "/api/me", headers=headers)
    site.clock.forward(1)
    await site.call("GET", "/api/me", headers=headers, status=401)


async def test_a_new_password_ends_other_sign_ins(site):
    headers = site.account("ann")
    other = await site.call("POST", "/api/sign-in", {"email": "ann@example.org", "password": site.password})
    site.http.cookies.clear()
    body = {"password": "not it at all", "new_password": "another sentence"}
    await site.call("POST", "/api/me/password", body, headers, 403)
    await site.call("POST", "/api/me/password", {**body, "password": site.password}, headers, 204)
    await site.call("GET", "/api/me", headers=headers)
    await site.call("GET", "/api/me", headers={"Authorization": f"Bearer {other['token']}"}, status=401)
    await site.call("POST", "/api/sign-in", {"email": "ann@example.org", "password": site.password}, status=401)
    await site.call("POST", "/api/sign-in", {"email": "ann@example.org", "password": "another sentence"})


ADDRESS = {"name": "王小明", "lines": ["西湖路 1 号"], "postal_code": "310000", "city": "杭州", "country": "cn"}


async def test_addresses_are_kept_for_oneself(site):
    ann, bob = site.account("ann"), site.account("bob")
    saved = await site.call("POST", "/api/me/addresses", ADDRESS, ann, 201)
    assert saved["country"] == "CN"
    (shown,) = (await site.call("GET", "/api/me/addresses", headers=ann))["addresses"]
    assert shown == saved
    assert (await site.call("GET", "/api/me/addresses", headers=bob))["addresses"] == []
    await site.call("DELETE", f"/api/me/addresses/{saved['address_id']}", headers=bob, status=404)
    await site.call("DELETE", f"/api/me/addresses/{saved['address_id']}", headers=ann)


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [("name", "Ann\x1b@\x1dV\x00Bob", 422), ("name", "^XZ^XA~JA 🎁", 201), ("lines", ["x" * 300], 201),
     ("lines", ["x" * 301], 422), ("lines", ["a\nb"], 422), ("lines", [" "], 422), ("city", "\u200b", 422),
     ("country", "1A", 422), ("name", "A\u202eB", 422)],
)  # fmt: skip
async def test_what_a_label_cannot_bear_is_refused(site, field, value, status):
    ann = site.account("ann")
    answer = await site.call("POST", "/api/me/addresses", {**ADDRESS, field: value}, ann, status)
    assert status == 201 or field in answer["detail"]


async def test_a_merchant_applies_and_is_decided(site):
    ann, olga = site.account("ann"), site.account("olga", is_operator=True)
    body = {"name_zh": "老茶馆", "contact": "杭州\n0571"}
    applied = await site.call("POST", "/api/merchants", body, ann, 201)
    assert applied["state"] == "pending"
    path = f"/api/operator/merchants/{applied['merchant_id']}/decide"
    await site.call("POST", path, {"state": "verified"}, ann, 404)
    await site.call("POST", path, {"state": "suspended", "reason": "x"}, olga, 409)
    decided = await site.call("POST", path, {"state": "refused", "reason": "no such firm"}, olga)
    assert (decided["state"], decided["reason"]) == ("refused", "no such firm")
    await site.call("POST", path, {"state": "verified"}, olga)
    (mine,) = (await site.call("GET", "/api/merchants/mine", headers=ann))["merchants"]
    assert (mine["state"], mine["role"]) == ("verified", "owner")
    listed = await site.call("GET", "/api/operator/merchants?state=verified", headers=olga)
    assert [one["merchant_id"] for one in listed["merchants"]] == [applied["merchant_id"]]
    await site.call("POST", "/api/merchants", {"contact": "x"}, ann, 422)


@pytest.mark.parametrize(
    ("state", "decision"), [(a, b) for a in rules.MERCHANT_DECISIONS for b in (*rules.MERCHANT_DECISIONS,)]
)
def test_every_decision_is_decided(state, decision):
    if decision in rules.MERCHANT_DECISIONS[state]:
        rules.check_decision(state, decision)
    else:
        with pytest.raises(RefusedError):
            rules.check_decision(state, decision)


@pytest.mark.parametrize(
    "email", ["a@b", "a b@c.de", "a@@b.de", "@b.de", "a@-b.de", "a@b.de\r\nBcc: x@y.z", "x" * 250 + "@b.de"]
)
def test_what_is_no_address_is_refused(email):
    with pytest.raises(BadValueError):
        rules.clean_email(email)
