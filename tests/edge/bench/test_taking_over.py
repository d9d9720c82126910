"""A new box in a dead one's place: a person says how each parcel is, and no label is made beside one that exists."""

import pytest

from edge.bench.parcel import load_label
from tests.edge.bench.fake_shop import content
from wire.commands import PhotoAnswer, TakeOverParcel


async def replace_box(shop):
    """The old box dies where it stands; the new one has an empty journal and the same machines and things around."""
    await shop.stop()
    shop.folder = shop.folder / "new"
    shop.folder.mkdir()
    shop.sequence = 0
    shop.robot.is_homed = False
    await shop.start()


async def take_over(shop, parcel_id="p1", *, label_no=1, **known):
    label = content(parcel_id, label_no) if label_no else None
    command = TakeOverParcel(parcel_id=parcel_id, piece_id="piece_1", order_id="or_1", label=label, **known)
    return await shop.ack(await shop.send(command))


async def serial_of(shop, parcel_id="p1"):
    return (await shop.parcel(parcel_id)).serial


async def label_url(shop, serial):
    return (await shop.journal.read(lambda tx: load_label(tx, serial))).url


async def finish(shop):
    await shop.until("photo_offered")
    await shop.answer_photo()
    await shop.until("ready")
    assert await shop.scan_label()
    assert await shop.press("hand_over", "handed_over")
    await shop.until("handed_over")


async def test_a_label_that_the_relay_never_heard_of_is_found_by_its_scan_and_stays_the_only_one(shop):
    await shop.to_photo()
    serial, url = await serial_of(shop), await label_url(shop, await serial_of(shop))
    await replace_box(shop)
    assert await take_over(shop) == ("done", "")
    assert await shop.types() == ["ParcelHeld"] and shop.world.count("printed") == 1
    assert not await shop.press("taken_over", "labelled"), "believed without a scan"
    assert (await shop.bench.on_scan(url)).accepted
    assert await shop.press("taken_over", "labelled")
    await shop.task("read_label")
    assert await shop.press("read_label", "again")
    await finish(shop)
    assert await serial_of(shop) == serial
    assert (shop.world.count("printed"), shop.world.count("applied"), len(shop.world.parcel)) == (1, 1, 1)
    expected = ["ParcelHeld", "ParcelResumed", "LabelPrinted", "LabelApplied", "ParcelHeld", "ParcelResumed"]
    assert (await shop.types())[:6] == expected


async def test_a_label_that_the_relay_knows_is_not_told_twice(shop):
    await shop.to_photo()
    serial, url = await serial_of(shop), await label_url(shop, await serial_of(shop))
    await replace_box(shop)
    await take_over(shop, serials=(serial,))
    await shop.bench.on_scan(url)
    assert await shop.press("taken_over", "labelled")
    await shop.task("read_label")
    assert (await shop.bench.on_scan(url)).accepted
    await finish(shop)
    assert "LabelPrinted" not in await shop.types() and shop.world.count("printed") == 1


@pytest.mark.parametrize("answers_late", [False, True])
async def test_a_confirmed_photo_needs_no_machine_at_all(shop, answers_late):
    await shop.to_photo()
    parcel = await shop.parcel()
    url, photo = await label_url(shop, parcel.serial), parcel.photo_sha256
    await replace_box(shop)
    moved = len(shop.world.truth)
    known = {"serials": (parcel.serial,), "photo_sha256": photo}
    await take_over(shop, **known, photo_answer=None if answers_late else PhotoAnswer.SILENT)
    if answers_late:
        assert (await shop.ack(await shop.answer_photo()))[0] == "done"
    await shop.bench.on_scan(url)
    assert await shop.press("taken_over", "labelled")
    await shop.until("ready")
    await shop.scan_label()
    assert await shop.press("hand_over", "handed_over")
    assert len(shop.world.truth) == moved and (await shop.types())[-1] == "HandedOver"


async def test_an_objection_that_met_the_dead_box_is_kept(shop):
    await shop.to_photo()
    parcel = await shop.parcel()
    url = await label_url(shop, parcel.serial)
    await replace_box(shop)
    known = {"serials": (parcel.serial,), "photo_sha256": parcel.photo_sha256}
    await take_over(shop, **known, photo_answer=PhotoAnswer.OBJECTED)
    await shop.bench.on_scan(url)
    assert await shop.press("taken_over", "labelled")
    assert (await shop.task("destroy_label")).needs_scan


async def test_packed_without_a_label_a_new_one_is_made_and_the_known_one_is_void(shop):
    await shop.to_photo()
    serial = await serial_of(shop)
    url = await label_url(shop, serial)
    await replace_box(shop)
    shop.world.parcel.clear()
    await take_over(shop, serials=(serial,))
    assert await shop.press("taken_over", "no_label")
    await shop.task("bring_back")
    assert shop.world.count("printed") == 1, "printed before the parcel was at the bench"
    assert (await shop.bench.on_scan("4701")).accepted
    await finish(shop)
    assert await serial_of(shop) != serial and not (await shop.bench.on_scan(url)).accepted
    assert shop.world.count("printed") == 2 and len(shop.world.parcel) == 1
    assert "LabelVoided" in await shop.types()


async def test_not_packed_begins_with_fetching_and_other_parcels_wait_for_the_answer(shop):
    await shop.prepare()
    await shop.pay()
    await replace_box(shop)
    await take_over(shop)
    await shop.pay("p2", 2)
    assert [task.kind for task in await shop.bench.tasks()] == ["taken_over"], "another parcel came to the bench"
    assert await shop.press("taken_over", "not_packed")
    await shop.pick()
    await shop.until("photo_offered")
    assert shop.world.count("printed") == 1


async def test_a_void_label_and_a_strange_one_prove_nothing(shop):
    await shop.to_photo()
    serial = await serial_of(shop)
    url = await label_url(shop, serial)
    await replace_box(shop)
    await take_over(shop, void_serials=(serial,))
    assert not (await shop.bench.on_scan(url)).accepted
    other = content("p2").resolver_url
    assert not (await shop.bench.on_scan(f"{other}?s={serial}")).accepted
    assert not (await shop.bench.on_scan(f"{other}?s=0123456Z")).accepted
    assert not await shop.press("taken_over", "labelled")
    assert await shop.stage() == "taken_over" and shop.world.count("printed") == 1


@pytest.mark.parametrize(("ends", "label_no", "asked"), [("release", 0, "unpack"), ("cancel", 1, "destroy_label")])
async def test_what_was_given_up_is_taken_apart(shop, ends, label_no, asked):
    await shop.prepare()
    await replace_box(shop)
    await take_over(shop, label_no=label_no, ends=ends)
    assert [task.kind for task in await shop.bench.tasks()] == [asked]


async def test_it_is_taken_over_once_and_outlives_a_restart(shop):
    await shop.prepare()
    await replace_box(shop)
    assert await take_over(shop) == ("done", "")
    assert await take_over(shop) == ("refused", "known_parcel")
    await shop.restart()
    assert [task.kind for task in await shop.bench.tasks()] == ["taken_over"]
    assert (await shop.ack(await shop.pay()))[1] == "old_label"
    assert (await shop.ack(await shop.pay(label_no=2)))[0] == "done"
    assert await shop.stage() == "taken_over" and shop.world.count("printed") == 0
