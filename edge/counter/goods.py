"""What a code at the till means, and what it costs now: decided from the plan in force. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote, urlsplit

from wire.plan import ListingPlan, PiecePlan, ShopPlan
from wire.values import parse_time

CODE_LENGTH_MAX = 300
"""As at the bench: the longest code of ours is an address."""

GTIN_LENGTHS = (8, 12, 13, 14)


@dataclass(frozen=True, slots=True)
class Found:
    """What was meant: a listing, and the very piece when it has pieces. `reason` is a code when it cannot be sold."""

    listing: ListingPlan | None = None
    piece: PiecePlan | None = None
    reason: str = ""


def find(plan: ShopPlan, text: str, gone: Collection[str], promised: Collection[str]) -> Found:
    """Return what a scanned or typed code means; `gone` and `promised` are pieces that cannot be sold here.

    A piece's own tag means that piece. A listing's GTIN, SKU, id or address means its first piece that is free, or the
    listing itself when the plan names no piece of it.
    """
    wanted = _spellings(text)
    pieces = [piece for piece in plan.pieces if piece.code in wanted or piece.piece_id in wanted]
    listings = {listing.listing_id: listing for listing in plan.listings}
    if pieces:
        piece = next((one for one in pieces if one.piece_id not in gone), pieces[0])
        return _sellable(listings.get(piece.listing_id), piece, gone, promised)
    named = next((one for one in plan.listings if _names(one) & wanted), None)
    if named is None:
        return Found(reason="strange")
    own = [piece for piece in plan.pieces if piece.listing_id == named.listing_id]
    if not own:
        return Found(named)
    free = (piece for piece in own if piece.piece_id not in gone and piece.piece_id not in promised)
    piece = next(free, own[0])
    return _sellable(named, piece, gone, promised)


def _sellable(listing: ListingPlan | None, piece: PiecePlan, gone: Collection[str], promised: Collection[str]) -> Found:
    reason = ""
    if listing is None:
        reason = "not_for_sale"
    elif piece.piece_id in gone:
        reason = "sold_already"
    elif piece.piece_id in promised:
        reason = "promised"
    return Found(listing, piece, reason)


def _spellings(text: str) -> set[str]:
    """Return every way to read a code: as it is, as a GTIN of 14 digits, and the parts of an address's path."""
    plain = text.strip().lstrip("\x1d")
    if not 0 < len(plain) <= CODE_LENGTH_MAX:
        return set()
    parts = {plain}
    if plain.startswith(("https://", "http://")):
        parts |= {unquote(part) for part in urlsplit(plain).path.split("/") if part}
    return parts | {part.zfill(14) for part in parts if part.isascii() and part.isdigit() and len(part) in GTIN_LENGTHS}


def _names(listing: ListingPlan) -> set[str]:
    return {name for name in (listing.listing_id, listing.sku, listing.gtin) if name}


def price_now(listing: ListingPlan, now: datetime) -> int:
    """Return the price at a moment: the lowest that holds for a time, else the usual one."""
    held = [
        one.price_minor
        for one in listing.prices
        if parse_time(one.from_at, "from_at") <= now < parse_time(one.until_at, "until_at")
    ]
    return min([listing.price_minor, *held])
