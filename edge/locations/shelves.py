"""Which pieces lie in which location, in the journal: who may take there now, counts with the version they saw.

A location is aisle-shelf-bin where the sorter works (`A-3-12`), any other words where only people do.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from drivers.sorter import parse_location
from edge.journal.outbox import append_report
from edge.journal.transaction import Row, Transaction
from wire.locations import LocationChanged
from wire.plan import ShopPlan

LOCATION_LENGTH_MAX = 40


class LocationRefusedError(Exception):
    """A correction changed nothing; `reason` is stale (another version by now), kept, or unknown_piece."""

    def __init__(self, reason: str, shelf: "Shelf") -> None:
        super().__init__(f"{shelf.location}: {reason}; it is at version {shelf.version}")
        self.reason = reason
        self.shelf = shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One location: what lies there, what belongs there and is away, and the parcel for which it is kept (or "")."""

    location: str
    version: int = 0
    pieces: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    kept_for: str = ""


def spelled(text: str) -> str:
    """Return a location as it is stored: `a-03-12` and `A-3-12` are one."""
    found = parse_location(text)
    return str(found) if found else " ".join(text.split())[:LOCATION_LENGTH_MAX]


def load(tx: Transaction, location: str) -> Shelf:
    """Return a location; one that nobody ever used is empty at version 0."""
    row = tx.get("locations", location)
    return _shelf(tx, location, row)


def all_shelves(tx: Transaction) -> list[Shelf]:
    """Return every location that was ever used, by name."""
    return [_shelf(tx, row["location"], row) for row in tx.select("locations", tail="order by location")]


def _shelf(tx: Transaction, location: str, row: Row | None) -> Shelf:
    lying = tx.select("lying", "location = ?", (location,), "order by piece_id")
    return Shelf(
        location=location,
        version=row["version"] if row else 0,
        pieces=tuple(one["piece_id"] for one in lying if not one["is_away"]),
        away=tuple(one["piece_id"] for one in lying if one["is_away"]),
        kept_for=row["kept_for"] if row else "",
    )


def location_of(tx: Transaction, piece_id: str) -> str:
    """Return where the piece lies or belongs, "" when nobody said."""
    row = tx.get("lying", piece_id)
    return str(row["location"]) if row else ""


def learn(tx: Transaction, plan: ShopPlan | None) -> None:
    """Take over where the merchant said that a piece lies, for each piece of which the shop knows nothing yet.

    From then on the shop's own word counts: a plan never moves a piece.
    """
    known = {row["piece_id"] for row in tx.select("lying")}
    fresh: dict[str, list[str]] = {}
    for piece in plan.pieces if plan else ():
        if piece.location.strip() and piece.piece_id not in known:
            fresh.setdefault(spelled(piece.location), []).append(piece.piece_id)
    for location, pieces in fresh.items():
        for piece_id in pieces:
            _put(tx, piece_id, location, is_away=_is_elsewhere(tx, piece_id))
        _changed(tx, location)


def _is_elsewhere(tx: Transaction, piece_id: str) -> bool:
    """Whether the journal of an older release noted it at the bench, in a parcel, or gone."""
    place = tx.get("places", piece_id)
    return place is not None and place["place"] != "spot"


def keep(tx: Transaction, piece_id: str, parcel_id: str) -> None:
    """Keep the piece's location for this parcel until `let_go`: nobody else takes anything there meanwhile."""
    location = location_of(tx, piece_id)
    if location:
        shelf = load(tx, location)
        if shelf.kept_for not in ("", parcel_id):
            raise AssertionError(f"{location} is kept for {shelf.kept_for}; ask is_kept_for_other first")
        _save(tx, location, shelf.version, parcel_id)


def is_kept_for_other(tx: Transaction, piece_id: str, parcel_id: str) -> bool:
    """Whether somebody else takes something from the piece's location now."""
    location = location_of(tx, piece_id)
    return bool(location) and load(tx, location).kept_for not in ("", parcel_id)


def let_go(tx: Transaction, parcel_id: str) -> None:
    """Keep nothing for this parcel any more."""
    for row in tx.select("locations", "kept_for = ?", (parcel_id,)):
        _save(tx, row["location"], row["version"], "")


def lies_alone(tx: Transaction, piece_id: str) -> str:
    """Return the location in which this piece is the only thing, as a machine needs it that cannot choose; else ""."""
    row = tx.get("lying", piece_id)
    if row is None or row["is_away"]:
        return ""
    return str(row["location"]) if load(tx, row["location"]).pieces == (piece_id,) else ""


def leave(tx: Transaction, piece_id: str) -> None:
    """The piece was taken from its location, to which it still belongs."""
    row = tx.get("lying", piece_id)
    if row is not None and not row["is_away"]:
        _put(tx, piece_id, row["location"], is_away=True)
        _changed(tx, row["location"])


def back(tx: Transaction, piece_id: str) -> None:
    """The piece lies in its location again."""
    row = tx.get("lying", piece_id)
    if row is not None and row["is_away"]:
        _put(tx, piece_id, row["location"], is_away=False)
        _changed(tx, row["location"])


def forget(tx: Transaction, piece_id: str) -> None:
    """The piece left the shop, or is not there: it belongs nowhere."""
    row = tx.get("lying", piece_id)
    if row is not None:
        tx.remove("lying", [piece_id], "left")
        _changed(tx, row["location"])


def correct(tx: Transaction, location: str, pieces: Iterable[str], version: int, reason: str = "") -> Shelf:
    """Write what somebody found in a location who saw `version`; LocationRefusedError when that is not how it is now.

    A piece found here lies nowhere else any more; one that was here and was not found belongs nowhere. Nothing changes
    while somebody takes a piece here, and none of them can be counted away then.
    """
    before, found = load(tx, location), tuple(dict.fromkeys(pieces))
    if before.version != version:
        raise LocationRefusedError("stale", before)
    if before.kept_for:
        raise LocationRefusedError("kept", before)
    others = {location}
    for piece_id in found:
        at = location_of(tx, piece_id)
        if at and at != location and load(tx, at).kept_for:
            raise LocationRefusedError("kept", before)
        others |= {at} - {""}
        _put(tx, piece_id, location, is_away=False)
    tx.remove("lying", [one for one in before.pieces if one not in found], "not_found")
    for name in sorted(others):
        _changed(tx, name, reason)
    return load(tx, location)


def put(tx: Transaction, piece_id: str, location: str) -> Shelf:
    """Note that a piece lies here now, and nowhere else; LocationRefusedError while something is taken there."""
    at = location_of(tx, piece_id)
    for name in {location, at} - {""}:
        if load(tx, name).kept_for:
            raise LocationRefusedError("kept", load(tx, name))
    _put(tx, piece_id, location, is_away=False)
    for name in sorted({location, at} - {""}):
        _changed(tx, name, "scanned")
    return load(tx, location)


def _put(tx: Transaction, piece_id: str, location: str, *, is_away: bool) -> None:
    row = {"piece_id": piece_id, "location": location, "is_away": int(is_away), "at": tx.at}
    tx.put("lying", row, "lies", location=location, is_away=is_away)


def _changed(tx: Transaction, location: str, reason: str = "") -> None:
    """Count a change and tell the relay."""
    before = load(tx, location)
    _save(tx, location, before.version + 1, before.kept_for)
    report = LocationChanged(
        location=location, version=before.version + 1, pieces=before.pieces, away=before.away, at=tx.now, reason=reason
    )
    append_report(tx, report)


def _save(tx: Transaction, location: str, version: int, kept_for: str) -> None:
    row = {"location": location, "version": version, "kept_for": kept_for, "at": tx.at}
    tx.put("locations", row, "location", version=version, kept_for=kept_for)
