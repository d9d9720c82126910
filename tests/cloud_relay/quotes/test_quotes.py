"""Quote requests in a real database: told, quoted, accepted into an order with its hold, lost, raced for, refused."""

import threading
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.catalog.words import index_text
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.quotes import reading, rules, service
from cloud_relay.refusals import RefusedError
from wire.values import BadValueError

DAY = timedelta(days=1)
MOMENT = timedelta(milliseconds=1)
SHIPPING = 1200


@pytest.fixture
def market(world):
    """Three merchants: mer_1 and mer_2 with teapots, mer_3 with chairs."""
    world.shop("mer_2", "kiln", name_en="Kiln", name_zh="窑")
    world.shop("mer_3", "chairs", name_en="Chairs", name_zh="椅")
    for shop_id, listing_id, english, chinese in (
        ("teahouse", "tea_1", "Yixing teapot", "宜兴紫砂茶壶"), ("kiln", "tea_2", "Blue teapot", "青花茶壶"),
        ("chairs", "chair_1", "Chair", "椅子"),
    ):  # fmt: skip
        text = index_text(english, chinese)
        titles = {"title_en": english, "title_zh": chinese, "search_title": text, "search_text": text}
        world.listing(shop_id, listing_id, pieces=2, price_minor=12000, **titles)
    return world


def ask(world, account_id="ann", **values):
    defaults = {"title": "A teapot, 茶壶", "budget_minor": 10000, "currency": "CNY", "country": "CN",
                "open_until": world.now + DAY}  # fmt: skip
    wish = service.RequestWish(**{**defaults, **values})
    return world.database.run_now(service.request_quotes, account_id, wish, world.now)["quote_request_id"]


def give(world, request_id, merchant_id="mer_2", listing_id="tea_2", **values):
    wish = service.QuoteWish(**{"listing_id": listing_id, "price_minor": 9000, "quoted_until": world.now + DAY / 2,
                                **values})  # fmt: skip
    who = (frozenset({merchant_id}), f"owner_{merchant_id}", request_id, merchant_id)
    return world.database.run_now(service.give_quote, *who, wish, world.now)["quote_id"]


def accept(world, quote_id, account_id="ann", **values):
    args = (account_id, quote_id, world.wish(**values), world.now, world.trade)
    return world.database.run_now(service.accept_quote, *args)


def told(world, account_id, kind):
    where = (tables.notice.c.account_id == account_id, tables.notice.c.kind == kind)
    return len(world.rows(tables.notice, *where))


def orders_of(world, quote_id):
    return world.rows(tables.orders, tables.orders.c.quote_id == quote_id)


@pytest.mark.both_stores
def test_from_request_to_money_at_the_merchant(market):
    request_id = ask(market)
    assert [told(market, f"owner_mer_{number}", "quote_asked") for number in (1, 2, 3)] == [1, 1, 0]
    lost = give(market, request_id, "mer_1", "tea_1", price_minor=9500)
    won = give(market, request_id, note="Fired last week")
    assert told(market, "ann", "quote_received") == 2
    placed = accept(market, won, total_minor=9000 + SHIPPING)
    market.settle(placed[0].payment_id)
    order_id = placed[0].order_id
    assert market.balance(f"escrow:{order_id}") == 9000 + SHIPPING, "order and hold are one step"
    row = market.order(order_id)
    assert (row["price_minor"], row["total_minor"], row["quote_id"]) == (9000, 9000 + SHIPPING, won)
    assert [told(market, f"owner_mer_{number}", "quote_lost") for number in (1, 2, 3)] == [1, 0, 0]
    assert told(market, "owner_mer_2", "quote_accepted") == 1
    market.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED, E.RECEIPT)
    assert market.balance("fees:cn") == (9000 + SHIPPING) // 20, "the commission is of the agreed price"
    assert market.balance("payable:mer_2") == (9000 + SHIPPING) * 19 // 20
    listing = market.rows(tables.listing, tables.listing.c.listing_id == "tea_2")[0]
    assert (listing["on_hand"], listing["reserved"], listing["price_minor"]) == (1, 0, 12000)
    shown = market.database.read_now(reading.read_one, "ann", request_id, market.now)
    assert {one["quote_id"]: one["state"] for one in shown["quotes"]} == {won: "accepted", lost: "lost"}
    assert shown["order_ids"] == [order_id]


@pytest.mark.both_stores
def test_two_accepts_race_to_one_order(market):
    request_id = ask(market)
    quotes = [give(market, request_id, "mer_1", "tea_1"), give(market, request_id), give(market, request_id)]
    begin, won, refused = threading.Barrier(len(quotes)), [], []

    def run(quote_id):
        begin.wait(30)
        try:
            won.append(accept(market, quote_id)[0].order_id)
        except RefusedError as error:
            refused.append(error.type)

    threads = [threading.Thread(target=run, args=(one,)) for one in quotes]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert len(won) == 1
    assert refused == ["quote_accepted_already"] * 2
    assert len(market.rows(tables.orders)) == 1
    assert len(market.rows(tables.payment)) == 1


def test_a_quote_is_accepted_once(market):
    request_id = ask(market)
    first, second = give(market, request_id, "mer_1", "tea_1"), give(market, request_id)
    accept(market, first)
    for quote_id in (first, second):
        with pytest.raises(RefusedError, match="quote_accepted_already"):
            accept(market, quote_id)
    assert len(market.rows(tables.orders)) == 1


@pytest.mark.parametrize(("late", "is_good"), [(-MOMENT, True), (timedelta(0), False), (MOMENT, False)])
def test_an_expired_quote_binds_nobody(market, late, is_good):
    request_id = ask(market, open_until=market.now + 2 * DAY)
    quote_id = give(market, request_id, quoted_until=market.now + DAY)
    market.now += DAY + late
    if is_good:
        assert accept(market, quote_id)
        return
    with pytest.raises(RefusedError, match="quote_expired"):
        accept(market, quote_id)
    assert orders_of(market, quote_id) == []


@pytest.mark.parametrize(("late", "is_good"), [(-MOMENT, True), (timedelta(0), False), (MOMENT, False)])
def test_after_a_request_nothing_is_accepted_or_quoted(market, late, is_good):
    request_id = ask(market)
    quote_id = give(market, request_id, quoted_until=market.now + 2 * DAY)
    market.now += DAY + late
    if is_good:
        give(market, request_id, "mer_1", "tea_1")
        assert accept(market, quote_id)
        return
    for work in (lambda: accept(market, quote_id), lambda: give(market, request_id)):
        with pytest.raises(RefusedError, match="quote_request_expired"):
            work()
    for _ in range(2):
        market.database.run_now(service.tell_ends, market.now)
    assert told(market, "ann", "quote_request_expired") == 1


def test_what_is_sold_meanwhile_cannot_be_accepted(market):
    quote_id = give(market, ask(market))
    for _ in range(2):
        market.place("bob", listing_id="tea_2")
    with pytest.raises(RefusedError, match="out_of_stock"):
        accept(market, quote_id)
    assert orders_of(market, quote_id) == []
    again = market.rows(tables.quote_request)[0]
    assert again["state"] == "open", "the refused acceptance left nothing behind"


def test_the_very_piece_that_was_quoted_is_sold(market):
    quote_id = give(market, ask(market), piece_id="tea_2_p1")
    placed = accept(market, quote_id)
    line = market.rows(tables.order_line, tables.order_line.c.order_id == placed[0].order_id)[0]
    assert line["piece_id"] == "tea_2_p1"
    other = give(market, ask(market), piece_id="tea_2_p0")
    market.confirm("bob", "tea_2_p0")
    with pytest.raises(RefusedError, match="out_of_stock"):
        accept(market, other)


def test_a_piece_that_the_shopper_confirmed_while_looking_is_the_one(market):
    quote_id = give(market, ask(market))
    kept = market.confirm("ann", "tea_2_p1")
    placed = accept(market, quote_id)
    assert placed[0].parcel_id == kept.parcel_id
    assert market.order(placed[0].order_id)["price_minor"] == 9000


def test_several_pieces_are_orders_of_their_own(market):
    quote_id = give(market, ask(market), quantity=2)
    with pytest.raises(RefusedError, match="price_changed"):
        accept(market, quote_id, total_minor=9000 + SHIPPING)
    placed = accept(market, quote_id, total_minor=2 * (9000 + SHIPPING))
    assert len({one.order_id for one in placed}) == 2
    for one in placed:
        market.settle(one.payment_id)
        assert market.balance(f"escrow:{one.order_id}") == 9000 + SHIPPING


def test_ones_own_request_is_not_quoted(market):
    request_id = ask(market, "owner_mer_2")
    assert told(market, "owner_mer_2", "quote_asked") == 0
    with pytest.raises(RefusedError, match="own_quote_request"):
        give(market, request_id)


def test_who_was_not_told_sees_and_quotes_nothing(market):
    request_id = ask(market)
    with pytest.raises(RefusedError, match="not_found"):
        give(market, request_id, "mer_3", "chair_1")
    with pytest.raises(RefusedError, match="not_found"):
        give(market, request_id, "mer_2", "tea_1")  # another merchant's goods
    with pytest.raises(RefusedError, match="not_found"):
        market.database.read_now(reading.read_for_merchant, "mer_3", request_id, market.now)
    with pytest.raises(RefusedError, match="not_found"):
        accept(market, give(market, request_id), "bob")


def test_sealed_and_open_prices(market):
    for is_sealed, seen in ((True, None), (False, [9500])):
        request_id = ask(market, is_sealed=is_sealed)
        give(market, request_id, "mer_1", "tea_1", price_minor=9500)
        give(market, request_id)
        shown = market.database.read_now(reading.read_for_merchant, "mer_2", request_id, market.now)
        assert shown["other_prices"] == seen
        assert {one["merchant_id"] for one in shown["quotes"]} == {"mer_2"}


def test_withdrawn_requests_and_quotes(market):
    request_id = ask(market)
    quote_id, other = give(market, request_id), give(market, request_id, "mer_1", "tea_1")
    market.database.run_now(service.take_back, frozenset({"mer_2"}), quote_id, market.now)
    with pytest.raises(RefusedError, match="quote_withdrawn"):
        accept(market, quote_id)
    for _ in range(2):
        market.database.run_now(service.withdraw_request, "ann", request_id, market.now)
    assert [told(market, f"owner_mer_{number}", "quote_request_ended") for number in (1, 2)] == [1, 0]
    with pytest.raises(RefusedError, match="quote_request_withdrawn"):
        accept(market, other)
    accepted = give(market, ask(market))
    accept(market, accepted)
    with pytest.raises(RefusedError, match="quote_accepted_already"):
        market.database.run_now(service.take_back, frozenset({"mer_2"}), accepted, market.now)


def test_limits(market):
    for number in range(rules.OPEN_REQUESTS_MAX):
        request_id = ask(market, title=f"teapot number {number + 100}")
    with pytest.raises(RefusedError, match="too_many_open"):
        ask(market)
    for _ in range(rules.QUOTES_MAX):
        give(market, request_id)
    with pytest.raises(RefusedError, match="too_many_quotes"):
        give(market, request_id)
    market.now += DAY
    ask(market)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"title": "x" * 101}, BadValueError), ({"title": "teapot, call 13812345678"}, RefusedError),
        ({"detail": "write to me@example.com"}, RefusedError), ({"title": "I want one"}, RefusedError),
        ({"budget_minor": 0}, BadValueError), ({"title": "   "}, BadValueError),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(market, values, error):
    with pytest.raises(error):
        ask(market, **values)
    assert market.rows(tables.quote_request) == []


def test_contact_data_in_a_quotes_note_is_refused(market):
    with pytest.raises(RefusedError, match="contact_data"):
        give(market, ask(market), note="微信: teaman_88")
    assert market.rows(tables.quote) == []
