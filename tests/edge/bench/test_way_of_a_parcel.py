"""The whole way on the bench, with fakes that keep a truth of their own."""

import hashlib

from wire.commands import CancelParcel, PhotoAnswer, ReleasePiece


async def test_a_confirmed_and_paid_piece_goes_all_the_way(shop):
    prepared = await shop.prepare()
    await shop.until("picking")
    await shop.pick()
    await shop.until("waiting_for_label")
    assert shop.world.count("printed") == 0

    paid = await shop.pay()
    await shop.until("photo_offered")
    await shop.answer_photo()
    await shop.until("ready")
    assert await shop.scan_label()
    assert await shop.press("hand_over", "handed_over")
    await shop.until("handed_over")

    assert await shop.types() == [
        "StillTaken", "PiecePicked", "PiecePacked", "LabelPrinted", "LabelApplied", "LabelRead", "ParcelPhotographed",
        "HandedOver",
    ]  # fmt: skip
    assert [shop.world.count(what) for what in ("packed", "printed", "applied")] == [1, 1, 1]
    assert await shop.ack(prepared) == ("done", "")
    assert await shop.ack(paid) == ("done", "")


async def test_the_courier_link_is_shown_once_and_only_its_hash_stays(shop):
    await shop.to_photo()
    await shop.answer_photo(PhotoAnswer.SILENT)
    await shop.scan_label()
    await shop.press("hand_over", "handed_over")
    task = await shop.task("show_courier_link")
    root, _, token = task.link.rpartition(".")
    assert root == "https://v.example/c/p1"
    handed = dict(await shop.reports())["HandedOver"]
    assert handed["courier_token_sha256"] == hashlib.sha256(token.encode()).hexdigest()

    await shop.press("show_courier_link", "shown")
    await shop.stop()
    stored = b"".join(path.read_bytes() for path in shop.folder.glob("journal.db*"))
    assert token.encode() not in stored
    assert handed["courier_token_sha256"].encode() in stored
    await shop.start()


async def test_a_piece_bought_unseen_is_photographed_at_picking(shop):
    await shop.prepare(session_id="")
    await shop.pay()
    await shop.until("picking")
    assert "StillTaken" not in await shop.types()
    await shop.pick()
    await shop.until("photo_offered")
    assert (await shop.types())[:3] == ["PiecePicked", "StillTaken", "PiecePacked"]


async def test_paid_before_packed_prints_right_after_packing(shop):
    await shop.prepare()
    await shop.until("picking")
    await shop.pay()
    assert shop.world.count("printed") == 0
    await shop.pick()
    await shop.until("photo_offered")
    assert shop.world.count("printed") == 1


async def test_packing_waits_for_payment_where_the_plan_says_so(shop, paid_plan):
    await shop.journal.save_plan(paid_plan)
    await shop.prepare()
    await shop.until("reserved")
    assert not await shop.bench.tasks()
    await shop.pay()
    await shop.until("picking")


async def test_unpaid_is_unpacked_and_put_back(shop):
    await shop.prepare()
    await shop.pick()
    await shop.until("waiting_for_label")
    assert (await shop.ack(await shop.send(ReleasePiece(parcel_id="p1"))))[0] == "done"
    await shop.press("unpack", "unpacked")
    await shop.task("put_back")
    assert (await shop.bench.on_scan("4701")).accepted
    await shop.until("returned")
    assert (await shop.types())[-1] == "PieceReturned"
    assert shop.world.count("printed") == 0


async def test_a_paid_piece_cannot_be_released(shop):
    await shop.prepare()
    await shop.pay()
    assert await shop.ack(await shop.send(ReleasePiece(parcel_id="p1"))) == ("refused", "paid")


async def test_the_shopper_objects_and_a_new_label_replaces_the_old(shop):
    await shop.to_photo()
    first = (await shop.parcel()).serial
    await shop.answer_photo(PhotoAnswer.OBJECTED)
    await shop.until("voiding_label")
    task = await shop.task("destroy_label")
    assert "wrong street" in task.text.en
    # the label must be scanned before it counts as destroyed: it proves which parcel lies here
    assert not await shop.press("destroy_label", "destroyed")
    assert await shop.scan_label()
    shop.world.parcel.clear()
    assert await shop.press("destroy_label", "destroyed")
    await shop.until("waiting_for_label")
    assert shop.world.count("printed") == 1

    await shop.pay(label_no=2)
    await shop.until("photo_offered")
    parcel = await shop.parcel()
    assert parcel.serial != first
    voided = [data for kind, data in await shop.reports() if kind == "LabelVoided"]
    assert [data["label_serial"] for data in voided] == [first]
    assert shop.world.count("printed") == 2


async def test_cancelled_before_printing_prints_nothing(shop):
    await shop.prepare()
    await shop.pick()
    await shop.until("waiting_for_label")
    assert (await shop.ack(await shop.send(CancelParcel(parcel_id="p1"))))[0] == "done"
    assert await shop.ack(await shop.pay()) == ("refused", "cancelling_parcel")
    await shop.press("unpack", "unpacked")
    await shop.bench.on_scan("4701")
    await shop.until("cancelled")
    assert shop.world.count("printed") == 0
    assert (await shop.types())[-2:] == ["PieceReturned", "ParcelCancelled"]


async def test_cancelled_after_labelling_destroys_the_label_first(shop):
    await shop.to_photo()
    await shop.send(CancelParcel(parcel_id="p1"))
    await shop.press("destroy_label", "destroyed")
    await shop.press("unpack", "unpacked")
    await shop.bench.on_scan("4701")
    await shop.until("cancelled")
    assert (await shop.types())[-3:] == ["LabelVoided", "PieceReturned", "ParcelCancelled"]


async def test_cancel_is_too_late_after_hand_over(shop):
    await shop.to_photo()
    await shop.answer_photo()
    await shop.scan_label()
    await shop.press("hand_over", "handed_over")
    assert await shop.ack(await shop.send(CancelParcel(parcel_id="p1"))) == ("refused", "handed_over")


async def test_a_cancel_that_overtakes_everything_keeps_the_parcel_from_ever_starting(shop):
    await shop.send(CancelParcel(parcel_id="p1"))
    assert await shop.ack(await shop.prepare()) == ("refused", "known_parcel")
    assert not await shop.bench.tasks()


async def test_a_piece_that_is_not_there_is_said(shop):
    await shop.prepare()
    await shop.press("fetch_piece", "gone")
    await shop.until("piece_gone")
    assert (await shop.types())[-1] == "PieceGone"


async def test_one_parcel_on_the_bench_and_the_next_waits_in_line(shop):
    await shop.prepare("p1", 1)
    await shop.until("picking", "p1")  # whoever's still is taken first has the bench
    await shop.prepare("p2", 2)
    await shop.until("in_line", "p2")
    await shop.pay("p1", 1)
    await shop.pick(1)
    await shop.until("photo_offered", "p1")
    await shop.until("picking", "p2")


async def test_a_paid_parcel_gets_the_bench_from_one_that_waits_for_payment(shop):
    await shop.prepare("p1", 1)
    await shop.pick(1)
    await shop.until("waiting_for_label", "p1")
    await shop.prepare("p2", 2)
    assert await shop.stage("p1") == "waiting_for_label"
    await shop.pay("p2", 2)
    await shop.press("set_aside", "set_aside")
    await shop.pick(2)
    await shop.until("photo_offered", "p2")
    shop.world.parcel.clear()

    await shop.pay("p1", 1)
    await shop.until("bringing_back", "p1")
    assert (await shop.bench.on_scan("4701")).accepted
    await shop.until("photo_offered", "p1")


async def test_a_parcel_left_on_the_bench_is_not_asked_about_again_and_goes_first(shop):
    await shop.prepare("p1", 1)
    await shop.pick(1)
    await shop.until("waiting_for_label", "p1")
    await shop.prepare("p2", 2)
    await shop.pay("p2", 2)
    assert await shop.press("set_aside", "still_here")
    await shop.until("waiting_for_label", "p1")
    assert not [task for task in await shop.bench.tasks() if task.kind == "set_aside"]
    await shop.pay("p1", 1)
    await shop.until("photo_offered", "p1")
    await shop.until("picking", "p2")


async def test_by_hand_the_attendant_packs_and_sticks(make_shop):
    shop = make_shop()
    shop.without = {"packer", "labeller"}
    await shop.start()
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await shop.press("pack_by_hand", "packed")
    await shop.task("stick_label")
    shop.world.parcel.append(shop.world.mouth.pop())
    await shop.press("stick_label", "stuck")
    await shop.until("photo_offered")
    applied = dict(await shop.reports())["LabelApplied"]
    assert applied["by"] == "attendant"
    await shop.stop()
