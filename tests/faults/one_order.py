"""One order from the shopper's click to the merchant's money, through whatever dies on the way, and what judges it."""

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from demo.walk import ADDRESS
from tests.faults.town import Town

ENDS = ("released", "refunded", "cancelled")
ORDER_S = 240.0
"""When a person would call an order lost; a quiet machine needs ten seconds, a killed program five more."""


class OrderLostError(AssertionError):
    """The order did not come to its end in time; the message shows where it stood."""


class OneOrder:
    """Buys one bowl unseen. Every call is repeated with its own Idempotency-Key until it is answered."""

    def __init__(self, town: Town, address: dict[str, Any] | None = None) -> None:
        self.town = town
        self.address = address or ADDRESS
        self.order_id = ""
        self._until_s = time.monotonic() + ORDER_S

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post until the relay answers; a refusal raises HTTPStatusError."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        while True:
            try:
                answer = await self.town.shopper.http.post(path, json=body, headers=headers)
                in_flight = answer.status_code == httpx.codes.CONFLICT and "request_in_flight" in answer.text
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR and not in_flight:
                    return dict(answer.raise_for_status().json() or {})
            except httpx.TransportError:
                pass
            await self._pause(f"an answer to POST {path}")

    async def _pause(self, what: str) -> None:
        if time.monotonic() > self._until_s:
            town = self.town
            raise OrderLostError(
                f"{self.order_id}: still no {what}; the shop has {town.unfinished()}; the attendant did "
                f"{town.hands.did[-12:]}, was refused {town.hands.trouble!r}"
            )
        await asyncio.sleep(0.1)

    async def place(self, payment_method: str = "sandbox:ok") -> None:
        """Order and pay."""
        now = datetime.now(UTC)
        body = {
            "listing_id": self.town.listing_id, "address": self.address, "payment_method": payment_method,
            "delivery_from": (now + timedelta(days=3)).isoformat(), "agrees_photo_window": True,
            "delivery_until": (now + timedelta(days=9)).isoformat(),
        }  # fmt: skip
        self.order_id = (await self.post("/api/orders", body))["order_id"]

    async def look(self) -> dict[str, Any]:
        """The order as the shopper sees it."""
        while True:
            try:
                answer = await self.town.shopper.http.get(f"/api/orders/{self.order_id}")
                if answer.is_success:
                    return dict(answer.json())
            except httpx.TransportError:
                pass
            await self._pause("page of the order")

    async def becomes(self, *states: str) -> dict[str, Any]:
        """Wait until the order is in one of these states, or at an end."""
        while (order := await self.look())["state"] not in (*states, *ENDS):
            await self._pause(f"{' or '.join(states)}, it is {order['state']}")
        return order

    async def photographed(self) -> dict[str, Any]:
        """Wait for the photo."""
        return await self.becomes("photo_offered")

    async def finish(self) -> str:
        """From the photo to the money; return the state in which it ended."""
        order = await self.photographed()
        if order["state"] == "photo_offered":
            answer = {"answer": "confirmed", "picture_sha256": order["photo_sha256"]}
            await self.post(f"/api/orders/{self.order_id}/photo", answer)
        return await self.receive()

    async def receive(self) -> str:
        """From the hand-over to the money; return the state in which it ended."""
        order = await self.becomes("handed_over")
        if order["state"] == "handed_over":
            await self._deliver()
            await self.post(f"/api/orders/{self.order_id}/receipt", {})
        return str((await self.becomes())["state"])

    async def _deliver(self) -> None:
        parcel_id = self.parcel_id()
        while parcel_id not in self.town.hands.links:
            await self._pause("courier link")
        token = self.town.hands.links[parcel_id].rsplit("/", 1)[-1]
        scan = {"code": parcel_id, "biz_step": "delivered", "place": "Berlin", "received_by": "Mei Lin"}
        await self.post(f"/api/courier/{token}/scans", scan)
        await self.becomes("delivered")

    def parcel_id(self) -> str:
        """The parcel of this order."""
        query = "SELECT parcel_id FROM order_line WHERE order_id = ?"
        return str(self.town.ask(self.town.database, query, self.order_id)[0]["parcel_id"])

    async def settle(self) -> None:
        """Wait until the shop box has nothing left to do."""
        while self.town.unfinished():
            await self._pause(f"rest at the shop: {self.town.unfinished()}")


def judge(town: Town, order: OneOrder, end: str) -> None:
    """Fail unless books, journal and the simulators' truth agree that this order was done once and rightly."""
    assert end in ENDS
    assert town.violations() == []
    assert town.unfinished() == []
    query = (
        "SELECT o.paid_at, p.sscc, i.code FROM orders o JOIN order_line l ON l.order_id = o.order_id "
        "JOIN parcel p ON p.parcel_id = l.parcel_id JOIN piece i ON i.piece_id = l.piece_id WHERE o.order_id = ?"
    )
    (row,) = town.ask(town.database, query, order.order_id)
    labels = town.labels()
    piece = next(one.piece for one in town.shop.listings[0].pieces if one.code == row["code"])
    judge_labels(labels)
    mine = [label for label in labels if any(row["sscc"] in code for code in label["codes"])]
    for label in mine:
        assert label["printed_at"][:23] > row["paid_at"].replace(" ", "T")[:23], "printed before it was paid"
    taken = [event for event in town.truth() if event["event"] == "taken_away" and event["piece"] == piece]
    if end == "released":
        (event,) = taken
        (no,) = event["labels"]
        assert no in [label["no"] for label in mine], "another order's label is on the parcel"
    else:
        assert taken == []


def judge_labels(labels: list[dict[str, Any]]) -> None:
    """Fail if two labels were ever applied to one parcel, or a label of one order to two parcels."""
    applied = [label for label in labels if label["applied_at"]]
    parcels = [label["parcel"] for label in applied]
    assert len(parcels) == len(set(parcels)), f"two labels on one parcel: {applied}"
