"""Every page there is and who may see it, with the goods, orders and parcels that stand behind them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.browser.program import Program
from tests.browser.whole_mall import OPERATOR, SHOPPER, STUDIO, TEAHOUSE, WholeMall
from wire.values import format_time

READY_S = 240.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One page: its address with placeholders, who looks, and whether it waits for orders that are on their way."""

    path: str
    who: tuple[str, str] | None = None
    needs_orders: bool = False
    is_problem: bool = False


PAGES: dict[str, Seen] = {
    "home": Seen("/"),
    "search": Seen("/search?q=茶壶"),
    "search-nothing": Seen("/search?q=helicopter"),
    "listing": Seen("/l/{listing}"),
    "shop": Seen("/s/teahouse"),
    "tag": Seen("/01/{gtin}/21/YX21"),
    "tag-of-goods": Seen("/01/{gtin}"),
    "merchant-code": Seen("/m/{merchant}"),
    "sign-in": Seen("/sign-in"),
    "sign-up": Seen("/sign-up"),
    "look": Seen("/look/{piece}"),
    "book": Seen("/book/{piece}", SHOPPER),
    "offline": Seen("/offline"),
    "not-found": Seen("/nowhere", is_problem=True),
    "scan": Seen("/scan"),
    "scan-refused": Seen("/scan?code=strange"),
    "tag-unknown": Seen("/t/0000000000", is_problem=True),
    "merchant-tags": Seen("/merchant/tags", TEAHOUSE),
    "account": Seen("/account", SHOPPER),
    "rebates": Seen("/rebates"),
    "rebate-account": Seen("/account/rebates", SHOPPER),
    "record": Seen("/account/record", SHOPPER),
    "consent": Seen("/account/consent", SHOPPER),
    "wishes": Seen("/account/wishes", SHOPPER),
    "talks": Seen("/account/talks", SHOPPER),
    "operator-rebates": Seen("/operator/rebates", OPERATOR),
    "counter-code": Seen("/account/counter", SHOPPER),
    "merchant-counter": Seen("/merchant/counter", TEAHOUSE),
    "checkout": Seen("/checkout/{reserved}", SHOPPER),
    "basket": Seen("/basket", SHOPPER),
    "basket-checkout": Seen("/basket/checkout", SHOPPER),
    "merchant-shipping": Seen("/merchant/shops/teahouse/shipping", TEAHOUSE),
    "phone": Seen("/h/{handoff}"),
    "quotes": Seen("/quotes?q=teapot", SHOPPER),
    "quote-request": Seen("/quotes/{quote_request}", SHOPPER),
    "quote-accept": Seen("/quotes/{quote_request}/{quote}", SHOPPER),
    "merchant-quotes": Seen("/merchant/quotes", TEAHOUSE),
    "merchant-quote": Seen("/merchant/quotes/{quote_request}", TEAHOUSE),
    "merchant-today": Seen("/merchant", TEAHOUSE),
    "merchant-listings": Seen("/merchant/listings", TEAHOUSE),
    "merchant-listing": Seen("/merchant/listings/{listing}", TEAHOUSE),
    "merchant-new-listing": Seen("/merchant/listings/new", TEAHOUSE),
    "merchant-shop": Seen("/merchant/shops/teahouse", TEAHOUSE),
    "merchant-new-shop": Seen("/merchant/shops/new", TEAHOUSE),
    "merchant-members": Seen("/merchant/members", TEAHOUSE),
    "merchant-box": Seen("/merchant/box", TEAHOUSE),
    "merchant-check": Seen("/merchant/shops/teahouse/check", TEAHOUSE),
    "merchant-locations": Seen("/merchant/shops/teahouse/locations", TEAHOUSE),
    "merchant-news": Seen("/merchant/news", TEAHOUSE),
    "merchant-promotions": Seen("/merchant/promotions", TEAHOUSE),
    "here": Seen("/here/teahouse", SHOPPER),
    "together": Seen("/together", SHOPPER),
    "together-new": Seen("/together/new?promotion={promotion}&listing={bowl}", SHOPPER),
    "together-group": Seen("/together/{group}", SHOPPER),
    "together-pay": Seen("/together/{group}/pay?listing={bowl}", SHOPPER),
    "suggestion": Seen("/together/suggestions/{suggestion}", SHOPPER),
    "merchant-stock": Seen("/merchant/stock", TEAHOUSE),
    "merchant-real-name": Seen("/merchant/real-name", TEAHOUSE),
    "merchant-import": Seen("/merchant/import", TEAHOUSE),
    "merchant-bulk": Seen("/merchant/bulk?what=price_percent&amount=5&which=all", TEAHOUSE),
    "operator-applications": Seen("/operator/applications", OPERATOR),
    "merchant-teach": Seen("/merchant/pieces/{piece}/teach", TEAHOUSE),
    "invitation": Seen("/invitation/{invitation}", SHOPPER),
    "operator-shops": Seen("/operator/shops", OPERATOR),
    "operator-bank": Seen("/operator/bank", OPERATOR),
    "operator-books": Seen("/operator/books", OPERATOR),
    "orders": Seen("/orders", SHOPPER, needs_orders=True),
    "order-photo": Seen("/orders/{photo_order}", SHOPPER, needs_orders=True),
    "order-disputed": Seen("/orders/{disputed_order}", SHOPPER, needs_orders=True),
    "order-return-label": Seen("/orders/{disputed_order}/return-label", SHOPPER, needs_orders=True),
    "order-evidence": Seen("/orders/{disputed_order}/evidence/photo", SHOPPER, needs_orders=True),
    "parcel": Seen("/p/{parcel}", SHOPPER, needs_orders=True),
    "parcel-stranger": Seen("/p/{parcel}", needs_orders=True),
    "courier": Seen("/c/{courier}", needs_orders=True),
    "merchant-orders": Seen("/merchant/orders", STUDIO, needs_orders=True),
    "merchant-money": Seen("/merchant/money", STUDIO, needs_orders=True),
    "merchant-day": Seen("/merchant/money/day", STUDIO, needs_orders=True),
    "operator": Seen("/operator", OPERATOR, needs_orders=True),
    "operator-found": Seen("/operator?find={parcel}", OPERATOR, needs_orders=True),
}
"""By name; those that wait for orders come last, because the bench works while the others are looked at."""


class Scene:
    """What the pages show: made over HTTP as people would, the orders in a thread of their own."""

    def __init__(self, mall: WholeMall) -> None:
        self.mall = mall
        self.values: dict[str, str] = {}
        self._shopper, self._owner = Program(mall.url, *SHOPPER), Program(mall.url, *TEAHOUSE)
        self._problems: list[BaseException] = []
        self._open()
        self._orders = threading.Thread(target=self._guarded, args=(self._walk_orders,), daemon=True)
        self._orders.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # carried to the test that waits for the orders
            self._problems.append(error)

    def path(self, page: Seen) -> str:
        """Return the page's address, once everything that it shows is there."""
        if page.needs_orders:
            self._orders.join(READY_S)
            assert not self._orders.is_alive(), "the bench did not bring the orders on"
            assert self._problems == []
        return page.path.format(**self.values)

    def _open(self) -> None:
        beauty, lotus = self._shopper.listing("西施"), self._shopper.listing("青花")
        merchant = self.mall.rows("SELECT merchant_id FROM shop WHERE shop_id = 'teahouse'")[0]["merchant_id"]
        kept = self._shopper.call("POST", "/api/reservations", {"piece_id": lotus["pieces"][0]["piece_id"]})
        body = {"purpose": "sign_in", "subject": ""}
        handoff = httpx.post(f"{self.mall.url}/api/handoffs", json=body, timeout=30).json()
        invited = {"email": SHOPPER[0], "role": "packer"}
        invitation = self._owner.call("POST", f"/api/merchants/{merchant}/invitations", invited)
        self.values |= {
            "listing": beauty["listing_id"], "piece": beauty["pieces"][0]["piece_id"], "gtin": beauty["gtin"],
            "merchant": merchant, "reserved": kept["parcel_id"], "handoff": _last(handoff, "link", "/h/"),
            "invitation": _last(invitation, "url", "/invitation/"), **self._ask_for_quotes(beauty, merchant),
            **self._together(self._shopper.listing("建盏")),
        }  # fmt: skip

    def _together(self, bowl: dict[str, Any]) -> dict[str, str]:
        """A group order that waits for one more, and a suggestion: two neighbours wish for the same bowl."""
        listing_id, currency = bowl["listing_id"], bowl["currency"]
        later = format_time(datetime.now(UTC) + timedelta(days=3))
        promised = self._owner.call("POST", "/api/promotions", {
            "shop_id": "teahouse", "kind": "group_price", "title_en": "Two for tea", "title_zh": "二人茶席",
            "listing_ids": [listing_id], "count": 2, "price_minor": bowl["price_minor"] * 4 // 5, "until_at": later,
        })  # fmt: skip
        neighbour = Program(self.mall.url, f"{uuid4().hex}@example.org", "a neighbour of hers", nickname="Wen")
        for one in (self._shopper, neighbour):
            one.call("PUT", "/api/me/profile", {"country": "CN", "area": "静安"})
            one.call("POST", "/api/me/wishes", {"listing_id": listing_id, "budget_minor": bowl["price_minor"],
                                                "currency": currency, "wished_until": later})  # fmt: skip
            one.call("PUT", "/api/me/consent/suggestions", {"is_given": True})
        until_s = time.monotonic() + READY_S
        while not (found := self._shopper.call("GET", "/api/suggestions")["suggestions"]):
            assert time.monotonic() < until_s, "no suggestion came"
            time.sleep(0.2)
        begun = {"promotion_id": promised["promotion_id"], "listing_id": listing_id}
        group = neighbour.call("POST", "/api/groups", begun)["group_id"]
        self._shopper.call("POST", f"/api/groups/{group}/join", {})
        return {
            "promotion": promised["promotion_id"], "bowl": listing_id, "suggestion": found[0]["suggestion_id"],
            "group": group,
        }  # fmt: skip

    def _ask_for_quotes(self, listing: dict[str, Any], merchant: str) -> dict[str, str]:
        """The shopper asks for something like this listing, and its merchant quotes it."""
        until = format_time(datetime.now(UTC) + timedelta(days=2))
        currency = listing["currency"]
        body = {"title": "西施壶", "budget_minor": 50000, "currency": currency, "country": "CN", "open_until": until}
        asked = self._shopper.call("POST", "/api/quote-requests", body)["quote_request_id"]
        quote = {"listing_id": listing["listing_id"], "price_minor": 45000, "quoted_until": until}
        path = f"/api/merchants/{merchant}/quote-requests/{asked}/quotes"
        return {"quote_request": asked, "quote": self._owner.call("POST", path, quote)["quote_id"]}

    def _walk_orders(self) -> None:
        """One parcel is delivered and goes back; the next waits for its shopper to see the photo."""
        first, second = self._shopper.buy("紫釉马克杯"), self._shopper.buy("紫釉马克杯")
        order = self._shopper.wait(first, "photo_offered", READY_S)
        answer = {"answer": "confirmed", "picture_sha256": order["photo_sha256"]}
        self._shopper.call("POST", f"/api/orders/{first}/photo", answer)
        self._shopper.wait(first, "handed_over", READY_S)
        link = self.mall.courier_link("studio", order["parcel_id"]).rsplit("/", 1)[1]
        scan = {"code": order["parcel_id"], "biz_step": "nobody_home", "place": "Berlin", "note": "the bell is broken"}
        self._shopper.call("POST", f"/api/courier/{link}/scans", scan)
        scan |= {"biz_step": "delivered", "note": "", "received_by": "Lin"}
        self._shopper.call("POST", f"/api/courier/{link}/scans", scan)
        self._shopper.call("POST", f"/api/orders/{first}/return", {"reason": "It is smaller than it looked."})
        Program(self.mall.url, *STUDIO).call("POST", f"/api/orders/{first}/return/answer", {"answer": "accept"})
        self._shopper.wait(second, "photo_offered", READY_S)
        self.values |= {
            "disputed_order": first, "photo_order": second, "parcel": order["parcel_id"], "courier": link,
        }  # fmt: skip

    def close(self) -> None:
        """Leave both benches free, which hold one parcel each: the reservation is given up, the photo answered."""
        self._orders.join(READY_S)
        self._shopper.call("DELETE", f"/api/reservations/{self.values['reserved']}")
        self._shopper.call("POST", f"/api/quote-requests/{self.values['quote_request']}/withdraw")
        second = self.values.get("photo_order", "")
        if second:
            photo = self._shopper.wait(second, "photo_offered", READY_S)["photo_sha256"]
            answer = {"answer": "confirmed", "picture_sha256": photo}
            self._shopper.call("POST", f"/api/orders/{second}/photo", answer)
            self._shopper.wait(second, "handed_over", READY_S)


def _last(answer: dict[str, Any], name: str, mark: str) -> str:
    return str(answer[name]).rpartition(mark)[2].partition("?")[0]
