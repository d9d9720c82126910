"""A place's tag is scanned: what lies there; and the piece that is scanned next lies there from now on."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from drivers.sorter import parse_location
from edge.bench import parcel as parcels
from edge.bench import scans
from edge.bench.tasks import ScanResult, open_tasks
from edge.journal import Journal
from edge.journal.transaction import Transaction
from edge.locations import shelves
from edge.locations.shelves import LocationRefusedError, Shelf
from wire.plan import PiecePlan, ShopPlan, Text

PLACE_S = 120.0
"""A place that was scanned counts for so long, anew with each piece put there: then the next scan is something else."""

NAMED_MAX = 6
"""Pieces named in one sentence; the page of locations has all."""

KEPT = Text(en="Something is being taken from there now: try again in a moment", zh="正在那里取货，请稍后再试")
ORDERED = Text(
    en="This piece is being packed for an order: leave it at the bench", zh="此件正在为订单打包，请留在工作台"
)

HERE = Text(en=" Scan a piece to put it here.", zh="扫货品即可放到这里。")
TASK_FIRST = Text(en=" The piece that the task names comes first.", zh="请先处理任务里的货品。")


class Placing:
    """What scans of places and of pieces mean for the shop's book of locations."""

    def __init__(self, journal: Journal, plan: Callable[[], ShopPlan | None], monotonic: Callable[[], float]) -> None:
        self._journal, self._plan, self._monotonic = journal, plan, monotonic
        self._place, self._until_s = "", 0.0

    async def look(self, text: str) -> Text | None:
        """Return what lies at the place whose tag (or whose very name) this is; None for any other code."""
        location = place_of(self._plan(), text)
        if not location:
            return None
        shelf = await self._journal.read(lambda tx: shelves.load(tx, location))
        return self._told(shelf)

    async def take_place(self, text: str) -> ScanResult | None:
        """As `look`, for the attendant: the pieces that are scanned next lie there."""
        told = await self.look(text)
        if told is None:
            return None
        self._place, self._until_s = place_of(self._plan(), text), self._monotonic() + PLACE_S
        more = TASK_FIRST if await self._journal.read(_is_a_piece_asked_for) else HERE
        return ScanResult(accepted=True, text=Text(en=told.en + more.en, zh=told.zh + more.zh))

    async def take_piece(self, text: str) -> ScanResult | None:
        """Put the piece with this code to the place that was scanned before it; None when none was, or none is meant.

        While a task waits for a piece's tag nothing is put: whoever scans the wrong piece then must be told so.
        """
        plan, place = self._plan(), self._place
        pieces = [one for one in (plan.pieces if plan else ()) if one.code == text]
        if not place or len(pieces) != 1 or self._monotonic() > self._until_s:
            return None
        piece = pieces[0]

        def put(tx: Transaction) -> ScanResult | None:
            if _is_a_piece_asked_for(tx) or any(task.piece_id == piece.piece_id for task in open_tasks(tx)):
                return None
            if any(one.piece_id == piece.piece_id for one in parcels.open_parcels(tx)):
                return ScanResult(accepted=False, text=ORDERED)
            try:
                shelves.put(tx, piece.piece_id, place)
            except LocationRefusedError:
                return ScanResult(accepted=False, text=KEPT)
            words = Text(en=f"{_name(piece, 'en')} lies in {place} now", zh=f"{_name(piece, 'zh')} 已放到 {place}")
            return ScanResult(accepted=True, text=words)

        result = await self._journal.write(put)
        if result is not None and result.accepted:
            self._until_s = self._monotonic() + PLACE_S
        return result

    def _told(self, shelf: Shelf) -> Text:
        plan = self._plan()
        known = {one.piece_id: one for one in plan.pieces} if plan else {}
        here = [known[one] for one in shelf.pieces if one in known]
        if not here:
            return Text(en=f"{shelf.location}: nothing lies here.", zh=f"{shelf.location}：没有货品。")
        more = len(here) - NAMED_MAX
        en, zh = (", ".join(_name(one, language) for one in here[:NAMED_MAX]) for language in ("en", "zh"))
        rest = (f" and {more} more", f" 等，另有 {more} 件") if more > 0 else ("", "")
        return Text(en=f"{shelf.location}: {en}{rest[0]}.", zh=f"{shelf.location}：{zh}{rest[1]}。")


def _is_a_piece_asked_for(tx: Transaction) -> bool:
    return any(task.kind in scans.TAG_TASKS for task in open_tasks(tx))


def place_of(plan: ShopPlan | None, text: str) -> str:
    """Return the location that a scanned or typed text stands for: a place's tag of this shop, or aisle-shelf-bin.

    An address counts by its path only where it is the relay's own, as the plan says.
    """
    plain = text.strip()
    if _is_goods(plan, plain):
        return ""
    named = parse_location(plain)
    if named is not None:
        return str(named)
    code = _code(plan, plain)
    found = next((one for one in (plan.places if plan else ()) if one.tag_id == code), None)
    return shelves.spelled(found.location) if found else ""


def _is_goods(plan: ShopPlan | None, plain: str) -> bool:
    """Whether goods bear this code, which then are meant: a merchant's own codes may look like a location."""
    if plan is None:
        return False
    return any(one.code == plain for one in plan.pieces) or any(plain in (one.sku, one.gtin) for one in plan.listings)


def _code(plan: ShopPlan | None, plain: str) -> str:
    if "://" not in plain:
        return re.sub(r"[\s-]", "", plain).lower()
    try:
        parts, own = urlsplit(plain), urlsplit(plan.resolver_url if plan else "")
    except ValueError:
        return ""
    is_ours = bool(own.netloc) and parts.netloc.lower() == own.netloc.lower()
    return parts.path.removeprefix("/t/") if is_ours and parts.path.startswith("/t/") else ""


def _name(piece: PiecePlan, language: str) -> str:
    return f"{piece.code} {piece.title[language]}"
