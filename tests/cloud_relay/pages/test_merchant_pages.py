"""A merchant's pages by role, the day close from the book, and tables that spreadsheets open safely."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from cloud_relay.accounts.roles import Role
from cloud_relay.catalog import plan_changes
from cloud_relay.escrow import day_close
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.pages.desk import glances_of
from cloud_relay.pages.merchant_members import DEED_WORDS, ROLE_WORDS
from tests.cloud_relay.accounts.test_members import join

PAGES = {
    "/merchant": "see", "/merchant/orders": "see", "/merchant/listings": "see", "/merchant/stock": "see",
    "/merchant/news": "see", "/merchant/promotions": "see", "/merchant/money": "see_money",
    "/merchant/money/day": "see_money",
    "/merchant/money.csv": "see_money", "/merchant/money/day.csv": "see_money",
    "/merchant/members": "choose_members", "/merchant/listings/new": "list", "/merchant/shops/new": "keep_shop",
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_each_role_sees_its_pages_and_an_answer_elsewhere(site, language):
    merchant_id, shop_id, owner = await site.merchant("mo", cameras=[{"camera": "front"}])
    listing_id, pieces = await site.listing(shop_id, owner)
    people = {"owner": owner}
    for role in (Role.MANAGER, Role.PACKER):
        people[role.value], _ = await join(site, merchant_id, owner, role.value, role.value)
    barred = {"owner": set(), "manager": {"choose_members"},
              "packer": {"see_money", "choose_members", "list", "keep_shop"}}  # fmt: skip
    for role, headers in people.items():
        html = {**headers, "Accept": "text/html"}
        for path, deed in PAGES.items():
            answer = await site.call("GET", f"{path}?lang={language}", headers=html, status=None)
            assert answer.status_code == (403 if deed in barred[role] else 200), (role, path, answer.text[:300])
        for path in (f"/merchant/listings/{listing_id}", f"/merchant/shops/{shop_id}",
                     f"/merchant/pieces/{pieces[0]}/teach"):  # fmt: skip
            assert (await site.call("GET", path, headers=html, status=None)).status_code == 200
        tabs = (await site.call("GET", "/merchant", headers=html, status=None)).text
        assert ("/merchant/members?" in tabs) is (role == "owner")
        assert ("/merchant/money?" in tabs) is (role != "packer")


def test_every_deed_and_role_has_words_in_both_languages():
    assert {*ROLE_WORDS} == {*Role}
    assert all(en and zh for en, zh in [*ROLE_WORDS.values(), *DEED_WORDS.values()])


async def test_an_invitations_page_says_who_invites_and_a_dead_link_says_so(site):
    merchant_id, _, owner = await site.merchant("mo")
    path = f"/api/merchants/{merchant_id}/invitations"
    made = await site.call("POST", path, {"email": "pat@example.org", "role": "packer"}, owner, 201)
    link = "/invitation/" + made["url"].rsplit("/", 1)[-1]
    html = {"Accept": "text/html"}
    assert "pat@example.org" in (await site.call("GET", link, headers=html)).text
    gone = await site.call("GET", "/invitation/none?lang=zh", headers=html, status=404)
    assert "邀请已使用或已过期" in gone.text


def test_today_in_numbers_counts_each_order_once_and_keeps_its_places():
    orders = [
        {"held_reason": "", "state": state} for state in ("paid", "paid", "photo_offered", "confirmed", "released")
    ]
    orders.append({"held_reason": "jam", "state": "paid"})
    glances = glances_of(orders, kept=2, questions=0)
    assert [one.count for one in glances] == [1, 0, 2, 1, 1, 2]
    assert [one.is_urgent for one in glances] == [True, False, False, False, False, False]
    assert [one.title["en"] for one in glances] == [one.title["en"] for one in glances_of([], kept=0, questions=0)]


DELIVERED = (OrderEvent.PHOTOGRAPHED, OrderEvent.PHOTO_CONFIRMED, OrderEvent.HANDED_OVER, OrderEvent.DELIVERED)


def close(world, first, after):
    return world.database.read_now(day_close.read_day, "mer_1", first, after)


def test_the_days_add_up_to_the_book(world):
    day = timedelta(days=1)
    start = world.now.replace(hour=0)
    order_id = world.paid_order()
    assert world.database.read_now(day_close.arriving, "mer_1") == [
        {"currency": "CNY", "amount_minor": 10545, "orders": 1}
    ]
    world.now += day
    world.walk(order_id, *DELIVERED, OrderEvent.RECEIPT)
    paid, released, third = (close(world, start + place * day, start + (place + 1) * day) for place in range(3))
    (first,) = paid["sums"]
    assert (first["held_minor"], first["orders"], first["net_minor"]) == (11100, 1, 0)
    (second,) = released["sums"]
    assert (second["gross_minor"], second["commission_minor"], second["net_minor"]) == (11100, 555, 10545)
    assert (paid["balances"], third["lines"]) == ([], [])
    assert released["balances"] == [{"currency": "CNY", "amount_minor": world.balance("payable:mer_1")}]
    assert world.database.read_now(day_close.arriving, "mer_1") == []


def test_a_transfer_belongs_to_the_day_of_its_first_moment(world):
    world.paid_order()
    at, moment = world.now, timedelta(milliseconds=1)
    assert close(world, at, at + moment)["sums"]
    assert close(world, at - moment, at)["sums"] == []
    assert close(world, at + moment, at + 2 * moment)["sums"] == []
    assert world.database.read_now(day_close.read_day, "mer_other", at, at + moment)["lines"] == []


def test_a_day_of_a_clock_change_has_its_own_length():
    lengths = [
        (after - first).total_seconds() / 3600
        for first, after in (
            [one.astimezone(UTC) for one in day_close.bounds(day, "Europe/Berlin")]
            for day in (date(2030, 3, 31), date(2030, 10, 27), date(2030, 6, 1))
        )
    ]
    assert lengths == [23, 25, 24]


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-cmd", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_no_cell_is_a_formula(text):
    (row,) = csv.reader(io.StringIO(day_close.to_csv([[text, "5"]]).removeprefix("\ufeff"), newline=""))
    assert row == ["'" + text, "5"]


@pytest.mark.parametrize("text", ["-5.00", "0", "12.50", "茶壶", "a=b", ""])
def test_numbers_and_plain_words_stay_as_they_are(text):
    assert day_close.safe_cell(text) == text


async def test_the_days_table_opens_in_a_spreadsheet(site):
    _, shop_id, owner = await site.merchant("mo", time_zone="Asia/Shanghai")
    listing_id, _ = await site.listing(shop_id, owner, title_en="=cmd|' /C calc'!A0", title_zh="")
    from tests.cloud_relay.trade_world import World  # noqa: PLC0415  # only here the world stands on a site's database

    site.account("ann")
    ann = await site.call("POST", "/api/sign-in", {"email": "ann@example.org", "password": site.password})
    World(site.db, now=site.clock.now()).paid_order(ann["account"]["account_id"], listing_id)
    answer = await site.call("GET", "/merchant/money/day.csv?lang=en&day=2030-01-01", headers=owner)
    assert answer.headers["content-disposition"] == 'attachment; filename="day-2030-01-01.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    head, line, total = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline=""))
    assert len(head) == len(line) == len(total) == 14
    assert line[0] == "2030-01-01 17:00:00", "in the shop's own zone"
    assert line[3] == "'=cmd|' /C calc'!A0"
    assert (line[4], total[4]) == ("99.00", "99.00")


def test_what_the_shop_does_not_know_yet_is_said_in_words():
    before = {"hours": [], "pieces": [{"piece_id": "a", "code": "A"}, {"piece_id": "b", "code": "B"}]}
    after = {
        "hours": [{"weekday": 0}], "holidays": [],
        "pieces": [{"piece_id": "b", "code": "B", "location": "x"}, {"piece_id": "c", "code": "C"}],
    }  # fmt: skip
    said = plan_changes.changes({**before, "holidays": []}, after)
    assert [one["en"] for one in said] == [
        "opening hours changed", "new pieces: C", "pieces taken out: A",
        "pieces with another place, view or name: B",
    ]  # fmt: skip
    assert all(one["zh"] for one in said)
    assert plan_changes.changes(after, after) == []


async def test_the_shops_page_says_which_plan_is_asked_and_which_applied(site):
    _, shop_id, owner = await site.merchant("mo")
    page = (await site.call("GET", f"/merchant/shops/{shop_id}?lang=en", headers=owner)).text
    assert "Version 1 is asked, 0 is applied" in page
    assert "the whole plan" in page
    assert datetime(2030, 1, 1, tzinfo=UTC) < site.clock.now()
