"""The shop plan: one versioned document of what the shop must know; and the parts that labels are made of. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from wire.promotions import Promotion
from wire.text import Text as Text  # noqa: PLC0414  # the way in which a name is passed on under mypy


class PackWhen(StrEnum):
    """When a confirmed piece goes to packing: at once (and waits for its label), or only when it is paid."""

    CONFIRMED = "confirmed"
    PAID = "paid"


class SpotKind(StrEnum):
    """How a piece comes before its camera: it stays where the camera hangs, or the attendant brings it to the
    turntable.
    """

    STAYS = "stays"
    TURNTABLE = "turntable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a head looks and a table stands: pan and tilt in degrees, zoom as magnification (1 = widest), table in
    degrees.
    """

    pan_deg: float = 0.0
    tilt_deg: float = 0.0
    zoom: float = 1.0
    table_deg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A named view of a piece: `front`, `back`, `left`, `right`, `top`, `label`, `flaw`; another one has a `title`."""

    name: str
    position: Position
    title: Text = Text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a piece can be looked at: the camera's device name, how it gets there, the view to start with, its
    faces.

    `view_width_mm` is how wide the camera's picture is at zoom 1 in the plane where the piece stands (at zoom 2 half of
    it), so a picture W pixels wide has W × zoom / view_width_mm pixels in a millimetre; None: never calibrated.
    """

    camera: str
    kind: SpotKind = SpotKind.STAYS
    home: Position = Position()
    faces: tuple[Face, ...] = ()
    view_width_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecePlan:
    """One physical piece: `code` is what its own tag scans as (and what the attendant reads aloud).

    `listing_id` is empty for what is not for sale (a sample); its style may cost more or less than the listing's price.
    """

    piece_id: str
    code: str
    title: Text
    sku: str = ""
    gtin: str = ""
    serial: str = ""
    location: str = ""
    spot: Spot | None = None
    listing_id: str = ""
    price_difference_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacePlan:
    """A tag that hangs at a place: its code as people type it (lower case, no dash), and the location it stands for."""

    tag_id: str
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPrice:
    """A lower price that holds from its first moment up to, not including, its last (RFC 3339 times)."""

    price_minor: int
    from_at: str
    until_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPlan:
    """What the till must know of a listing to sell it: names, codes, price in minor units of the shop's currency."""

    listing_id: str
    title: Text
    price_minor: int
    currency: str
    sku: str = ""
    gtin: str = ""
    prices: tuple[TimedPrice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TillMember:
    """Who may sign in at the till; `pin_hash` is as `wire.pins` makes it, empty while they have no PIN."""

    account_id: str
    name: str
    role: str
    pin_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A rectangle of a camera's picture that is never shown, as shares (0…1) of width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPlan:
    """What a viewing camera may do: `is_offered` False means no shopper looks through it."""

    camera: str
    title: Text = Text()
    is_offered: bool = True
    masks: tuple[Mask, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHours:
    """One opening of one weekday (0 = Monday) in the shop's own zone, `HH:MM`; `until` 24:00 is midnight."""

    weekday: int
    opens: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """Days on which the shop is closed whatever its hours, both ends included, `YYYY-MM-DD` in the shop's own zone."""

    first_day: str
    last_day: str
    title: Text = Text()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPlan:
    """Everything the relay owns and the shop must know, whole; a newer `version` replaces an older one.

    `hours` empty means always open. `time_zone` is an IANA name. `resolver_url` is the root of every code on a label.
    `promotions` are those that hold at the counter, each in its own time.
    """

    version: int
    shop_id: str
    shop_name: Text
    merchant_id: str
    merchant_name: Text
    time_zone: str = "UTC"
    hours: tuple[OpenHours, ...] = ()
    pack_when: PackWhen = PackWhen.CONFIRMED
    resolver_url: str = ""
    sender_lines: tuple[str, ...] = ()
    cameras: tuple[CameraPlan, ...] = ()
    pieces: tuple[PiecePlan, ...] = ()
    turn_s: float = 180.0
    is_relay_only: bool = False
    holidays: tuple[Holiday, ...] = ()
    is_spin_on: bool = False
    listings: tuple[ListingPlan, ...] = ()
    till_members: tuple[TillMember, ...] = ()
    currency: str = ""
    places: tuple[PlacePlan, ...] = ()
    promotions: tuple[Promotion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a parcel goes, as it stands on the label; `country` is ISO 3166-1 alpha-2."""

    name: str
    lines: tuple[str, ...]
    postal_code: str
    city: str
    country: str
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLine:
    """One thing in the parcel as the label names it."""

    title: Text
    quantity: int = 1
    sku: str = ""
    gtin: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelContent:
    """What is printed: readable mailing details, a code for the goods, one for the merchant, and one that resolves.

    `goods_code` and `merchant_code` are the texts of the two lesser codes; `resolver_url` is the address in the
    large one
    (`…/00/<sscc>` or `…/p/<parcel_id>`); the shop adds its label serial to it as `?s=`. `label_no` counts the labels
    that
    the relay ordered for this parcel from 1; a higher one voids those before it. `pickup_sha256`: the shopper collects
    it; the hash of `<parcel_id>.<code>`, so that the shop knows the right code without having it.
    """

    order_id: str
    label_no: int
    to: Address
    sender_lines: tuple[str, ...]
    goods_code: str
    merchant_code: str
    resolver_url: str
    sscc: str = ""
    lines: tuple[LabelLine, ...] = field(default_factory=tuple)
    service: str = ""
    pickup_sha256: str = ""
