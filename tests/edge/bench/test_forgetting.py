"""After a week nothing in the shop's files names the person an order went to; what must stay, stays."""

from datetime import UTC, datetime, timedelta

from edge.bench.forgetting import forget

CANARY = "李小明"


def files(shop) -> bytes:
    return b"".join(path.read_bytes() for path in shop.folder.rglob("*") if path.is_file())


async def test_an_address_is_gone_from_every_file_after_a_week(shop):
    await shop.to_photo()
    await shop.answer_photo()
    await shop.scan_label()
    await shop.press("hand_over", "handed_over")
    await shop.press("show_courier_link", "shown")
    await shop.journal.confirm_reports(1000)
    serial = (await shop.parcel()).serial
    assert CANARY.encode() in files(shop)

    assert await shop.journal.write(forget) == 0
    week_later = datetime.now(UTC) + timedelta(days=7, minutes=1)

    def forget_later(tx) -> int:
        tx.now = week_later
        return forget(tx)

    while await shop.journal.write(forget_later):
        pass
    await shop.journal.seal()
    await shop.stop()
    stored = files(shop)
    assert CANARY.encode() not in stored
    assert b"\\u674e" not in stored
    assert serial.encode() in stored
    # the journal is still whole, and the parcel is still known as handed over
    await shop.start()
    assert await shop.stage() == "handed_over"
    assert await shop.ack(await shop.prepare()) == ("refused", "known_parcel")


async def test_an_open_order_keeps_its_address(shop):
    await shop.to_photo()

    def forget_later(tx) -> int:
        tx.now = datetime.now(UTC) + timedelta(days=30)
        return forget(tx)

    while await shop.journal.write(forget_later):
        pass
    assert (await shop.parcel()).content().to.name == CANARY
