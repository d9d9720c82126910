"""The views of a piece all round: for everybody who may see its listing, and only those whose picture has arrived."""

import hashlib

import pytest
from sqlalchemy import insert

from cloud_relay.catalog import spin_routes
from cloud_relay.catalog.spins import SHOWN_MIN
from cloud_relay.tables import picture, piece_view


def turn(site, piece_id, views, stored):
    """Note views all round; of them only the first `stored` have arrived."""

    def work(connection):
        for number in range(views):
            sha256 = hashlib.sha256(f"{piece_id}{number}".encode()).hexdigest()
            now = site.clock.now()
            connection.execute(insert(picture).values(
                picture_sha256=sha256, owner_id="shop", size_bytes=1, stored_at=now if number < stored else None,
            ))  # fmt: skip
            connection.execute(insert(piece_view).values(
                piece_id=piece_id, view_no=number, angle_deg=number * 10.0, picture_sha256=sha256, taken_at=now,
            ))  # fmt: skip

    site.db.run_now(work)


@pytest.mark.parametrize(("stored", "shown"), [(SHOWN_MIN - 1, 0), (SHOWN_MIN, SHOWN_MIN), (36, 36)])
async def test_views_are_shown_once_there_are_enough_of_them(site, stored, shown):
    _, shop_id, owner = await site.merchant("mo")
    _, (piece_id,) = await site.listing(shop_id, owner)
    turn(site, piece_id, 36, stored)
    told = await site.call("GET", f"/api/pieces/{piece_id}/views")
    assert [one["angle_deg"] for one in told["views"]] == [number * 10.0 for number in range(shown)]
    assert all(one["taken_at"].endswith("Z") for one in told["views"])
    assert told["faces"] == []


async def test_a_drafts_views_are_its_merchants_alone(site):
    _, shop_id, owner = await site.merchant("mo")
    _, stranger_shop, stranger = await site.merchant("lu")
    _, (piece_id,) = await site.listing(shop_id, owner, is_published=False)
    turn(site, piece_id, 36, 36)
    path = spin_routes.router.routes[0].path.format(piece_id=piece_id)
    assert len((await site.call("GET", path, headers=owner))["views"]) == 36
    await site.call("GET", path, headers=stranger, status=404)
    await site.call("GET", path, status=404)
    await site.call("GET", "/api/pieces/nothing/views", status=404)
    assert stranger_shop != shop_id
