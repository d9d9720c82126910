"""Carriers' words for where a parcel is, and our steps for them; what is not in the table is shown as it came. Pure."""

from collections.abc import Iterable

from cloud_relay.parcels import epcis

STEPS: dict[str, str] = {
    "picked_up": "loading", "collected": "loading", "accepted": "loading", "departed": "departing",
    "in_transit": "departing", "transit": "departing", "arrived": "arriving", "at_depot": "arriving",
    "arrival_scan": "arriving", "sorting": "storing", "in_storage": "storing", "customs": "holding",
    "on_hold": "holding", "delayed": "holding", "delivery_delayed": "holding",
    "out_for_delivery": epcis.OUT_FOR_DELIVERY, "delivering": epcis.OUT_FOR_DELIVERY, "delivered": epcis.DELIVERED,
    "delivery_failed": epcis.NOBODY_HOME, "not_home": epcis.NOBODY_HOME, "attempted": epcis.NOBODY_HOME,
    "refused": epcis.REFUSED, "damaged": epcis.DAMAGED,
    "揽收": "loading", "已揽收": "loading", "运输中": "departing", "到达": "arriving", "派送中": epcis.OUT_FOR_DELIVERY,
    "已签收": epcis.DELIVERED, "拒收": epcis.REFUSED,
}  # fmt: skip
"""Words that many carriers share, in lower case with underscores; settings add and overrule."""


class BadStepsError(ValueError):
    """A line of settings that maps to no step of ours: the message names it and the steps there are."""


def clean_word(raw: str) -> str:
    """Return a carrier's word as the table spells it: `Out for Delivery` and OUT-FOR-DELIVERY are one."""
    return "_".join(raw.strip().lower().replace("-", " ").replace("_", " ").split())


def steps_of(lines: Iterable[str]) -> dict[str, str]:
    """Return the shared table with a carrier's own `word=step` lines over it; BadStepsError for an unknown step."""
    own = {}
    for line in lines:
        word, _, step = line.rpartition("=")
        if not word or step.strip() not in epcis.COURIER_STEPS:
            raise BadStepsError(f"{line!r}: must be word=step with a step of {', '.join(epcis.COURIER_STEPS)}")
        own[clean_word(word)] = step.strip()
    return {**STEPS, **own}


def step_for(raw: str, steps: dict[str, str]) -> str:
    """Return our step for a carrier's word, or nothing: then the word itself is shown and moves nothing."""
    return steps.get(clean_word(raw), "")
