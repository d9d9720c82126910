"""Shipping by weight and zone, tax by destination: the terms of a shop and what they make of one order. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloud_relay.escrow.rules import PPM, split
from cloud_relay.refusals import RefusedError
from cloud_relay.shipping.places import clean_place, rank
from wire.values import BadValueError, clean_text

ZONES_MAX, PLACES_MAX, STEPS_MAX, RATES_MAX = 30, 100, 30, 60
"""More than any carrier's price list has; they bound what every checkout reads."""
WEIGHT_G_MAX = 1_000_000
PRICE_MINOR_MAX = 10**9
NAME_LENGTH_MAX, CATEGORY_LENGTH_MAX = 60, 40


@dataclass(frozen=True, slots=True)
class Step:
    """Up to and with `up_to_g` grams it costs `price_minor`; None is any weight, in the last step only."""

    up_to_g: int | None
    price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """Where one price list holds; goods worth `free_from_minor` or more go for nothing (None: never)."""

    name_en: str
    name_zh: str
    places: tuple[str, ...]
    steps: tuple[Step, ...]
    free_from_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """Parts per million of tax on what goes to a place; with a category only on listings that have it."""

    place: str
    rate_ppm: int
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a shop asks: no zones means one price for everywhere, no rates no tax; `is_tax_on_top` prices are net."""

    zones: tuple[Zone, ...] = ()
    rates: tuple[TaxRate, ...] = ()
    is_tax_on_top: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One parcel's goods: price, weight (0: not known), the values of its attributes, and what all of the shop's
    goods that are paid together are worth (for "free from").
    """

    price_minor: int
    weight_g: int = 0
    attributes: tuple[str, ...] = ()
    together_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What comes to the price: shipping, and the tax in (or on) price and shipping together."""

    shipping_minor: int
    tax_minor: int = 0
    tax_ppm: int = 0
    is_tax_on_top: bool = False
    zone_en: str = ""
    zone_zh: str = ""

    def total_minor(self, price_minor: int) -> int:
        """Return what the shopper pays for goods of this price."""
        return price_minor + self.shipping_minor + (self.tax_minor if self.is_tax_on_top else 0)


def zone_of(zones: Iterable[Zone], country: str, postal_code: str) -> Zone | None:
    """Return the zone that names the destination most closely, or None; between equals the first."""
    ranked = [(max(rank(place, country, postal_code) for place in zone.places), zone) for zone in zones]
    best = max((one for one, _ in ranked), default=-1)
    return next((zone for one, zone in ranked if one == best), None) if best >= 0 else None


def shipping_price(zone: Zone, weight_g: int, together_minor: int) -> int | None:
    """Return the price in a zone, None for what is heavier than its last step."""
    step = next((one for one in zone.steps if one.up_to_g is None or weight_g <= one.up_to_g), None)
    if step is None:
        return None
    is_free = zone.free_from_minor is not None and together_minor >= zone.free_from_minor
    return 0 if is_free else step.price_minor


def rate_of(rates: Iterable[TaxRate], country: str, postal_code: str, attributes: Iterable[str]) -> int:
    """Return the rate in ppm: of the closest place, and there the listing's own category before none; 0 without one."""
    has = {one.casefold() for one in attributes}
    found = [
        (rank(one.place, country, postal_code), bool(one.category), one.rate_ppm)
        for one in rates
        if not one.category or one.category.casefold() in has
    ]
    closest = max(found, key=lambda one: one[:2], default=(-1, False, 0))
    return closest[2] if closest[0] >= 0 else 0


def tax_of(amount_minor: int, rate_ppm: int, *, is_on_top: bool) -> int:
    """Return the tax on a net amount (half a unit counts as one), or the tax inside a gross one (largest remainder)."""
    if is_on_top:
        return (amount_minor * rate_ppm + PPM // 2) // PPM
    return split(amount_minor, [PPM, rate_ppm])[1]


def cost(
    terms: Terms, usual_minor: int, goods: Goods, country: str, postal_code: str, *, is_collected: bool
) -> Cost | None:
    """Return what comes to the price of a parcel to this destination; None when the shop does not send it there.

    `usual_minor` is the shop's one price, for shops without zones. What is collected is not sent, so it costs nothing.
    """
    zone = zone_of(terms.zones, country, postal_code)
    shipping: int | None = usual_minor
    if is_collected:
        shipping = 0
    elif terms.zones:
        shipping = None if zone is None else shipping_price(zone, goods.weight_g, goods.together_minor)
    if shipping is None:
        return None
    rate_ppm = rate_of(terms.rates, country, postal_code, goods.attributes)
    tax = tax_of(goods.price_minor + shipping, rate_ppm, is_on_top=terms.is_tax_on_top)
    names = (zone.name_en, zone.name_zh) if zone is not None and not is_collected else ("", "")
    return Cost(
        shipping_minor=shipping, tax_minor=tax, tax_ppm=rate_ppm, is_tax_on_top=terms.is_tax_on_top,
        zone_en=names[0], zone_zh=names[1],
    )  # fmt: skip


def not_sent_there(title_en: str, title_zh: str) -> RefusedError:
    """Return the refusal for a destination or weight that the shop's table does not have."""
    return RefusedError(
        "not_sent_there", f"{title_en} is not sent to this address; choose another address or collect it",
        f"{title_zh} 不寄送到此地址，请更换地址或到店自取", 422,
    )  # fmt: skip


def read_terms(given: Mapping[str, object]) -> Terms:
    """Return the terms of checked JSON, as `to_json` of `Terms` wrote it and forms send it; BadValueError otherwise."""
    zones, rates = _list(given, "zones", ZONES_MAX), _list(given, "rates", RATES_MAX)
    terms = Terms(
        zones=tuple(_zone(one, f"zones[{place}]") for place, one in enumerate(zones)),
        rates=tuple(_rate(one, f"rates[{place}]") for place, one in enumerate(rates)),
        is_tax_on_top=given.get("is_tax_on_top") is True,
    )
    _once("zones", [place for zone in terms.zones for place in zone.places])
    _once("rates", [f"{one.place} {one.category}".strip() for one in terms.rates])
    return terms


def _list(given: Mapping[str, object], name: str, most: int) -> list[Mapping[str, object]]:
    found = given.get(name, [])
    if not isinstance(found, list) or len(found) > most or not all(isinstance(one, dict) for one in found):
        raise BadValueError(f"{name}: a list of at most {most} objects")
    return found


def _once(name: str, places: list[str]) -> None:
    doubled = sorted({one for one in places if places.count(one) > 1})
    if doubled:
        raise BadValueError(f"{name}: {doubled[0]!r} stands in two of them; which should hold?")


def _number(value: object, name: str, most: int, least: int = 0) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadValueError(f"{name}: a whole number from {least} to {most}")
    return value


def _zone(given: Mapping[str, object], name: str) -> Zone:
    places, names = given.get("places"), [str(given.get(one) or "").strip() for one in ("name_en", "name_zh")]
    if not isinstance(places, list) or not 1 <= len(places) <= PLACES_MAX:
        raise BadValueError(f"{name}.places: 1 to {PLACES_MAX} places, such as CN, CN-ZJ, DE 10 or *")
    if not any(names):
        raise BadValueError(f"{name}: give it a name in one language at least")
    free = given.get("free_from_minor")
    return Zone(
        name_en=clean_text(names[0] or names[1], f"{name}.name_en", NAME_LENGTH_MAX),
        name_zh=clean_text(names[1] or names[0], f"{name}.name_zh", NAME_LENGTH_MAX),
        places=tuple(clean_place(str(one)) for one in places),
        steps=_steps(_list(given, "steps", STEPS_MAX), name),
        free_from_minor=None if free is None else _number(free, f"{name}.free_from_minor", PRICE_MINOR_MAX),
    )


def _steps(given: list[Mapping[str, object]], name: str) -> tuple[Step, ...]:
    if not given:
        raise BadValueError(f"{name}.steps: one weight with its price at least")
    steps, before = [], 0
    for place, one in enumerate(given):
        where, weight = f"{name}.steps[{place}]", one.get("up_to_g")
        if weight is None and place != len(given) - 1:
            raise BadValueError(f"{where}: only the last step may be for any weight")
        up_to_g = None if weight is None else _number(weight, f"{where}.up_to_g", WEIGHT_G_MAX, before + 1)
        steps.append(Step(up_to_g, _number(one.get("price_minor"), f"{where}.price_minor", PRICE_MINOR_MAX)))
        before = up_to_g or before
    return tuple(steps)


def _rate(given: Mapping[str, object], name: str) -> TaxRate:
    category = str(given.get("category") or "").strip()
    return TaxRate(
        place=clean_place(str(given.get("place") or "")),
        rate_ppm=_number(given.get("rate_ppm"), f"{name}.rate_ppm", PPM),
        category=clean_text(category, f"{name}.category", CATEGORY_LENGTH_MAX) if category else "",
    )
