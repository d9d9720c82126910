"""Who may do what at every address of the relay. A new route without a line here fails its test.

`who`: public · signed_in (a visitor gets 401) · operator · shopper (the one it belongs to) · merchant (its people) ·
parties (that shopper and that merchant) · secret (the address itself is the key; a wrong one is 404).
`body` is one that the owner could send; {names} stand for things of the world that test_rights.py builds.
"""

from dataclasses import dataclass
from typing import Any

ADDRESS = {"name": "Ann", "lines": ["Lane 1"], "city": "X", "country": "CN"}
ORDER = {"parcel_id": "{reserved}", "address": ADDRESS, "payment_method": "{method}", "agrees_photo_window": True}


@dataclass(frozen=True)
class Right:
    method: str
    path: str
    who: str
    body: Any = None
    media_type: str = "application/json"
    query: str = ""
    params: tuple[tuple[str, str], ...] = ()
    """Which thing of the world stands for a parameter, where it is not the one of the parameter's own name."""


RIGHTS = [
    Right("GET", "/healthz", "public"),
    Right("GET", "/metrics", "public"),
    Right("GET", "/api/events", "shopper", query="channels=account:{ann}"),
    Right(
        "POST", "/api/accounts", "public", {"email": "new@example.org", "password": "new password", "nickname": "new"}
    ),
    Right("POST", "/api/sign-in", "public", {"email": "ann@example.org", "password": "{password}"}),
    Right("POST", "/api/sign-out", "signed_in"),
    Right("GET", "/api/me", "signed_in"),
    Right("PATCH", "/api/me", "signed_in", {"nickname": "x"}),
    Right("POST", "/api/me/password", "signed_in", {"password": "{password}", "new_password": "another sentence"}),
    Right("GET", "/api/me/addresses", "signed_in"),
    Right("POST", "/api/me/addresses", "signed_in", ADDRESS),
    Right("DELETE", "/api/me/addresses/{address_id}", "shopper"),
    Right("POST", "/api/merchants", "signed_in", {"name_en": "x", "contact": "y"}),
    Right("GET", "/api/merchants/mine", "signed_in"),
    Right("GET", "/api/operator/merchants", "operator"),
    Right("POST", "/api/operator/merchants/{merchant_id}/decide", "operator", {"state": "suspended"}),
    Right("GET", "/api/merchants/{merchant_id}/members", "merchant"),
    Right("POST", "/api/merchants/{merchant_id}/invitations", "merchant", {"email": "x@example.org", "role": "packer"}),
    Right("DELETE", "/api/merchants/{merchant_id}/invitations/{invitation_id}", "merchant"),
    Right(
        "PATCH",
        "/api/merchants/{merchant_id}/members/{account_id}",
        "merchant",
        {"role": "packer"},
        params=(("account_id", "packer"),),
    ),
    Right(
        "DELETE", "/api/merchants/{merchant_id}/members/{account_id}", "merchant", params=(("account_id", "packer"),)
    ),
    Right("POST", "/api/invitations/{token}/accept", "secret"),
    Right("GET", "/api/merchants/{merchant_id}/announcements", "merchant"),
    Right(
        "POST",
        "/api/announcements",
        "merchant",
        {"shop_id": "{shop_id}", "title_en": "x", "shown_until": "{tomorrow}"},
    ),
    Right("PATCH", "/api/announcements/{announcement_id}", "merchant", {"title_en": "y"}),
    Right("POST", "/api/announcements/{announcement_id}/end", "merchant"),
    Right("DELETE", "/api/announcements/{announcement_id}", "merchant"),
    Right("POST", "/api/announcements/{announcement_id}/restore", "merchant"),
    Right("POST", "/api/listings/{listing_id}/goods-in", "merchant", {"pieces": [{"code": "in-1"}]}),
    Right("POST", "/api/listings/{listing_id}/counts", "merchant", {"on_hand": 9, "version": 1}),
    Right("POST", "/api/stock-changes/{change_id}/undo", "merchant"),
    Right("GET", "/api/viewing/{session_id}/position", "merchant"),
    Right("POST", "/api/listings/{listing_id}/camera-pictures", "merchant", {"session_id": "{session_id}"}),
    Right("GET", "/api/search", "public"),
    Right("GET", "/api/listings/{listing_id}", "public"),
    Right("PATCH", "/api/listings/{listing_id}", "merchant", {"title_en": "x"}),
    Right("GET", "/api/merchants/{merchant_id}/goods", "merchant"),
    Right("POST", "/api/listings", "merchant", {"shop_id": "{shop_id}", "title_en": "x", "price_minor": 1}),
    Right("POST", "/api/listings/{listing_id}/publish", "merchant"),
    Right("POST", "/api/listings/{listing_id}/withdraw", "merchant"),
    Right("POST", "/api/listings/{listing_id}/stock", "merchant", {"on_hand": 9, "version": 1}),
    Right("POST", "/api/listings/{listing_id}/pictures", "merchant", "picture"),
    Right("DELETE", "/api/listings/{listing_id}/pictures/{picture_sha256}", "merchant"),
    Right("POST", "/api/pieces", "merchant", {"listing_id": "{listing_id}", "code": "new"}),
    Right("PATCH", "/api/pieces/{piece_id}", "merchant", {"location": "x"}),
    Right("GET", "/pictures/{picture_sha256}", "public"),
    Right("GET", "/pictures/{picture_sha256}", "parties", params=(("picture_sha256", "still"),)),
    Right("POST", "/api/shops", "merchant", {"merchant_id": "{merchant_id}", "name_en": "x"}),
    Right("PATCH", "/api/shops/{shop_id}", "merchant", {"name_en": "x"}),
    Right("GET", "/api/shops/{shop_id}", "public"),
    Right("GET", "/api/shops/{shop_id}/bench-checks", "merchant"),
    Right("POST", "/api/shops/{shop_id}/claim", "merchant"),
    Right("POST", "/api/shops/{shop_id}/revoke", "merchant"),
    Right("POST", "/api/viewing", "public", {"piece_id": "{piece_id}"}),
    Right("GET", "/api/viewing/{session_id}", "shopper"),
    Right("DELETE", "/api/viewing/{session_id}", "shopper"),
    Right("POST", "/api/viewing/{session_id}/leave", "shopper"),
    Right("POST", "/api/viewing/{session_id}/pass", "shopper"),
    Right("POST", "/whep/{session_id}", "secret", b"v=0", media_type="application/sdp"),
    Right(
        "PATCH", "/whep/streams/{stream_id}", "secret", b"a=candidate:1", media_type="application/trickle-ice-sdpfrag"
    ),
    Right("DELETE", "/whep/streams/{stream_id}", "secret"),
    Right("POST", "/api/viewing/{session_id}/stills", "secret", {"viewing_pass": "wrong"}),
    Right("POST", "/api/viewing/{session_id}/steer", "shopper", {"kind": "stop", "turn_no": 1, "sequence": 1}),
    Right("POST", "/api/viewing/{session_id}/questions", "shopper", {"kind": "open_it"}),
    Right("POST", "/api/shops/{shop_id}/cameras/{camera}/take", "merchant", {"reason": "x"}),
    Right("GET", "/api/shops/{shop_id}/cameras/{camera}", "public"),
    Right("GET", "/api/viewing/{session_id}/frame.jpg", "shopper"),
    Right("GET", "/api/viewing/{session_id}/still", "shopper"),
    Right("POST", "/api/reservations", "signed_in", {"piece_id": "{piece_id}"}),
    Right("POST", "/api/reservations/{parcel_id}/extend", "shopper", params=(("parcel_id", "reserved"),)),
    Right("DELETE", "/api/reservations/{parcel_id}", "shopper", params=(("parcel_id", "reserved"),)),
    Right("GET", "/api/checkout/{parcel_id}", "shopper", params=(("parcel_id", "reserved"),)),
    Right("POST", "/api/orders", "shopper", ORDER),
    Right("GET", "/api/orders", "signed_in"),
    Right("POST", "/api/orders/{order_id}/pay", "shopper", {"payment_method": "{method}"}),
    Right("GET", "/api/orders/{order_id}", "parties"),
    Right("GET", "/api/orders/{order_id}/evidence", "parties"),
    Right("POST", "/api/orders/{order_id}/cancel", "parties"),
    Right("POST", "/api/orders/{order_id}/photo", "shopper", {"answer": "confirmed", "picture_sha256": "0" * 64}),
    Right("POST", "/api/orders/{order_id}/receipt", "shopper"),
    Right("POST", "/api/orders/{order_id}/dispute", "shopper", {"reason": "x"}),
    Right("POST", "/api/orders/{order_id}/dispute/withdraw", "shopper"),
    Right("GET", "/api/merchants/{merchant_id}/orders", "merchant"),
    Right("GET", "/api/operator/disputes", "operator"),
    Right("POST", "/api/operator/disputes/{dispute_id}/rule", "operator", {"ruling": "refund", "reason": "x"}),
    Right("GET", "/api/merchants/{merchant_id}/money", "merchant"),
    Right("POST", "/api/merchants/{merchant_id}/payouts", "merchant", {"amount_minor": 1, "currency": "CNY"}),
    Right("GET", "/01/{gtin}", "public"),
    Right("GET", "/01/{gtin}/21/{serial}", "public"),
    Right("GET", "/00/{sscc}", "public"),
    Right("GET", "/p/{parcel_id}", "public"),
    Right("GET", "/m/{merchant_id}", "public"),
    Right("GET", "/api/courier/{link}", "secret"),
    Right("POST", "/api/courier/{link}/scans", "secret", {"code": "x", "biz_step": "departing", "place": "x"}),
    Right("POST", "/api/courier/{link}/corrections", "secret", {"event_id": "x"}),
    Right("POST", "/api/courier/{link}/pictures", "secret", "picture"),
    Right("GET", "/api/parcels/{parcel_id}/epcis", "parties"),
    Right("GET", "/api/notices", "signed_in"),
    Right("POST", "/api/notices/read", "signed_in", {"notice_ids": []}),
    Right("POST", "/webhooks/{provider}", "secret", b"{}"),
    Right("WS", "/api/viewing/{session_id}/frames", "shopper"),
    Right("GET", "/static/{_version}/{name}", "public"),
    Right("POST", "/api/handoffs", "public", {"purpose": "words"}),
    Right("POST", "/api/handoffs/claim", "secret", {"handoff_id": "x", "screen": "wrong"}),
    Right("POST", "/api/handoffs/{secret}/order", "secret", ORDER),
    Right("POST", "/api/handoffs/{secret}/words", "secret", {"text": "x"}),
    Right("POST", "/api/handoffs/{secret}/steer", "secret", {"kind": "stop"}),
    Right("POST", "/api/handoffs/{secret}/let-in", "secret"),
    Right("GET", "/h/{secret}", "secret"),
    # pages: a visitor who must sign in is led there (303)
    Right("GET", "/", "public"),
    Right("GET", "/search", "public"),
    Right("GET", "/l/{listing_id}", "public"),
    Right("GET", "/look", "public", query="piece={piece_id}"),
    Right("GET", "/look/{piece_id}", "public"),
    Right("GET", "/s/{shop_id}", "public"),
    Right("GET", "/sign-in", "public"),
    Right("GET", "/sign-up", "public"),
    Right("GET", "/account", "signed_in"),
    Right("GET", "/checkout/{parcel_id}", "shopper", params=(("parcel_id", "reserved"),)),
    Right("GET", "/orders", "signed_in"),
    Right("GET", "/orders/{order_id}", "parties"),
    Right("GET", "/orders/{order_id}/evidence/{frame}", "parties"),
    Right("GET", "/merchant", "signed_in"),
    Right("GET", "/merchant/orders", "signed_in"),
    Right("GET", "/merchant/money", "signed_in"),
    Right("GET", "/merchant/money.csv", "signed_in"),
    Right("GET", "/merchant/listings", "signed_in"),
    Right("GET", "/merchant/listings/new", "signed_in"),
    Right("GET", "/merchant/listings/{listing_id}", "merchant"),
    Right("GET", "/merchant/shops/new", "signed_in"),
    Right("GET", "/merchant/shops/{shop_id}", "merchant"),
    Right("GET", "/operator", "operator"),
    Right("GET", "/c/{link}", "secret"),
]
