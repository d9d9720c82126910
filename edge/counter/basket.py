"""What is in a sale: goods by their codes, and the limits of one sale."""

from dataclasses import replace

from edge.bench import parcel as parcels
from edge.counter import goods
from edge.counter import sale as rows
from edge.counter.amounts import AMOUNT_MAX_MINOR
from edge.counter.sale import Sale
from edge.flows.counter_sale import Stage
from edge.journal.transaction import Transaction
from wire.counter import CounterLine
from wire.plan import ShopPlan, Text

LINES_MAX, QUANTITY_MAX = 60, 999
"""A basket that is larger is two baskets."""

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
    """Refuse a change of a sale that is being paid; TillRefusedError."""
    if sale.stage is not Stage.OPEN:
        raise TillRefusedError("being_paid")


def add_one(tx: Transaction, plan: ShopPlan, sale: Sale, text: str) -> None:
    """Add one of what a code means."""
    others = [one for one in rows.open_sales(tx) if one.sale_id != sale.sale_id]
    taken = {line.piece_id for one in (sale, *others) for line in one.lines if line.piece_id}
    gone = {row["piece_id"] for row in tx.select("places", "place = ?", (GONE,))} | taken
    promised = {one.piece_id for one in parcels.open_parcels(tx)}
    found = goods.find(plan, text, gone, promised)
    if found.reason or found.listing is None:
        is_here = found.piece is not None and found.piece.piece_id in taken
        raise TillRefusedError("in_this_sale" if is_here else found.reason or "strange")
    listing = found.listing
    if sale.lines and listing.currency != sale.currency:
        raise TillRefusedError("other_currency")
    sale.currency = listing.currency
    same = [
        place
        for place, line in enumerate(sale.lines)
        if found.piece is None and line.listing_id == listing.listing_id and not line.piece_id
    ]
    kept = [*sale.lines]
    if same:
        kept[same[0]] = replace(kept[same[0]], quantity=kept[same[0]].quantity + 1)
    else:
        title = found.piece.title if found.piece else listing.title
        kept.append(
            CounterLine(
                listing_id=listing.listing_id,
                title=Text(en=title.en, zh=title.zh),
                price_minor=goods.price_now(listing, tx.now)
                + (found.piece.price_difference_minor if found.piece else 0),
                piece_id=found.piece.piece_id if found.piece else "",
            )
        )
    set_lines(sale, kept)


def set_lines(sale: Sale, lines: list[CounterLine]) -> None:
    """Change what is in a sale; TillRefusedError, and nothing changed, when that is too much for one."""
    before, sale.lines = sale.lines, tuple(lines)
    if len(lines) > LINES_MAX or sale.total_minor > AMOUNT_MAX_MINOR:
        sale.lines = before
        raise TillRefusedError("too_much")
