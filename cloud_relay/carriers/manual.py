"""The `manual` carrier: any courier, by the link shown once at hand-over. Nothing is booked; the label is ours."""

from collections.abc import Mapping
from datetime import datetime

from cloud_relay.carriers.base import BadCarrierWordError, Booked, CarrierRefusedError, Shipment, Word
from wire.plan import Text


class ManualCarrier:
    """A courier who scans on the courier's page."""

    name = "manual"
    title = Text(en="A courier with our link", zh="快递员（扫码链接）")
    steps: Mapping[str, str] = {}
    can_find = False
    asked_at_once = 1

    async def book(self, shipment: Shipment) -> Booked:
        """There is nothing to book: the attendant hands the parcel over."""
        raise CarrierRefusedError("the attendant hands the parcel over at the bench; nothing is booked")

    async def find(self, shipment: Shipment) -> Booked | None:
        return None

    async def words(self, tracking_no: str) -> list[Word]:
        return []

    def read_words(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Word]:
        raise BadCarrierWordError("webhook: this carrier sends none; couriers scan on their page")

    async def close(self) -> None:
        """There is nothing open."""
