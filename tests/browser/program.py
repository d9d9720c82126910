"""Somebody who speaks JSON with the relay, to bring about quickly what a page is to show."""

import time
import uuid

import httpx

ADDRESS = {"name": "Mei Lin", "lines": ["Kaiserstraße 12"], "postal_code": "10115", "city": "Berlin", "country": "DE"}


class Program:
    """Speaks JSON with the relay as one account."""

    def __init__(self, url: str, email: str, password: str, **new: str) -> None:
        self.url = url
        self.headers: dict[str, str] = {}
        if new:
            self.call("POST", "/api/accounts", {"email": email, "password": password, **new})
        token = self.call("POST", "/api/sign-in", {"email": email, "password": password})["token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body=None):
        headers = {**self.headers, "Idempotency-Key": str(uuid.uuid4())}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=30)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def listing(self, words: str) -> dict:
        hits = self.call("GET", f"/api/search?q={words}")["hits"]
        return self.call("GET", f"/api/listings/{hits[0]['listing_id']}")

    def buy(self, words: str) -> str:
        """Buy a piece unseen and return the order."""
        body = {"listing_id": self.listing(words)["listing_id"], "address": ADDRESS, "payment_method": "sandbox:ok"}
        return self.call("POST", "/api/orders", {**body, "agrees_photo_window": True})["order_id"]

    def wait(self, order_id: str, state: str, timeout_s: float = 90) -> dict:
        """Return the order as soon as it is in this state."""
        until = time.monotonic() + timeout_s
        while (order := self.call("GET", f"/api/orders/{order_id}"))["state"] != state:
            assert time.monotonic() < until, f"{order_id} is {order['state']}, not {state}"
            time.sleep(0.2)
        return order
