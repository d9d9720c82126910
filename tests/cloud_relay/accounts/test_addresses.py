"""Saved addresses: a title, one default, changed, deleted and taken back for a day."""

import pytest

from cloud_relay.accounts import addresses
from cloud_relay.refusals import RefusedError

HOME = {"title": "Home", "name": "Ann", "lines": ["Lane 1"], "postal_code": "310000", "city": "杭州", "country": "CN"}


@pytest.fixture
def mine(world):
    class Mine:
        def do(self, use, *args, account="ann"):
            return world.database.run_now(use, account, *args, world.now)

        def list(self):
            found = world.database.read_now(addresses.list_addresses, "ann")
            return [(one["title"], one["is_default"]) for one in found]

        def save(self, title, **values):
            return self.do(addresses.save_address, {**HOME, "title": title, **values})["address_id"]

    return Mine()


def test_the_first_is_the_default_until_another_is_made_so(mine):
    mine.save("Home")
    office = mine.save("Office")
    assert mine.list() == [("Home", True), ("Office", False)]
    mine.do(addresses.make_default, office)
    assert mine.list() == [("Office", True), ("Home", False)]
    mine.save("Aunt", is_default=True)
    assert mine.list()[0] == ("Aunt", True) and sum(is_default for _, is_default in mine.list()) == 1


def test_a_changed_one_stands_where_it_stood(mine):
    home = mine.save("Home")
    mine.do(addresses.change_address, home, {**HOME, "title": "  ", "city": "Berlin", "country": "de"})
    assert mine.list() == [("", True)]


def test_deleted_and_taken_back_within_a_day(mine, world):
    home, _ = mine.save("Home"), mine.save("Office")
    mine.do(addresses.delete_address, home)
    assert mine.list() == [("Office", True)], "another one becomes the default"
    world.later(addresses.UNDO.total_seconds() - 1)
    mine.do(addresses.restore_address, home)
    assert mine.list() == [("Office", True), ("Home", False)]
    mine.do(addresses.delete_address, home)
    world.later(addresses.UNDO.total_seconds())
    with pytest.raises(RefusedError, match="not_found"):
        mine.do(addresses.restore_address, home)


def test_the_only_one_taken_back_is_the_default_again(mine):
    home = mine.save("Home")
    mine.do(addresses.delete_address, home)
    mine.do(addresses.restore_address, home)
    assert mine.list() == [("Home", True)]


def test_anothers_is_not_there(mine):
    home = mine.save("Home")
    for use, *args in (
        (addresses.delete_address, home), (addresses.restore_address, home), (addresses.make_default, home),
        (addresses.change_address, home, HOME),
    ):  # fmt: skip
        with pytest.raises(RefusedError, match="not_found"):
            mine.do(use, *args, account="bob")
    assert mine.list() == [("Home", True)]
