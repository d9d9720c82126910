"""How a shop is brought to stand at each stage of a job, for as long as a test wants."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from edge.bench import parcel as rows
from edge.flows.fulfilment import Stage
from edge.journal.transaction import Transaction
from tests.edge.bench.fake_shop import content
from tests.fault_table.kinds import Device, Fault
from tests.fault_table.shop import FaultShop
from wire.commands import CancelParcel, LabelParcel, PhotoAnswer, ReleasePiece, TakeOverParcel
from wire.plan import PackWhen
from wire.values import format_time

S = Stage
LONG_S = 120.0


async def stand(shop: FaultShop, stage: Stage) -> None:
    """Bring the shop's parcel p1 to this stage; devices that would carry it on are held."""
    await WALKS[stage](shop)
    await shop.until(stage.value, timeout_s=LONG_S)


async def _prepare(shop: FaultShop, session_id: str = "", parcel_id: str = "p1", offset: int = 0) -> None:
    await shop.prepare(parcel_id, shop.number + offset, session_id)


async def _second(shop: FaultShop) -> None:
    await _prepare(shop, parcel_id="p2", offset=1)


async def fetch(shop: FaultShop) -> None:
    """Do what the task says: carry the piece to the bench and scan its tag there."""
    await shop.task("fetch_piece", LONG_S)
    assert await shop.hands("carry", piece=f"piece_{shop.number}", to="bench") == 200
    await shop.see_bench()
    await shop.hands("scan_piece", piece=f"piece_{shop.number}")


async def pay(shop: FaultShop) -> None:
    await shop.pay("p1", shop.number)


async def _still(shop: FaultShop) -> None:
    await shop.grip("front")
    await _prepare(shop, "s1")


async def _reserved(shop: FaultShop) -> None:
    await shop.journal.save_plan(replace(shop.plan, version=2, pack_when=PackWhen.PAID))
    await _prepare(shop)


async def _in_line(shop: FaultShop) -> None:
    await _second(shop)
    await shop.until("picking", "p2", LONG_S)
    await _prepare(shop)


async def _picking(shop: FaultShop) -> None:
    await _prepare(shop)
    await shop.until("picking", timeout_s=LONG_S)


async def _still_at_bench(shop: FaultShop) -> None:
    await _picking(shop)
    await shop.grip("camera")
    await fetch(shop)


async def _still_blocked(shop: FaultShop) -> None:
    await _picking(shop)
    await shop.set_fault(Device.CAMERA, Fault.BLACK)
    await fetch(shop)


async def _packing(shop: FaultShop) -> None:
    await _picking(shop)
    await shop.grip("packer")
    await fetch(shop)


async def _packing_blocked(shop: FaultShop) -> None:
    """Blocked by its deadline: no device is to blame, so none of them lets it go on."""
    await _picking(shop)
    shop.has_room = False
    await fetch(shop)
    await shop.until("still_at_bench", timeout_s=LONG_S)
    await shop.journal.write(_end_deadline)
    shop.has_room = True


def _end_deadline(tx: Transaction) -> None:
    """The parcel has waited so long that its deadline is over."""
    parcel = rows.load(tx, "p1")
    assert parcel is not None
    parcel.act_until = format_time(datetime.now(UTC) - timedelta(hours=1))
    rows.save(tx, parcel, "stage")


async def _packing_in_doubt(shop: FaultShop) -> None:
    await _packing(shop)
    await shop.until("packing", timeout_s=LONG_S)
    await shop.set_fault(Device.PACKER, Fault.UNPLUGGED)
    await shop.restart()
    await shop.task("pack_in_doubt", LONG_S)
    await shop.set_fault(Device.PACKER, Fault.UNPLUGGED, is_on=False)
    await shop.well("packer")


async def _waiting(shop: FaultShop) -> None:
    await _picking(shop)
    await fetch(shop)
    await shop.until("waiting_for_label", timeout_s=LONG_S)


async def _setting_aside(shop: FaultShop) -> None:
    await _waiting(shop)
    await _second(shop)
    await shop.pay("p2", shop.number + 1)
    await shop.task("set_aside", LONG_S)


async def _aside(shop: FaultShop) -> None:
    await _setting_aside(shop)
    assert await shop.press("set_aside", "set_aside")
    await shop.until("picking", "p2", LONG_S)


async def _bringing_back(shop: FaultShop) -> None:
    await _aside(shop)
    await pay(shop)
    await end_second(shop)


async def end_second(shop: FaultShop) -> None:
    """The second parcel is given up, and its piece put back."""
    await shop.send(CancelParcel(parcel_id="p2"))
    if await shop.stage("p2") == "cancelling_piece":
        await shop.hands("scan_piece", piece=f"piece_{shop.number + 1}")
    await shop.until("cancelled", "p2", LONG_S)


async def _printing(shop: FaultShop) -> None:
    await _waiting(shop)
    await shop.grip("printer")
    await pay(shop)


async def _printing_blocked(shop: FaultShop) -> None:
    await _waiting(shop)
    shop.has_room = False
    label = content("p1")
    command = LabelParcel(parcel_id="p1", piece_id=f"piece_{shop.number}", order_id=label.order_id, label=label)
    await shop.send(command)
    await shop.journal.write(_end_deadline)
    shop.has_room = True


async def _printing_in_doubt(shop: FaultShop) -> None:
    await _printing(shop)
    await shop.until("printing", timeout_s=LONG_S)
    await shop.restart()
    await shop.task("label_in_doubt", LONG_S)


async def _applying(shop: FaultShop) -> None:
    await _waiting(shop)
    await shop.grip("labeller")
    await pay(shop)
    await shop.until("applying", timeout_s=LONG_S)


async def _applying_blocked(shop: FaultShop) -> None:
    await _applying(shop)
    await shop.set_fault(Device.LABELLER, Fault.ALARM)
    await shop.let_go("labeller")


async def _applying_in_doubt(shop: FaultShop) -> None:
    await _applying(shop)
    await shop.restart()
    await shop.task("label_in_doubt", LONG_S)


async def _reading_back(shop: FaultShop) -> None:
    await _applying(shop)
    await shop.grip("camera")
    await shop.let_go("labeller")
    await shop.until("reading_back", timeout_s=LONG_S)


async def _reading_blocked(shop: FaultShop) -> None:
    await _reading_back(shop)
    assert await shop.hands("peel_label", **{"from": "parcel"}) == 200
    await shop.let_go("camera")


async def _label_wrong(shop: FaultShop) -> None:
    await _waiting(shop)
    await shop.set_fault(Device.LABELLER, Fault.WRONG_LABEL)
    await pay(shop)


async def _photographing(shop: FaultShop) -> None:
    await _reading_back(shop)
    await shop.pass_on("camera")


async def _photo_blocked(shop: FaultShop) -> None:
    await _photographing(shop)
    await shop.until("photographing", timeout_s=LONG_S)
    assert await shop.hands("peel_label", **{"from": "parcel"}) == 200
    await shop.let_go("camera")


async def _photo_offered(shop: FaultShop) -> None:
    await _waiting(shop)
    await pay(shop)
    await shop.until("photo_offered", timeout_s=LONG_S)


async def _ready(shop: FaultShop) -> None:
    await _photo_offered(shop)
    await shop.answer_photo(PhotoAnswer.CONFIRMED)


async def _rework(shop: FaultShop) -> None:
    await _photo_offered(shop)
    await _second(shop)
    await shop.until("picking", "p2", LONG_S)
    await shop.answer_photo(PhotoAnswer.OBJECTED)


async def _voiding_label(shop: FaultShop) -> None:
    await _photo_offered(shop)
    await shop.answer_photo(PhotoAnswer.OBJECTED)


async def _unpacking(shop: FaultShop) -> None:
    await _waiting(shop)
    await shop.send(ReleasePiece(parcel_id="p1"))


async def _putting_back(shop: FaultShop) -> None:
    await _unpacking(shop)
    assert await shop.hands("unpack") == 200
    assert await shop.press("unpack", "unpacked")


async def _cancelling_label(shop: FaultShop) -> None:
    await _photo_offered(shop)
    await shop.send(CancelParcel(parcel_id="p1"))


async def _cancelling_parcel(shop: FaultShop) -> None:
    await _waiting(shop)
    await shop.send(CancelParcel(parcel_id="p1"))


async def _cancelling_piece(shop: FaultShop) -> None:
    await _picking(shop)
    await shop.send(CancelParcel(parcel_id="p1"))


async def _taken_over(shop: FaultShop) -> None:
    """The box dies with a labelled parcel on the bench; the new one knows what the relay knew."""
    await _photo_offered(shop)
    parcel = await shop.parcel()
    await _new_box(shop)
    await _take_over(shop, parcel.serial)


async def _new_box(shop: FaultShop) -> None:
    await shop.stop()
    shop.folder /= "new"
    shop.folder.mkdir()
    shop.sequence = 0
    await shop.start()


async def _take_over(shop: FaultShop, serial: str) -> None:
    label = content("p1")
    await shop.send(
        TakeOverParcel(
            parcel_id="p1",
            piece_id=f"piece_{shop.number}",
            order_id=label.order_id,
            label=label,
            serials=(serial,),
        )
    )
    await shop.task("taken_over", LONG_S)


async def _labelled_aside(shop: FaultShop) -> None:
    """Found labelled while another parcel has the bench: it stands aside until its turn."""
    await _photo_offered(shop)
    parcel = await shop.parcel()
    await _new_box(shop)
    await _second(shop)
    await shop.until("picking", "p2", LONG_S)
    await _take_over(shop, parcel.serial)
    await scan_label(shop, "taken_over")
    assert await shop.press("taken_over", "labelled")


async def scan_label(shop: FaultShop, kind: str) -> None:
    """Scan the label that is really on the parcel, for a task of this kind."""
    assert await shop.hands("scan_parcel", match="s=") == 200

    async def is_scanned() -> bool:
        return bool((await shop.task(kind, LONG_S)).scanned)

    await shop.wait_for(is_scanned, LONG_S)


Walk = Callable[[FaultShop], Awaitable[None]]
WALKS: dict[Stage, Walk] = {
    S.STILL: _still,
    S.RESERVED: _reserved,
    S.IN_LINE: _in_line,
    S.PICKING: _picking,
    S.STILL_AT_BENCH: _still_at_bench,
    S.STILL_BLOCKED: _still_blocked,
    S.PACKING: _packing,
    S.PACKING_BLOCKED: _packing_blocked,
    S.PACKING_IN_DOUBT: _packing_in_doubt,
    S.WAITING_FOR_LABEL: _waiting,
    S.SETTING_ASIDE: _setting_aside,
    S.ASIDE: _aside,
    S.BRINGING_BACK: _bringing_back,
    S.PRINTING: _printing,
    S.PRINTING_BLOCKED: _printing_blocked,
    S.PRINTING_IN_DOUBT: _printing_in_doubt,
    S.APPLYING: _applying,
    S.APPLYING_BLOCKED: _applying_blocked,
    S.APPLYING_IN_DOUBT: _applying_in_doubt,
    S.READING_BACK: _reading_back,
    S.READING_BLOCKED: _reading_blocked,
    S.LABEL_WRONG: _label_wrong,
    S.PHOTOGRAPHING: _photographing,
    S.PHOTO_BLOCKED: _photo_blocked,
    S.PHOTO_OFFERED: _photo_offered,
    S.READY: _ready,
    S.REWORK: _rework,
    S.VOIDING_LABEL: _voiding_label,
    S.UNPACKING: _unpacking,
    S.PUTTING_BACK: _putting_back,
    S.CANCELLING_LABEL: _cancelling_label,
    S.CANCELLING_PARCEL: _cancelling_parcel,
    S.CANCELLING_PIECE: _cancelling_piece,
    S.TAKEN_OVER: _taken_over,
    S.LABELLED_ASIDE: _labelled_aside,
}
