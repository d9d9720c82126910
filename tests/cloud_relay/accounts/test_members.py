"""Members: every role × every deed, invitations by link, the last owner."""

from datetime import timedelta

import pytest

from cloud_relay.accounts.roles import MAY, Deed, Role, may
from tests.cloud_relay.site import jpeg

PACKER = {Deed.SEE, Deed.TAKE_IN, Deed.COUNT, Deed.TEACH, Deed.CHECK_BENCH}
OWNER_ALONE = {Deed.PAY_OUT, Deed.CHOOSE_MEMBERS, Deed.APPLY}
EXPECTED = {Role.PACKER: PACKER, Role.MANAGER: set(Deed) - OWNER_ALONE, Role.OWNER: set(Deed)}

REQUESTS = {
    Deed.SEE: ("GET", "/api/merchants/{merchant_id}/goods", None),
    Deed.TAKE_IN: ("POST", "/api/pieces", {"listing_id": "{listing_id}", "code": "fresh"}),
    Deed.COUNT: ("POST", "/api/listings/{listing_id}/stock", {"on_hand": 5, "version": 0}),
    Deed.TEACH: ("PATCH", "/api/pieces/{piece_id}", {"spot": {"camera": "front"}}),
    Deed.CHECK_BENCH: ("POST", "/api/shops/{shop_id}/bench-checks", None),
    Deed.LIST: ("PATCH", "/api/listings/{listing_id}", {"title_en": "Other"}),
    Deed.KEEP_SHOP: ("PATCH", "/api/shops/{shop_id}", {"name_en": "Other"}),
    Deed.LET_BOX_IN: ("POST", "/api/shops/{shop_id}/claim", {}),
    Deed.CANCEL_ORDER: ("POST", "/api/orders/{order_id}/cancel", {}),
    Deed.ANNOUNCE: (
        "POST", "/api/announcements",
        {"shop_id": "{shop_id}", "title_en": "x", "shown_until": "2036-01-01T00:00:00.000Z"},
    ),
    Deed.SEE_MONEY: ("GET", "/api/merchants/{merchant_id}/money", None),
    Deed.PAY_OUT: ("POST", "/api/merchants/{merchant_id}/payouts", {"amount_minor": 1, "currency": "CNY"}),
    Deed.CHOOSE_MEMBERS: ("GET", "/api/merchants/{merchant_id}/members", None),
    Deed.APPLY: ("GET", "/api/merchants/{merchant_id}/application", None),
    Deed.APPROVE_PAYOUT: ("POST", "/api/payout-approvals/{approval_id}/refuse", {"reason": "x"}),
}  # fmt: skip
"""One request for each deed."""
NEEDS_MORE = (Deed.CANCEL_ORDER, Deed.APPROVE_PAYOUT)
"""What needs an order or a payout that waits: their own tests ask for it."""


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("deed", Deed)
def test_the_table_says_who_may_do_what(role, deed):
    assert may(role, deed) is (deed in EXPECTED[role])


def test_every_role_and_deed_stands_in_the_table_and_strangers_may_nothing():
    assert set(MAY) == set(Role)
    assert set(REQUESTS) == set(Deed)
    assert not any(may("cleaner", deed) for deed in Deed)


async def join(site, merchant_id, owner, name, role):
    """Make an account that is a member in this role; return its headers and id."""
    headers = site.account(name)
    body = {"email": f"{name}@example.org", "role": role}
    made = await site.call("POST", f"/api/merchants/{merchant_id}/invitations", body, owner, 201)
    token = made["url"].rsplit("/", 1)[-1]
    await site.call("POST", f"/api/invitations/{token}/accept", {}, headers)
    return headers, (await site.call("GET", "/api/me", headers=headers))["account_id"]


async def test_the_api_allows_each_role_what_the_table_says_and_nothing_else(site):
    merchant_id, shop_id, owner = await site.merchant("mo", cameras=[{"camera": "front"}])
    listing_id, pieces = await site.listing(shop_id, owner)
    things = {
        "merchant_id": merchant_id, "shop_id": shop_id, "listing_id": listing_id, "piece_id": pieces[0],
        "order_id": "ord_none", "approval_id": "apv_none",
    }  # fmt: skip
    people = {Role.OWNER: owner}
    for role in (Role.MANAGER, Role.PACKER):
        people[role], _ = await join(site, merchant_id, owner, role.value, role.value)
    wrong = []
    for role, headers in people.items():
        for deed, (method, path, body) in REQUESTS.items():
            if deed in NEEDS_MORE:
                continue
            filled = {
                key: value.format(**things) if isinstance(value, str) else value for key, value in (body or {}).items()
            }
            answer = await site.call(method, path.format(**things), filled or None, headers, None)
            is_barred = answer.status_code == 403 and answer.json()["type"].endswith("role_may_not")
            if is_barred is may(role, deed) or answer.status_code == 404:
                wrong.append((role, deed, answer.status_code, answer.text[:200]))
    assert wrong == []


async def test_a_packer_cannot_cancel_an_order_and_a_manager_can(site):
    merchant_id, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner)
    ann = site.account("ann")
    address = {"name": "Ann", "lines": ["Lane 1"], "city": "X", "country": "CN"}
    body = {"listing_id": listing_id, "address": address, "payment_method": "sandbox:ok", "agrees_photo_window": True}
    answer = await site.call("POST", "/api/orders", body, ann, None)
    order_id = answer.json()["order_id"]
    packer, _ = await join(site, merchant_id, owner, "pat", "packer")
    manager, _ = await join(site, merchant_id, owner, "max", "manager")
    path = f"/api/orders/{order_id}"
    assert (await site.call("GET", path, headers=packer))["order_id"] == order_id
    refused = await site.call("POST", f"{path}/cancel", {}, packer, 403)
    assert refused["type"].endswith("role_may_not")
    await site.call("POST", f"{path}/cancel", {}, manager)


async def test_only_the_invited_address_gets_in_and_the_link_works_once(site):
    merchant_id, _, owner = await site.merchant("mo")
    path = f"/api/merchants/{merchant_id}/invitations"
    made = await site.call("POST", path, {"email": "Pat@Example.org ", "role": "packer"}, owner, 201)
    link = f"/api/invitations/{made['url'].rsplit('/', 1)[-1]}/accept"
    thief, pat = site.account("thief"), site.account("pat")
    refused = await site.call("POST", link, {}, thief, 403)
    assert "pat@example.org" in refused["title_en"]
    await site.call("POST", link, {}, pat)
    assert (await site.call("GET", "/api/merchants/mine", headers=pat))["merchants"][0]["role"] == "packer"
    await site.call("POST", link, {}, pat, 404)
    again = await site.call("POST", path, {"email": "pat@example.org", "role": "owner"}, owner, 409)
    assert again["type"].endswith("member_already")


async def test_an_invitation_ends_by_withdrawal_by_a_newer_one_and_by_the_clock(site):
    merchant_id, _, owner = await site.merchant("mo")
    path, pat = f"/api/merchants/{merchant_id}/invitations", site.account("pat")

    async def invite():
        made = await site.call("POST", path, {"email": "pat@example.org", "role": "packer"}, owner, 201)
        return made["invitation_id"], f"/api/invitations/{made['url'].rsplit('/', 1)[-1]}/accept"

    _, older = await invite()
    newer_id, newer = await invite()
    await site.call("POST", older, {}, pat, 404)
    await site.call("DELETE", f"{path}/{newer_id}", headers=owner)
    await site.call("POST", newer, {}, pat, 404)
    _, last = await invite()
    site.clock.forward(timedelta(days=7).total_seconds())
    await site.call("POST", last, {}, pat, 404)
    found = await site.call("GET", f"/api/merchants/{merchant_id}/members", headers=owner)
    assert found["invitations"] == []


async def test_the_last_owner_stays_and_a_removed_member_is_out_at_once(site):
    merchant_id, shop_id, owner = await site.merchant("mo")
    own_id = (await site.call("GET", "/api/me", headers=owner))["account_id"]
    path = f"/api/merchants/{merchant_id}/members"
    for method, body in (("DELETE", None), ("PATCH", {"role": "packer"})):
        refused = await site.call(method, f"{path}/{own_id}", body, owner, 409)
        assert refused["type"].endswith("last_owner")
    other, other_id = await join(site, merchant_id, owner, "pat", "packer")
    await site.call("PATCH", f"{path}/{other_id}", {"role": "owner"}, owner)
    await site.call("PATCH", f"{path}/{own_id}", {"role": "packer"}, owner)
    await site.call("PATCH", f"/api/shops/{shop_id}", {"name_en": "x"}, owner, 403)
    await site.call("DELETE", f"{path}/{own_id}", headers=owner)
    await site.call("GET", f"/api/merchants/{merchant_id}/goods", headers=owner, status=404)
    await site.call("DELETE", f"{path}/{own_id}", headers=other, status=404)


async def test_a_packer_may_leave_but_remove_nobody(site):
    merchant_id, _, owner = await site.merchant("mo")
    packer, packer_id = await join(site, merchant_id, owner, "pat", "packer")
    _, other_id = await join(site, merchant_id, owner, "lee", "packer")
    path = f"/api/merchants/{merchant_id}/members"
    await site.call("DELETE", f"{path}/{other_id}", headers=packer, status=403)
    await site.call("DELETE", f"{path}/{packer_id}", headers=packer)
    assert (await site.call("GET", "/api/merchants/mine", headers=packer))["merchants"] == []


async def test_a_packer_adds_no_picture(site):
    merchant_id, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner)
    packer, _ = await join(site, merchant_id, owner, "pat", "packer")
    files = {"picture": ("x.jpg", jpeg(40, 30), "image/jpeg")}
    await site.call("POST", f"/api/listings/{listing_id}/pictures", headers=packer, files=files, status=403)
