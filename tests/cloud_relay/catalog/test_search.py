"""The search index follows the listings by itself, on both stores alike."""

import pytest
from sqlalchemy import delete, insert, text, update

from cloud_relay.catalog.search_store import newest_titles, search
from cloud_relay.catalog.service import search_words
from cloud_relay.tables import listing, merchant, piece, shop

pytestmark = pytest.mark.both_stores


@pytest.fixture
def shelf(world):
    """A shop without goods, and a way to put some there."""
    world.database.run_now(lambda c: (c.execute(delete(piece)), c.execute(delete(listing))))

    def put(listing_id, title, description="", **values):
        own = {"title_en": title, "title_zh": "", "description_en": description}
        world.listing(listing_id=listing_id, pieces=0, **{**own, **search_words(own), **values})

    world.put = put
    world.find = lambda query, most=100: world.database.read_now(search, query, most).listing_ids
    return world


def change(world, listing_id, **values):
    world.database.run_now(
        lambda c: c.execute(update(listing).where(listing.c.listing_id == listing_id).values(values))
    )


def test_words_in_the_title_come_first_then_the_newest(shelf):
    shelf.put("a", "Teapot 茶壶")
    shelf.put("b", "Tray", "for a teapot 茶壶")
    shelf.put("c", "Teapot, red 红茶壶")
    shelf.put("d", "Red tray")
    assert shelf.find("teapot") == shelf.find("茶壶") == shelf.find("tea") == ["c", "a", "b"]
    assert shelf.find("red teapot") == ["c"]
    assert shelf.find("tray teapot") == ["b"], "one word in the title, one in the text"
    assert shelf.find("") == ["d", "c", "b", "a"]
    assert shelf.find("pot") == shelf.find("壶茶") == shelf.find("?!") == []


def test_a_listing_is_found_while_it_is_published_and_keeps_its_place(shelf):
    shelf.put("a", "Teapot")
    shelf.put("b", "Teapot", state="draft")
    assert shelf.find("teapot") == shelf.find("") == ["a"]
    change(shelf, "b", state="published")
    assert shelf.find("teapot") == shelf.find("") == ["b", "a"]
    change(shelf, "a", state="withdrawn")
    assert shelf.find("teapot") == shelf.find("") == ["b"]
    change(shelf, "a", state="published")
    assert shelf.find("teapot") == shelf.find("") == ["b", "a"], "withdrawing and publishing again buys no better place"


def test_other_words_are_found_at_once_and_the_old_ones_no_more(shelf):
    shelf.put("a", "Teapot", "from Yixing")
    change(shelf, "a", **search_words({"title_en": "Bowl", "description_en": "from Longquan"}))
    assert [shelf.find(query) for query in ("bowl", "longquan", "teapot", "yixing")] == [["a"], ["a"], [], []]
    change(shelf, "a", state="withdrawn", **search_words({"title_en": "Vase"}))
    change(shelf, "a", state="published")
    assert [shelf.find(query) for query in ("vase", "bowl")] == [["a"], []]
    change(shelf, "a", on_hand=3)
    assert shelf.find("vase") == ["a"]


def test_a_deleted_listing_leaves_nothing_behind(shelf):
    shelf.put("a", "Teapot")
    shelf.put("b", "Teapot")
    shelf.database.run_now(lambda c: c.execute(delete(listing).where(listing.c.listing_id == "a")))
    assert shelf.find("teapot") == shelf.find("") == ["b"]
    assert shelf.database.read_now(lambda c: c.scalar(text("SELECT count(*) FROM search_entry"))) == 1


def test_closed_shops_and_merchants_without_leave_are_not_searched(shelf):
    shelf.put("a", "Teapot", title_zh="茶壶")
    titles = lambda language: shelf.database.read_now(newest_titles, language, 10)
    assert (titles("en"), titles("zh")) == (["Teapot"], ["茶壶"])
    shelf.database.run_now(lambda c: c.execute(update(shop).values(is_closed=True)))
    assert shelf.find("teapot") == shelf.find("") == titles("en") == []
    shelf.database.run_now(lambda c: c.execute(update(shop).values(is_closed=False)))
    assert shelf.find("teapot") == ["a"]
    shelf.database.run_now(lambda c: c.execute(update(merchant).values(state="suspended")))
    assert shelf.find("teapot") == shelf.find("") == titles("zh") == []


def test_the_index_of_sqlite_can_be_made_again_from_the_listings(shelf, store):
    if store != "sqlite":
        pytest.skip("FTS5 only: PostgreSQL keeps the words in the row itself")
    shelf.put("a", "Teapot", "from Yixing")
    shelf.put("b", "Teapot", state="draft")
    for word in ("rebuild", "integrity-check"):
        statement = text(f"INSERT INTO listing_search(listing_search) VALUES ('{word}')")
        shelf.database.run_now(lambda c, statement=statement: c.execute(statement))
    assert shelf.find("teapot") == shelf.find("yixing") == ["a"]


@pytest.mark.parametrize("query", ["'", "\\", "teapot' | '", "^teapot", "茶:*", "& !", "\x00tea", "𠮷野家", "ﬁne", "½"])
def test_signs_of_the_index_are_no_commands(shelf, query):
    shelf.put("a", "Teapot 茶 𠮷野家 ﬁne ½")
    assert shelf.find(query) in ([], ["a"])


def test_many_at_once_in_one_statement_are_all_indexed(shelf):
    rows = [
        {"listing_id": f"l{number}", "shop_id": "teahouse", "title_en": "Teapot", "currency": "CNY", "price_minor": 1,
         "state": "published", "attributes": {}, "created_at": shelf.now, **search_words({"title_en": f"Pot {number}"})}
        for number in range(50)
    ]  # fmt: skip
    shelf.database.run_now(lambda c: c.execute(insert(listing), rows))
    assert len(shelf.find("pots")) == 50
    assert shelf.find("pot 7") == ["l7"]


def test_goods_of_years_ago_are_found_after_the_newest_of_them(shelf, store):
    placed = {"oldest": 1, "end": 3999, "next": 4000, "later": 23_000, "last": 160_000, "newest": 164_000}
    for listing_id, entry_no in placed.items():
        if store == "postgres":
            number = text(f"SELECT setval('search_entry_no', {entry_no}, false)")
            shelf.database.run_now(lambda c, number=number: c.execute(number))
        shelf.put(listing_id, "Tray", "teapot") if listing_id == "last" else shelf.put(listing_id, "Teapot")
    everything = ["newest", "later", "next", "end", "oldest", "last"]
    for most in range(1, 8):
        assert shelf.find("teapot", most) == shelf.find("tea", most) == everything[:most]
    assert shelf.find("tray", 9) == ["last"]
    assert shelf.find("", 2) == ["newest", "last"]
