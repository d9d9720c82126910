"""Saved addresses over HTTP: what fits a label is kept once, what does not is refused, and nobody reaches another's."""

from cloud_relay.accounts import addresses, rules

HOME = {"title": "Home", "name": "Ann", "lines": ["Lane 1"], "postal_code": "310000", "city": "杭州", "country": "cn"}
PATH = "/api/me/addresses"


async def listed(site, who):
    found = (await site.call("GET", PATH, headers=who))["addresses"]
    return [(one["title"], one["is_default"]) for one in found]


async def test_an_address_is_saved_changed_deleted_and_taken_back(site):
    ann = site.account("ann")
    home = await site.call("POST", PATH, HOME, ann, 201)
    assert (home["country"], home["is_default"]) == ("CN", True)
    office = await site.call("POST", PATH, {**HOME, "title": "Office"}, ann, 201)
    one = f"{PATH}/{office['address_id']}"
    await site.call("POST", f"{one}/default", {}, ann)
    await site.call("PUT", one, {**HOME, "title": "Work", "city": "Berlin"}, ann)
    assert await listed(site, ann) == [("Work", True), ("Home", False)]
    await site.call("DELETE", one, headers=ann)
    await site.call("DELETE", one, headers=ann, status=404)
    assert await listed(site, ann) == [("Home", True)]
    await site.call("POST", f"{one}/restore", {}, ann)
    assert sorted(await listed(site, ann)) == [("Home", True), ("Work", False)]


async def test_the_same_key_saves_once(site):
    ann = {**site.account("ann"), "Idempotency-Key": "k-1"}
    first, second = [await site.call("POST", PATH, HOME, ann, 201) for _ in range(2)]
    assert first == second and len(await listed(site, ann)) == 1


async def test_somebody_elses_address_is_not_there(site):
    ann, bob = site.account("ann"), site.account("bob")
    one = f"{PATH}/{(await site.call('POST', PATH, HOME, ann, 201))['address_id']}"
    await site.call("PUT", one, {**HOME, "name": "Bob"}, bob, 404)
    await site.call("DELETE", one, headers=bob, status=404)
    for deed in ("default", "restore"):
        await site.call("POST", f"{one}/{deed}", {}, bob, 404)
    await site.call("GET", PATH, status=401)
    assert await listed(site, bob) == [] and await listed(site, ann) == [("Home", True)]


UNFIT = [
    {"name": " "}, {"name": "^XA\u202e"}, {"name": "x" * 101}, {"name": None}, {"lines": []}, {"lines": [" "]},
    {"lines": ["x"] * 5}, {"lines": ["x" * 10_000]}, {"lines": "Lane 1"}, {"city": "a\nb"}, {"country": "Germany"},
    {"country": "1\u0661"}, {"country": "  "}, {"phone": "x" * 41}, {"title": "x" * 41}, {"title": "a\x00b"},
    {"is_default": "perhaps"}, {"account_id": "bob"}, {"postal_code": "\u2067123"},
]  # fmt: skip


async def test_what_fits_no_label_is_refused_with_its_reason(site):
    ann = site.account("ann")
    for changed in UNFIT:
        refused = await site.call("POST", PATH, {**HOME, **changed}, ann, 422)
        assert refused["title_en"] and refused["title_zh"], changed
    assert await listed(site, ann) == []


async def test_there_are_so_many_at_most_and_a_deleted_one_takes_no_place(site):
    ann = site.account("ann")
    for number in range(rules.ADDRESSES_MAX):
        last = await site.call("POST", PATH, {**HOME, "title": f"{number}"}, ann, 201)
    assert (await site.call("POST", PATH, HOME, ann, 409))["type"].endswith("too_many_addresses")
    one = f"{PATH}/{last['address_id']}"
    await site.call("DELETE", one, headers=ann)
    await site.call("POST", PATH, HOME, ann, 201)
    refused = await site.call("POST", f"{one}/restore", {}, ann, 409)
    assert refused["type"].endswith("too_many_addresses"), "taken back it would be one too many"
    site.clock.forward(addresses.UNDO.total_seconds() + 1)
    await site.call("POST", f"{one}/restore", {}, ann, 404)
    assert len(await listed(site, ann)) == rules.ADDRESSES_MAX
