"""EPCIS 2.0 events as JSON-LD with CBV 2.0 words (GS1 standards of June 2022), and their content hash. Pure."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from wire.values import format_time

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
VERSION = "2.0"
OUT_FOR_DELIVERY, DELIVERED = "delivering", "delivered"
ENCLOSED, VOIDED = "enclosed", "voided"
REFUSED, DAMAGED, NOBODY_HOME = "refused", "damaged", "nobody_home"

BIZ_STEPS = frozenset({
    "accepting", "arriving", "commissioning", "decommissioning", "departing", "holding", "inspecting", "loading",
    "packing", "picking", "receiving", "shipping", "storing", "transporting", "unloading", "unpacking", "void_shipping",
})  # fmt: skip
"""The business steps of CBV 2.0 (7.1) that a parcel can meet with us."""
OWN_STEPS = {
    OUT_FOR_DELIVERY: "transporting", DELIVERED: "accepting", ENCLOSED: "packing", VOIDED: "decommissioning",
    REFUSED: "holding", DAMAGED: "inspecting", NOBODY_HOME: "holding",
}  # fmt: skip
"""Steps that people tell apart and CBV has no word of its own for: on export they are these."""
EXCEPTIONS = (NOBODY_HOME, REFUSED, DAMAGED)
"""What can go wrong at the door."""
COURIER_STEPS = (
    "departing", "arriving", "loading", "unloading", "storing", "holding", OUT_FOR_DELIVERY, DELIVERED, *EXCEPTIONS,
)  # fmt: skip
DISPOSITIONS = {
    "picking": "in_progress", "packing": "in_progress", "commissioning": "active", ENCLOSED: "in_progress",
    VOIDED: "inactive", DELIVERED: "retail_sold", REFUSED: "returned", DAMAGED: "damaged",
}  # fmt: skip
"""CBV 2.0 (7.2); every step not named here leaves the parcel `in_transit`."""
PROOF_OF_DELIVERY = "recadv"
"""CBV 2.0 (7.3): the receiving advice is the business transaction that says what was received, and by whom."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a courier lays beside a scan: a photo, the name of whoever took the parcel, a word on what went wrong."""

    picture_sha256: str = ""
    received_by: str = ""
    note: str = ""


NO_PROOF = Proof()


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One fact about a parcel. `place` is what a person reads; `epcs` and `parent` are URIs of things."""

    event_id: str
    step: str
    at: datetime
    epcs: tuple[str, ...]
    read_point: str
    place: str = ""
    by: str = ""
    parent: str = ""
    action: str = "OBSERVE"
    order_uri: str = ""
    proof: Proof = NO_PROOF


def place_uri(root: str, place: str) -> str:
    """Return a URI for a place that a courier named in words."""
    return f"{root}/place/{quote(place, safe='')}"


def disposition(step: str) -> str:
    """Return the CBV disposition of a parcel after this step."""
    return DISPOSITIONS.get(step, "in_transit")


def event(happened: Happened, root: str, recorded_at: datetime) -> dict[str, Any]:
    """Return the EPCIS event; with a `parent` an AggregationEvent, else an ObjectEvent."""
    body: dict[str, Any] = {
        "type": "AggregationEvent" if happened.parent else "ObjectEvent",
        "eventID": f"{root}/events/{happened.event_id}",
        "eventTime": format_time(happened.at),
        "eventTimeZoneOffset": "+00:00",
        "recordTime": format_time(recorded_at),
        "action": happened.action,
        "bizStep": OWN_STEPS.get(happened.step, happened.step),
        "disposition": disposition(happened.step),
        "readPoint": {"id": happened.read_point},
    }
    if happened.parent:
        body |= {"parentID": happened.parent, "childEPCs": list(happened.epcs)}
    else:
        body["epcList"] = list(happened.epcs)
    if papers := _papers(happened, root):
        body["bizTransactionList"] = papers
    proof, picture = happened.proof, happened.proof.picture_sha256
    extra = {
        "vitrine:step": happened.step, "vitrine:place": happened.place, "vitrine:by": happened.by,
        "vitrine:picture": picture_uri(root, picture) if picture else "", "vitrine:receivedBy": proof.received_by,
        "vitrine:note": proof.note,
    }  # fmt: skip
    return body | {name: value for name, value in extra.items() if value}


def _papers(happened: Happened, root: str) -> list[dict[str, str]]:
    """Return the business transactions: the order, and for a delivery that is proved the reference of its proof."""
    papers = [{"type": "po", "bizTransaction": happened.order_uri}] if happened.order_uri else []
    proof = happened.proof
    if happened.step == DELIVERED and (proof.picture_sha256 or proof.received_by):
        picture = proof.picture_sha256
        reference = picture_uri(root, picture) if picture else f"{root}/events/{happened.event_id}#received-by"
        papers.append({"type": PROOF_OF_DELIVERY, "bizTransaction": reference})
    return papers


def picture_uri(root: str, picture_sha256: str) -> str:
    """Return the address of a picture; who may see it is asked there."""
    return f"{root}/pictures/{picture_sha256}"


def proof_of(body: dict[str, Any]) -> Proof:
    """Return what was laid beside a scan, read from its event."""
    picture = str(body.get("vitrine:picture", ""))
    return Proof(picture.rpartition("/")[2], str(body.get("vitrine:receivedBy", "")), str(body.get("vitrine:note", "")))


def correction(wrong: dict[str, Any], reason: str, declared_at: datetime) -> dict[str, Any]:
    """Return the error declaration of a wrong event: the same event id and content, declared not to have been so.

    EPCIS 2.0 7.4.1.2: a declaration repeats the event that it is about, so event ids are not unique; contents are.
    """
    declaration = {"declarationTime": format_time(declared_at), "reason": reason}
    return {**wrong, "recordTime": format_time(declared_at), "errorDeclaration": declaration}


def content_sha256(body: dict[str, Any]) -> str:
    """Return a hash of what an event says, without its id and when it was recorded: equal facts are one fact."""
    said = {name: value for name, value in body.items() if name not in ("eventID", "recordTime")}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def document(events: list[dict[str, Any]], root: str, created_at: datetime) -> dict[str, Any]:
    """Return the EPCISDocument of these events."""
    return {
        "@context": [CONTEXT, {"vitrine": f"{root}/ns/"}],
        "type": "EPCISDocument",
        "schemaVersion": VERSION,
        "creationDate": format_time(created_at),
        "epcisBody": {"eventList": events},
    }
