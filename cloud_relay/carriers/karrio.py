"""A `karrio` carrier: a real one by an extension of Karrio's library (LGPL-3.0, unmodified), asked in a child process.

The library is an extra (requirements/karrio.txt). Its booking has no key that makes it happen once, and nothing can be
asked about one whose answer was lost: then a person asks the carrier. Words come by poll; webhooks are not taken.
"""

import importlib.util
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cloud_relay.carriers import templates
from cloud_relay.carriers.base import (
    BadCarrierWordError,
    Booked,
    CarrierRefusedError,
    CarrierUnknownError,
    Shipment,
    Word,
)
from cloud_relay.carriers.steps import steps_of
from cloud_relay.carriers.times import read_time, zone_of
from cloud_relay.children import ChildTalksError, run_script
from cloud_relay.settings import CarrierSettings
from wire.plan import Text

CHILD = str(Path(__file__).with_name("karrio_child.py"))
ASKED_AT_ONCE = 1
"""Bookings, and beside them questions: each is a Python with a large library, 120 MB and a second of processor."""
PASSED_ON = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""All that the library may see of our environment: how one gets out of this network, and whom to trust there."""
ANSWER_BYTES_MAX = 2 * templates.LABEL_BYTES_MAX
"""The largest label in base64, and words beside it."""
WORDS_MAX = 500
"""Words of one parcel in one answer; a journey has dozens."""
REFUSALS = {"dhl_parcel_de": frozenset({"400", "401", "403"})}
"""By extension, the first code of an answer that proves that nothing was booked; of all other answers nobody knows.

dhl_parcel_de (read in karrio-dhl-parcel-de 2026.1.32 and DHL's Parcel DE Shipping 2): it asks once, without repeating,
for one shipment; its first message has the HTTP status, and these come before one is made. Others have codes of their
own, may make a shipment and then fail at its label, or repeat: each has to be read before it stands here.
"""


class BadKarrioError(ValueError):
    """Settings with which the library cannot work: the message says what is missing and what to do."""


class KarrioCarrier:
    """Speaks as `[carrier]` with `kind = "karrio"` says; BadKarrioError or BadStepsError name what is wrong there."""

    can_find = False
    asked_at_once = ASKED_AT_ONCE

    def __init__(self, settings: CarrierSettings, account: str) -> None:
        self._told = settings
        _check_installed(settings.extension)
        self._account = {**_object(settings.account, "account"), **_object(account, "VITRINE_CARRIER_TOKEN")}
        self._zone = zone_of(settings.time_zone)
        self._shipper = _object(settings.shipper, "shipper")
        lacking = [
            name for name in ("address_line1", "city", "postal_code", "country_code") if name not in self._shipper
        ]
        if lacking or not settings.service:
            raise BadKarrioError(f"shipper, service: {', '.join(lacking) or 'service'} is missing")
        self.name = settings.name
        self.title = Text(en=settings.title_en or settings.name, zh=settings.title_zh or settings.name)
        self.steps: Mapping[str, str] = steps_of(settings.statuses)

    async def book(self, shipment: Shipment) -> Booked:
        said = await self._ask({"shipment": self._shipment(shipment)})
        booked = said.get("booked")
        if not booked:
            raise no_booking(self.name, self._told.extension, said)
        number = templates.text_at(booked, "tracking_no", 64)
        if not number:
            raise CarrierUnknownError(f"{self.name}: an answer without a number")
        try:
            label, media_type = templates.read_label(templates.text_at(booked, "label", templates.LABEL_BYTES_MAX * 2))
        except ValueError as error:
            raise CarrierUnknownError(f"{self.name}: booked as {number}, but {error}") from None
        url = templates.text_at(booked, "tracking_url")
        return Booked(
            tracking_no=number, tracking_url=url if url.startswith("https://") else "", label=label,
            label_media_type=media_type,
        )  # fmt: skip

    def _shipment(self, shipment: Shipment) -> dict[str, Any]:
        """Return what Karrio's ShipmentRequest takes; the weight is the goods' own and what packing adds."""
        to, lines = shipment.to, [*shipment.to.lines, "", ""]
        recipient = {
            "person_name": to.name, "address_line1": lines[0], "address_line2": " ".join(lines[1:]).strip(),
            "postal_code": to.postal_code, "city": to.city, "country_code": to.country, "phone_number": to.phone,
        }  # fmt: skip
        weight_g = (shipment.weight_g or self._told.goods_weight_g) + self._told.packing_weight_g
        return {
            "service": self._told.service, "reference": shipment.shipment_id, "label_type": "PDF",
            "shipper": {"company_name": shipment.sender_name, **self._shipper},
            "recipient": {name: value for name, value in recipient.items() if value},
            "parcels": [{"weight": weight_g / 1000, "weight_unit": "KG"}],
        }  # fmt: skip

    async def find(self, shipment: Shipment) -> Booked | None:
        """Never asked: `can_find` is no."""
        raise CarrierUnknownError(f"{self.name}: cannot be asked about {shipment.shipment_id}")

    async def words(self, tracking_no: str) -> list[Word]:
        said = await self._ask({"tracking_no": tracking_no})
        if "words" not in said or (not said["words"] and said["messages"]):
            raise CarrierUnknownError(str(no_booking(self.name, "", said)))
        found = [word_of(one, tracking_no, self._zone) for one in said["words"][:WORDS_MAX]]
        return [one for one in found if one is not None]

    def read_words(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Word]:
        raise BadCarrierWordError("webhook: this carrier is asked; it sends none")

    async def close(self) -> None:
        """There is nothing open."""

    async def _ask(self, what: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the child says; CarrierUnknownError when it says nothing in time."""
        asked = {
            "carrier": self._told.extension, "account": self._account, "forwarder": self._told.url, **what,
        }  # fmt: skip
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        try:
            child = await run_script(
                CHILD, content=json.dumps(asked).encode(), timeout_s=self._told.timeout_s, env=env,
                output_bytes_max=ANSWER_BYTES_MAX,
            )  # fmt: skip
        except ChildTalksError:
            raise CarrierUnknownError(f"{self.name}: an answer of more than {ANSWER_BYTES_MAX} bytes") from None
        except TimeoutError:
            raise CarrierUnknownError(f"{self.name}: no answer in {self._told.timeout_s:g} s") from None
        try:
            answer: dict[str, Any] = json.loads(child.output)
        except ValueError:
            raise CarrierUnknownError(f"{self.name}: the library ended with {child.returncode}") from None
        return answer


def no_booking(name: str, extension: str, said: Mapping[str, Any]) -> CarrierRefusedError | CarrierUnknownError:
    """Return what an answer without a number means: a proved no, or nobody knows."""
    messages = [(code, text) for code, text in said.get("messages", [])]
    words = templates.text_at({"words": "; ".join(text for _, text in messages)}, "words")
    if messages and messages[0][0] in REFUSALS.get(extension, ()):
        return CarrierRefusedError(words or "no reason given")
    return CarrierUnknownError(f"{name}: {words or said.get('failed') or 'no booking and no reason'}")


def _check_installed(extension: str) -> None:
    found = importlib.util.find_spec("karrio")
    if found is None:
        raise BadKarrioError(
            'kind = "karrio" needs its library: pip install --require-hashes -r requirements/karrio.txt'
        )
    folders = [Path(one) / "providers" / extension for one in found.submodule_search_locations or ()]
    if not extension.isidentifier() or not any(one.is_dir() for one in folders):
        raise BadKarrioError(f"extension: {extension!r} is not installed; its package is karrio-{extension or '…'}")


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise BadKarrioError(f"{name}: no JSON ({error})") from None
    if not isinstance(found, dict):
        raise BadKarrioError(f'{name}: a JSON object, as {{"city": "Bonn"}}')
    return found


def word_of(one: Any, tracking_no: str, zone: ZoneInfo | None) -> Word | None:
    """Return an event of the library as a word, None for one without status or time: it spoils none of the others.

    Its `Z` is no zone: the library (karrio.lib.fiso_timestamp) writes it behind whatever the carrier's clock showed.
    """
    raw = templates.text_at(one, "status", 80) or templates.text_at(one, "code", 80)
    at = templates.text_at(one, "at", 40).removesuffix("Z")
    try:
        moment, is_zone_known = read_time(at, zone)
    except ValueError:
        return None
    if not raw:
        return None
    return Word(
        tracking_no=tracking_no, raw=raw, at=moment, written=at, is_zone_known=is_zone_known,
        text=templates.text_at(one, "text"), place=templates.text_at(one, "place", 120),
    )  # fmt: skip
