"""The `generic_http` carrier: any that books by JSON over HTTP, as settings say; words by poll or webhook."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import httpx

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
from cloud_relay.settings import CarrierSettings
from wire.plan import Text

SIGNATURE_HEADER = "carrier-signature"
TOLERANCE_S = 300
"""How far a webhook's own time may be from ours; an older one is a replay."""
WORDS_MAX = 500
"""Words of one parcel in one answer; a journey has dozens."""
NAMES = frozenset({
    "shipment_id", "parcel_id", "order_id", "name", "lines", "line_1", "line_2", "line_3", "line_4", "postal_code",
    "city", "country", "phone", "sender_name", "sender_lines", "sender_line_1", "sender_line_2", "sender_line_3",
})  # fmt: skip
"""What may stand in curly brackets in a booking's body."""
ASKED_AT_ONCE = 10
"""A carrier's own limits on calls are seldom lower, and hundreds of parcels an hour go through."""
UNCERTAIN = frozenset({408, 409, 425, 429})


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature header of a webhook: HMAC-SHA256 over time, a dot and the raw bytes."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def values_of(shipment: Shipment) -> dict[str, Any]:
    """Return what templates may name, of one shipment."""
    to = asdict(shipment.to)
    lines, sender = [*shipment.to.lines], [*shipment.sender_lines]
    numbered = {f"line_{place + 1}": lines[place] if place < len(lines) else "" for place in range(4)}
    numbered |= {f"sender_line_{place + 1}": sender[place] if place < len(sender) else "" for place in range(3)}
    plain = {name: to[name] for name in ("name", "postal_code", "city", "country", "phone")}
    return {
        **plain, **numbered, "lines": lines, "sender_lines": sender, "sender_name": shipment.sender_name,
        "shipment_id": shipment.shipment_id, "parcel_id": shipment.parcel_id, "order_id": shipment.order_id,
    }  # fmt: skip


class GenericHttpCarrier:
    """Speaks as `[carrier]` of the settings says; BadTemplateError or BadStepsError name what is wrong there."""

    asked_at_once = ASKED_AT_ONCE

    def __init__(self, settings: CarrierSettings, token: str, webhook_secret: str) -> None:
        self._told, self._webhook_secret = settings, webhook_secret
        self._zone = zone_of(settings.time_zone)
        self._body = templates.read_template(settings.book_body, NAMES, "[carrier] book_body")
        templates.check_names(settings.find_path, NAMES, "[carrier] find_path")
        templates.check_names(settings.words_path, frozenset({"tracking_no"}), "[carrier] words_path")
        self.name = settings.name
        self.title = Text(en=settings.title_en or settings.name, zh=settings.title_zh or settings.name)
        self.steps: Mapping[str, str] = steps_of(settings.statuses)
        self.can_find = bool(settings.find_path)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=settings.url, headers=headers, timeout=settings.timeout_s)

    async def book(self, shipment: Shipment) -> Booked:
        values = values_of(shipment)
        answer = await self._ask(
            "POST", self._told.book_path, json_body=templates.fill(self._body, values), once=shipment.shipment_id
        )
        if answer is None:
            raise CarrierRefusedError(f"{self._told.book_path}: not found; see [carrier] book_path")
        return self._booked(answer)

    async def find(self, shipment: Shipment) -> Booked | None:
        answer = await self._ask("GET", templates.fill_path(self._told.find_path, values_of(shipment)))
        return None if answer is None else self._booked(answer)

    def _booked(self, answer: Any) -> Booked:
        number = templates.text_at(answer, self._told.tracking_no_at, 64)
        if not number:
            raise CarrierUnknownError(f"{self.name}: an answer without {self._told.tracking_no_at}")
        found = templates.at_path(answer, self._told.label_at) if self._told.label_at else ""
        try:
            label, media_type = templates.read_label(found if isinstance(found, str) else "")
        except ValueError as error:
            raise CarrierUnknownError(f"{self.name}: booked as {number}, but {error}") from None
        url = templates.text_at(answer, self._told.tracking_url_at)
        return Booked(
            tracking_no=number, tracking_url=url if url.startswith("https://") else "", label=label,
            label_media_type=media_type,
        )  # fmt: skip

    async def words(self, tracking_no: str) -> list[Word]:
        if not self._told.words_path:
            return []
        path = templates.fill_path(self._told.words_path, {"tracking_no": tracking_no})
        answer = await self._ask("GET", path)
        try:
            return [] if answer is None else self._words(answer, tracking_no)
        except ValueError as error:
            raise CarrierUnknownError(f"{self.name}: {error}") from None

    def _words(self, answer: Any, tracking_no: str) -> list[Word]:
        """Return the readable ones of a list of words: one that lacks its word or time spoils none of the others."""
        rows = templates.at_path(answer, self._told.words_at) if self._told.words_at else answer
        if not isinstance(rows, list):
            raise ValueError(f"no list at {self._told.words_at!r}")  # noqa: TRY004  # what came is wrong, not our call
        found = [self._word(row, tracking_no) for row in rows[:WORDS_MAX]]
        return [one for one in found if one is not None]

    def _word(self, row: Any, tracking_no: str) -> Word | None:
        told = self._told
        raw, at = templates.text_at(row, told.status_at, 80), templates.text_at(row, told.time_at, 40)
        try:
            moment, is_zone_known = read_time(at, self._zone)
        except ValueError:
            return None
        if not raw:
            return None
        return Word(
            tracking_no=tracking_no, raw=raw, at=moment, written=at, is_zone_known=is_zone_known,
            text=templates.text_at(row, told.text_at), place=templates.text_at(row, told.place_at, 120),
        )  # fmt: skip

    def read_words(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Word]:
        parts = dict(part.partition("=")[::2] for part in headers.get(SIGNATURE_HEADER, "").split(","))
        timestamp = parts.get("t", "")
        if not self._webhook_secret or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise BadCarrierWordError("webhook: no signature")
        expected = sign(self._webhook_secret, int(timestamp), body)
        if not hmac.compare_digest(expected.encode(), f"t={timestamp},v1={parts.get('v1', '')}".encode()):
            raise BadCarrierWordError("webhook: the signature does not fit")
        if abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
            raise BadCarrierWordError("webhook: signed too long ago")
        try:
            answer = json.loads(body)
            number = templates.text_at(answer, self._told.tracking_no_at, 64)
            return self._words(answer, number) if number else []
        except ValueError as error:
            raise BadCarrierWordError(f"webhook: signed, but not readable ({error})") from None

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, json_body: Any = None, once: str = "") -> Any:
        """Return the JSON of an answer, None for 404; a certain no is CarrierRefusedError."""
        headers = {"Idempotency-Key": once} if once else {}
        try:
            answer = await self._http.request(method, path, json=json_body, headers=headers)
            found = answer.json() if answer.content and answer.status_code != httpx.codes.NOT_FOUND else None
        except (httpx.HTTPError, ValueError) as error:
            raise CarrierUnknownError(f"{self.name}: {method} {path}: {type(error).__name__}") from error
        if answer.is_success and found is not None:
            return found
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_client_error and answer.status_code not in UNCERTAIN:
            reason = templates.text_at(found, self._told.reason_at) or f"HTTP {answer.status_code}"
            raise CarrierRefusedError(reason)
        raise CarrierUnknownError(f"{self.name}: HTTP {answer.status_code} for {method} {path}")
