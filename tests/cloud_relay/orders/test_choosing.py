"""Choosing style and number: all or none, with the number that is left; a sample stands for one like it."""

import threading

import pytest
from sqlalchemy import insert, update

from cloud_relay.orders import choosing
from cloud_relay.orders.choosing import Choice
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import listing, piece, reservation, variant

STYLES = (("s", 2, True), ("m", 1, True), ("old", 1, False))


@pytest.fixture
def rack(world):
    """A listing in two sizes, S (two pieces) and M (one), and a third that is not offered any more."""
    world.listing(listing_id="rack", pieces=0, on_hand=4)
    with_one = world.database.run_now
    for place, (variant_id, count, is_offered) in enumerate(STYLES):
        name = {"en": variant_id.upper(), "zh": variant_id}
        values = {"variant_id": variant_id, "listing_id": "rack", "place": place, "choices": [name]}
        with_one(lambda c, v=values, o=is_offered: c.execute(insert(variant).values({**v, "is_offered": o})))
        for number in range(count):
            row = {"piece_id": f"{variant_id}{number}", "code": f"{variant_id}{number}", "variant_id": variant_id}
            own = {**row, "listing_id": "rack", "shop_id": "teahouse"}
            with_one(lambda c, v=own: c.execute(insert(piece).values(v)))
    return world


def choose(world, who, variant_id, quantity=1):
    choice = Choice(listing_id="rack", variant_id=variant_id, quantity=quantity)
    return world.database.run_now(choosing.choose, who, choice, world.now, world.trade)


def refused(world, who, variant_id, quantity=1):
    with pytest.raises(RefusedError) as caught:
        choose(world, who, variant_id, quantity)
    return caught.value


def states(world):
    return {row["piece_id"]: row["state"] for row in world.rows(piece, piece.c.listing_id == "rack")}


def test_all_that_was_chosen_is_kept_under_the_first_parcel(rack):
    kept = choose(rack, "ann", "s", 2)
    assert sorted(one.piece_id for one in kept) == ["s0", "s1"]
    own = rack.rows(reservation)
    assert {row["with_parcel_id"] for row in own} == {None, kept[0].parcel_id}
    assert states(rack) == {"s0": "reserved", "s1": "reserved", "m0": "free", "old0": "free"}
    assert rack.rows(listing, listing.c.listing_id == "rack")[0]["reserved"] == 2


def test_fewer_left_than_wished_keeps_none_and_says_how_many(rack):
    error = refused(rack, "ann", "s", 3)
    assert (error.type, error.extra["in_stock"]) == ("too_few", 2)
    assert set(states(rack).values()) == {"free"}
    choose(rack, "bob", "m")
    assert refused(rack, "ann", "m").type == "out_of_stock"


@pytest.mark.parametrize(
    ("variant_id", "error"), [("", "variant_missing"), ("old", "not_for_sale"), ("nothing", "not_for_sale")]
)
def test_a_style_must_be_named_and_on_offer(rack, variant_id, error):
    assert refused(rack, "ann", variant_id).type in (error, "not_found")
    assert set(states(rack).values()) == {"free"}


def test_a_listing_without_styles_needs_none(world):
    kept = world.database.run_now(
        choosing.choose, "ann", Choice(listing_id="lis_1", quantity=2), world.now, world.trade
    )
    assert len(kept) == 2


def test_looking_at_a_sample_keeps_one_like_it(rack):
    rack.database.run_now(lambda c: c.execute(update(piece).where(piece.c.piece_id == "s0").values(state="sample")))
    rack.database.run_now(lambda c: c.execute(update(listing).where(listing.c.listing_id == "rack").values(on_hand=3)))
    seen = rack.database.run_now(choosing.confirm_seen, "ann", "s0", None, rack.now, rack.trade)
    assert seen.piece_id == "s1"
    other = rack.database.run_now(choosing.confirm_seen, "bob", "m0", None, rack.now, rack.trade)
    assert other.piece_id == "m0", "what is no sample is kept itself"
    assert states(rack)["s0"] == "sample"


@pytest.mark.both_stores
def test_two_who_want_the_last_ones_do_not_share_them(rack):
    outcomes, begin = [], threading.Barrier(2)

    def want(who):
        begin.wait(10)
        try:
            outcomes.append(len(choose(rack, who, "s", 2)))
        except RefusedError as error:
            outcomes.append(error.type)

    threads = [threading.Thread(target=want, args=(who,)) for who in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes, key=str) in ([2, "out_of_stock"], [2, "too_few"])
    assert [states(rack)[name] for name in ("s0", "s1")] == ["reserved", "reserved"]
