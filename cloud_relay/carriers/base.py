"""The carrier's interface: book a parcel, its label and number, what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wire.plan import Address, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel to be carried. `shipment_id` is the key that books it once, however often it is sent."""

    shipment_id: str
    parcel_id: str
    order_id: str
    to: Address
    sender_name: str = ""
    sender_lines: tuple[str, ...] = ()
    weight_g: int = 0
    """The goods alone, as their listings say; 0 when they do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A booking that stands. Without a `label` the shop's own label is the one on the parcel."""

    tracking_no: str
    tracking_url: str = ""
    label: bytes = b""
    label_media_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a carrier says of a parcel, in its own word (`raw`) and its own time."""

    tracking_no: str
    raw: str
    at: datetime
    text: str = ""
    place: str = ""
    written: str = ""
    """The time as the carrier wrote it, by which a word is known again: `at` changes when a time zone is told later."""
    is_zone_known: bool = True
    """Otherwise `at` is what the carrier's clock showed, wherever that hangs: to be shown, not to be reckoned with."""


class CarrierUnknownError(RuntimeError):
    """No answer, or none that says whether it was booked: ask with `find`, never book again blindly."""


class CarrierRefusedError(RuntimeError):
    """The carrier said no; the message is its reason, for the merchant."""


class BadCarrierWordError(ValueError):
    """A webhook that is not proved to come from the carrier, is too old or cannot be read: nothing of it is kept."""


class Carrier(Protocol):
    """Everything the market asks of who carries its parcels."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> Text: ...

    @property
    def steps(self) -> Mapping[str, str]:
        """Its words for where a parcel is, as our steps (`parcels.epcis`)."""
        ...

    @property
    def can_find(self) -> bool:
        """Whether it can be asked about a booking whose answer was lost."""
        ...

    @property
    def asked_at_once(self) -> int:
        """How many bookings it takes at a time, and beside them how many questions about parcels on their way."""
        ...

    async def book(self, shipment: Shipment) -> Booked:
        """Book the parcel; CarrierRefusedError for a no, CarrierUnknownError when nobody knows."""
        ...

    async def find(self, shipment: Shipment) -> Booked | None:
        """Return the booking of this shipment, or None when the carrier never heard of it; raise as `book`."""
        ...

    async def words(self, tracking_no: str) -> list[Word]:
        """Return everything it says of a parcel; CarrierUnknownError without an answer."""
        ...

    def read_words(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Word]:
        """Return what a webhook says after checking its signature over the raw bytes; BadCarrierWordError otherwise."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...


@dataclass(frozen=True, slots=True)
class Carriers:
    """The carriers of one relay, by name; `manual` is always there."""

    by_name: Mapping[str, Carrier] = field(default_factory=dict)
