"""What is in a sale: goods by their codes, and the limits of one sale."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from edge.bench import parcel as parcels
from edge.counter import goods, pricing
from edge.counter import sale as rows
from edge.counter.amounts import AMOUNT_MAX_MINOR
from edge.counter.pricing import Priced
from edge.counter.sale import Sale
from edge.flows.counter_sale import Stage
from edge.journal.transaction import Transaction
from wire.counter import CounterLine
from wire.plan import ListingPlan, ShopPlan, Text
from wire.promotions import Promotion

LINES_MAX, QUANTITY_MAX = 60, 999
"""A basket that is larger is two baskets."""

PRICED_LINES_MAX = 180
"""A line whose pieces save differently is told as several; the relay takes as many (cloud_relay.counter.rules)."""

GONE = "gone"
"""Where a piece is that left the shop."""


class TillRefusedError(Exception):
    """Not possible; `reason` is a code for the page, `text` the sentence of a device's trouble when there is one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def known_sale(tx: Transaction, sale_id: str) -> Sale:
    """Return a sale of the journal; TillRefusedError when there is none."""
    sale = rows.load(tx, sale_id)
    if sale is None:
        raise TillRefusedError("no_such_sale")
    return sale


def must_be_open(sale: Sale) -> None:
    """Refuse a change of a sale, or of one share of a sale, that is being paid; TillRefusedError."""
    if sale.stage is not Stage.OPEN or sale.part_no:
        raise TillRefusedError("being_paid")


def add_one(tx: Transaction, plan: ShopPlan, sale: Sale, text: str) -> None:
    """Add one of what a code means, for the shopper whose goods are being taken."""
    found = _find(tx, plan, sale, text)
    listing = found.listing
    assert listing is not None, "what is found without a reason has a listing"
    sale.currency = listing.currency
    lines, whose = [*sale.lines], [*sale.owners]
    same = [
        place
        for place, line in enumerate(lines)
        if found.piece is None
        and (line.listing_id, line.piece_id, whose[place]) == (listing.listing_id, "", sale.at_shopper)
    ]
    if same:
        lines[same[0]] = replace(lines[same[0]], quantity=lines[same[0]].quantity + 1)
    else:
        lines.append(_line(found, listing, tx.now))
        whose.append(sale.at_shopper)
    set_lines(sale, lines, whose)


def _find(tx: Transaction, plan: ShopPlan, sale: Sale, text: str) -> goods.Found:
    """Return what a code means when it may be sold here; TillRefusedError."""
    others = [one for one in rows.open_sales(tx) if one.sale_id != sale.sale_id]
    taken = {line.piece_id for one in (sale, *others) for line in one.lines if line.piece_id}
    gone = {row["piece_id"] for row in tx.select("places", "place = ?", (GONE,))} | taken
    promised = {one.piece_id for one in parcels.open_parcels(tx)}
    found = goods.find(plan, text, gone, promised)
    if found.reason or found.listing is None:
        is_here = found.piece is not None and found.piece.piece_id in taken
        raise TillRefusedError("in_this_sale" if is_here else found.reason or "strange")
    if sale.lines and found.listing.currency != sale.currency:
        raise TillRefusedError("other_currency")
    return found


def _line(found: goods.Found, listing: ListingPlan, now: datetime) -> CounterLine:
    title = found.piece.title if found.piece else listing.title
    return CounterLine(
        listing_id=listing.listing_id,
        title=Text(en=title.en, zh=title.zh),
        price_minor=goods.price_now(listing, now) + (found.piece.price_difference_minor if found.piece else 0),
        piece_id=found.piece.piece_id if found.piece else "",
    )


def set_lines(sale: Sale, lines: Sequence[CounterLine], whose: Sequence[int]) -> None:
    """Change what is in a sale and whose it is; TillRefusedError, and nothing changed, when that is too much."""
    before, sale.lines = sale.lines, tuple(lines)
    if len(lines) > LINES_MAX or sale.total_minor > AMOUNT_MAX_MINOR:
        sale.lines = before
        raise TillRefusedError("too_much")
    sale.whose = tuple(whose)


def priced(sale: Sale, plan: ShopPlan | None, now: datetime) -> Priced:
    """Return an open basket's goods with what the promotions of this moment take off."""
    promotions = pricing.holding(plan.promotions if plan else (), sale.currency, now)
    return pricing.price(sale.lines, sale.owners, promotions)


def fix_prices(sale: Sale, plan: ShopPlan | None, now: datetime, shown_minor: int) -> Promotion | None:
    """Fix what a basket costs before its money is asked for, and return the promotion that holds.

    TillRefusedError when the page showed another total; 0: it showed none.
    """
    found = priced(sale, plan, now)
    set_priced(sale, found.lines, found.promotion)
    sale.whose = found.whose
    if shown_minor and shown_minor != sale.total_minor:
        raise TillRefusedError("price_changed")
    return found.promotion


def set_priced(sale: Sale, lines: tuple[CounterLine, ...], promotion: Promotion | None) -> None:
    """Give a sale its lines at net prices and what they follow from; TillRefusedError when they are too many."""
    if len(lines) > PRICED_LINES_MAX:
        raise TillRefusedError("too_much")
    sale.lines = lines
    sale.promotion_id = promotion.promotion_id if promotion else ""
    sale.promotion_title = promotion.title if promotion else Text()


def unfix_prices(sale: Sale) -> None:
    """Make a sale that nobody paid a basket again: usual prices, each thing on one line."""
    lines, whose, _saved = pricing.rejoined(sale.lines, sale.owners)
    sale.lines, sale.whose, sale.promotion_id, sale.promotion_title = lines, whose, "", Text()
