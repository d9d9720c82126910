"""The counter put together: the till, its receipt printer and scanner, and goods that are published from it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from drivers.base import DeviceError, OutcomeUnknownError
from drivers.camera import Still
from edge.counter import sale as rows
from edge.counter.amounts import AMOUNT_MAX_MINOR, digits_of
from edge.counter.basket import TillRefusedError, priced
from edge.counter.pricing import Priced
from edge.counter.receipts import ReceiptTooLongError, draw_receipt
from edge.counter.sale import Sale
from edge.counter.showing import goods_shown, joint_shown
from edge.counter.till import Till, Way
from edge.counter.words import REFUSALS
from edge.device_host import DeviceHandle
from edge.flows.counter_sale import Stage
from edge.journal import Journal
from edge.journal.outbox import append_report
from edge.journal.transaction import Transaction
from edge.labels.typeface import Typeface, find_typeface
from edge.page_changes import ChangingPage
from edge.pictures import Kept
from edge.reasons import SENTENCES, sentence_for
from wire.codec import to_json
from wire.counter import ListingWritten
from wire.plan import ShopPlan, Text, TillMember
from wire.reports import PictureKind
from wire.values import clean_text, new_id

logger = logging.getLogger(__name__)

RECEIPTS_SHOWN = 20
STOCK_MAX = 10_000
SCAN_AGAIN_S = 0.5

MAY_REFUND = frozenset({"owner", "manager"})
"""Roles that give money back."""

MAY_PUBLISH = frozenset({"owner", "manager"})
"""Roles whose listings may be shown at once; the relay decides, this only spares the asking."""


class PictureKeeper(Protocol):
    """The part of `edge.pictures.Pictures` that the counter needs."""

    async def keep(self, jpeg: bytes) -> Kept: ...
    async def read(self, sha256: str) -> bytes | None: ...
    def offer(self, tx: Transaction, parcel_id: str, kept: Kept, kind: PictureKind, *, previous: str) -> None: ...


async def _no_place(_text: str) -> Text | None:
    """This shop keeps no locations."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the counter needs of the rest of the shop. `printer` and `scanner` may be missing."""

    journal: Journal
    plan: Callable[[], ShopPlan | None]
    is_relay_near: Callable[[], bool]
    take_still: Callable[[str], Awaitable[Still]]
    cameras: tuple[str, ...]
    pictures: PictureKeeper
    is_private: Callable[[], bool]
    face: Typeface = field(default_factory=find_typeface)
    ids: Callable[[str], str] = new_id
    printer: DeviceHandle | None = None
    scanner: DeviceHandle | None = None
    language: str = "en"
    look_at_place: Callable[[str], Awaitable[Text | None]] = _no_place


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a member wrote of a new listing; `picture_sha256` names a picture that was taken for it."""

    title: Text
    price_minor: int
    currency: str
    stock: int
    code: str
    picture_sha256: str
    is_published: bool


class Counter(ChangingPage):
    """One shop's counter, as the page sees it."""

    def __init__(self, around: Around, ways: Mapping[str, Way]) -> None:
        super().__init__()
        self.around = around
        self.till = Till(
            journal=around.journal,
            plan=around.plan,
            ways=ways,
            ids=around.ids,
            on_paid=self.paid,
            on_change=self.changed,
        )
        self.said: Text = Text()
        self._kept: dict[str, Kept] = {}
        self._to_print: asyncio.Queue[str] = asyncio.Queue()
        self._seller = ""

    # life

    async def run(self) -> None:
        """Work until cancelled: the till, its scanner, and receipts one after the other."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.till.run(), name="till")
            group.create_task(self._print_for_ever(), name="receipts")
            group.create_task(self.tell_pages(), name="till pages")
            if self.around.scanner is not None and not self.around.scanner.by_hand:
                group.create_task(self._read_scanner(self.around.scanner), name="till scanner")

    def paid(self, sale: Sale) -> None:
        """A sale was paid: its receipt is printed."""
        if self.around.printer is not None:
            self._to_print.put_nowait(sale.sale_id)

    async def _read_scanner(self, scanner: DeviceHandle) -> None:
        while True:
            try:
                async with scanner.use() as driver:
                    while True:
                        await self._scanned((await driver.next_scan()).text)
            except DeviceError:  # its host tells of it, once
                await asyncio.sleep(SCAN_AGAIN_S)

    async def _scanned(self, text: str) -> None:
        """A code from the scanner counts only while somebody is signed in: they are who sells."""
        if not self._seller:
            self.say(Text(en="Sign in at the till first", zh="请先在收银台登录"))
            return
        try:
            await self.scan(text, self._seller)
        except TillRefusedError as error:
            self.say(refusal_text(error.reason))

    async def scan(self, text: str, account_id: str) -> None:
        """Add what a code means to the sale; a place's tag says what lies there, and sells nothing."""
        of_place = await self.around.look_at_place(text)
        if of_place is None:
            await self.till.scan(text, account_id)
        self.say(of_place or Text())

    def say(self, text: Text) -> None:
        """Show a sentence on the page."""
        self.said = text
        self.changed()

    def somebody_is_here(self, member: TillMember | None) -> None:
        """Note who stands at the till; None: they signed out."""
        self._seller = member.account_id if member else ""

    # receipts

    async def _print_for_ever(self) -> None:
        while True:
            await self._print(await self._to_print.get())

    async def print_again(self, sale_id: str) -> None:
        """Print a receipt once more, marked as a copy."""
        if self.around.printer is None:
            raise TillRefusedError("no_printer")
        self._to_print.put_nowait(sale_id)

    async def _print(self, sale_id: str) -> None:
        def begin(tx: Transaction) -> Sale | None:
            sale = rows.load(tx, sale_id)
            if sale is None or not sale.receipt_no:
                return None
            sale.copies, sale.receipt = sale.copies + 1, "printing"
            rows.save(tx, sale, "receipt_printing", copy=sale.copies)
            return sale

        sale = await self.around.journal.write(begin)
        if sale is None or self.around.printer is None:
            return
        outcome = await self._on_paper(sale, self.around.printer)

        def end(tx: Transaction) -> None:
            kept = rows.load(tx, sale_id)
            assert kept is not None, "receipts are never deleted"
            kept.receipt = outcome
            rows.save(tx, kept, "receipt", outcome=outcome)

        await self.around.journal.write(end)
        self.changed()

    async def _on_paper(self, sale: Sale, handle: DeviceHandle) -> str:
        """Print one receipt; returns `printed` or the reason why nobody knows that it was."""
        try:
            async with handle.use() as printer:
                image = await asyncio.to_thread(draw_receipt, sale, self.around.plan(), printer.media, self.around.face)
                await printer.print_label(image)
        except ReceiptTooLongError:
            return "too_long"
        except OutcomeUnknownError:
            return "outcome_unknown"
        except DeviceError as error:
            return error.reason or "offline"
        return "printed"

    async def refund(self, member: TillMember, sale_id: str, *, is_restocked: bool) -> None:
        """Give a sale's money back; TillRefusedError for who may not, and as `Till.refund` has it."""
        if member.role not in MAY_REFUND:
            raise TillRefusedError("may_not_refund")
        await self.till.refund(sale_id, member.account_id, is_restocked=is_restocked)

    async def undo(self, member: TillMember, joint_id: str) -> None:
        """Give a whole joint sale up; TillRefusedError for who may not give back what is paid, and as `joint.undo`."""
        await self.till.together.undo(joint_id, may_refund=member.role in MAY_REFUND)

    # goods

    async def take_picture(self, camera: str) -> str:
        """Photograph with the shop's own camera for a listing; returns the picture's hash."""
        if camera not in self.around.cameras:
            raise TillRefusedError("no_camera")
        if self.around.is_private():
            raise TillRefusedError("private")
        try:
            still = await self.around.take_still(camera)
        except DeviceError as error:
            raise TillRefusedError(error.reason or "no_picture") from None
        kept = await self.around.pictures.keep(still.jpeg)
        self._kept[kept.sha256] = kept
        return kept.sha256

    async def write_listing(self, member: TillMember, draft: Draft) -> str:
        """Keep a listing and tell the relay; it waits here while the link is down. Returns its draft id."""
        en, zh = draft.title.en.strip(), draft.title.zh.strip()
        title = Text(en=clean_text(en, "title_en", 120) if en else "", zh=clean_text(zh, "title_zh", 120) if zh else "")
        if not (title.en or title.zh):
            raise TillRefusedError("no_title")
        if not (0 < draft.price_minor <= AMOUNT_MAX_MINOR and 0 < draft.stock <= STOCK_MAX):
            raise TillRefusedError("bad_number")
        kept = self._kept.get(draft.picture_sha256)
        draft_id = self.around.ids("dft")
        picture_sha256 = kept.sha256 if kept else ""
        code = clean_text(draft.code, "code", 40) if draft.code.strip() else ""
        is_published = draft.is_published and member.role in MAY_PUBLISH

        def tell(tx: Transaction) -> None:
            written = ListingWritten(
                draft_id=draft_id,
                at=tx.now,
                title=title,
                price_minor=draft.price_minor,
                currency=draft.currency,
                account_id=member.account_id,
                stock=draft.stock,
                code=code,
                picture_sha256=picture_sha256,
                is_published=is_published,
            )
            append_report(tx, written)
            if kept is not None:
                self.around.pictures.offer(tx, draft_id, kept, PictureKind.LISTING, previous="")

        await self.around.journal.write(tell)
        self.changed()
        return draft_id

    async def waiting(self) -> dict[str, int]:
        """Return how many sales and listings the relay has not confirmed yet."""

        def count(tx: Transaction) -> dict[str, int]:
            found = tx.run("select type, count(*) from reports where type in (?, ?, ?) group by type", TOLD_TYPES)
            return {name: int(number) for name, number in found}

        told = await self.around.journal.read(count)
        sales = told.get("CounterSold", 0) + told.get("CounterRefunded", 0)
        return {"sales": sales, "listings": told.get("ListingWritten", 0)}

    # the page

    async def state(self, member: TillMember) -> dict[str, Any]:
        """Return everything that the page shows to a member."""
        plan = self.around.plan()
        # before the sale in hand: one that is paid meanwhile must not stand in both, or its end would go unseen
        receipts = await self._receipts()
        current = await self.till.current()
        in_doubt = [one for one in await self.till.open_sales() if one.stage == "in_doubt"]
        unsettled = await self.till.together.unsettled()
        found = await self._priced(current) if current else None
        currency = (plan.currency if plan else "") or (plan.listings[0].currency if plan and plan.listings else "")
        return {
            "shop": to_json(plan.shop_name) if plan else {"en": "", "zh": ""},
            "member": {"account_id": member.account_id, "name": member.name, "role": member.role},
            "is_relay_near": self.around.is_relay_near(),
            "waiting": await self.waiting(),
            "sale": self._sale(current, found) if current else None,
            "joints": [
                joint_shown(one, [{**self._sale(part), "refund": refund} for part, refund in parts])
                for one, parts in unsettled
            ],
            "in_doubt": [self._sale(one) for one in in_doubt],
            "receipts": receipts,
            "ways": [self._way(name) for name in self.till.ways],
            "said": to_json(self.said),
            "currency": currency,
            "digits": digits_of(currency),
            "cameras": list(self.around.cameras),
            "has_printer": self.around.printer is not None,
            "may_publish": member.role in MAY_PUBLISH,
            "may_refund": member.role in MAY_REFUND,
        }

    async def _receipts(self) -> list[dict[str, Any]]:
        """Return the newest receipts, each sale with what became of giving it back: "" nothing, runs or done."""
        sales = await self.till.receipts(RECEIPTS_SHOWN)

        def refunds(tx: Transaction) -> dict[str, str]:
            return {one.sale_id: rows.refund_state(tx, one.sale_id) for one in sales if not one.refund_of}

        states = await self.around.journal.read(refunds)
        return [{**self._sale(one), "refund": states.get(one.sale_id, "")} for one in sales]

    def _way(self, name: str) -> dict[str, Any]:
        way = self.till.ways[name]
        finding = way.handle.finding
        is_well = way.by_hand or finding.health.value in ("online", "unknown")
        text = Text() if is_well else sentence_for(finding.reason)
        return {"name": name, "way": way.way, "by_hand": way.by_hand, "is_well": is_well, "text": to_json(text)}

    async def _priced(self, sale: Sale) -> Priced | None:
        """Price a basket that is still open; what is being paid has its prices."""
        if sale.stage is not Stage.OPEN or sale.part_no:
            return None
        return await self.around.journal.read(lambda tx: priced(sale, self.around.plan(), tx.now))

    def _sale(self, sale: Sale, found: Priced | None = None) -> dict[str, Any]:
        shown: dict[str, Any] = {
            **goods_shown(sale, found),
            "sale_id": sale.sale_id,
            "stage": sale.stage.value,
            "currency": sale.currency,
            "digits": digits_of(sale.currency),
            "asked_minor": sale.asked_minor,
            "tendered_minor": sale.tendered_minor,
            "way": sale.way,
            "by_hand": sale.device in self.till.ways and self.till.ways[sale.device].by_hand,
            "shows": self.till.steps.get(sale.sale_id, ""),
            "reason": to_json(refusal_text(sale.reason)),
            "is_sensed": sale.is_sensed,
            "receipt_no": sale.receipt_no,
            "paid_at": sale.paid_at,
            "receipt": sale.receipt,
            "receipt_text": to_json(Text() if sale.receipt in SILENT else refusal_text(sale.receipt)),
            "card_name": sale.card_name,
            "is_known_shopper": any(sale.codes),
            "is_refund": bool(sale.refund_of),
        }
        return shown


TOLD_TYPES = ("CounterSold", "CounterRefunded", "ListingWritten")
SILENT = frozenset({"", "printing", "printed"})


def refusal_text(reason: str) -> Text:
    """Return the sentence for a reason of ours or of a device; an unknown one names itself."""
    if reason in REFUSALS:
        return REFUSALS[reason]
    return SENTENCES.get(reason) or sentence_for(reason)
