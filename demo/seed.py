"""Fills an empty mall as its people would: the merchant applies, the operator verifies, the shop is stocked and
enrolled.
"""

import asyncio
import io
import math
from collections.abc import Callable
from typing import Any

from PIL import Image

from demo.goods import DemoListing, DemoPiece, DemoShop, gtin_of
from demo.mall import ROOT, Mall
from demo.people import MERCHANTS, OPERATOR, SHOPPER, Caller, plain_http
from demo.shop_files import TILL_PIN
from demo.supervisor import python_module, run_once

FACES = {"front": 0.0, "right": 90.0, "back": 180.0, "left": 270.0}
"""The four sides of what stands on a turntable, in degrees of the table."""

APPEAR_S = 20.0
SHOP_LOOK_S = 0.05

FIELD_MM, DISTANCE_MM, PLACE_MM = 900.0, 1011.0, 205.0
"""The demonstration's window: what the camera sees at its widest, how far away, and how far apart the pieces stand."""

PORTRAIT_MM = 240.0
"""Width of a listing's picture: the largest piece with a hand's breadth around it."""


async def seed_people(mall: Mall) -> None:
    """Make operator and shopper."""
    await run_once(
        python_module(
            "cloud_relay", "operator", "create", "--data", str(mall.relay_folder), "--email", OPERATOR.email,
            "--password", OPERATOR.password, "--nickname", OPERATOR.nickname,
        ),
        ROOT,
    )  # fmt: skip
    caller = Caller(mall.relay_url)
    await caller.sign_up(SHOPPER)
    await caller.close()


async def seed_shop(mall: Mall, shop: DemoShop, say: Callable[[str], None]) -> str:
    """Make merchant and shop, stock it, and return the claim code for its box."""
    person = MERCHANTS[shop.name]
    merchant, operator = Caller(mall.relay_url), Caller(mall.relay_url)
    try:
        await merchant.sign_up(person)
        await merchant.sign_in(person)
        await operator.sign_in(OPERATOR)
        applied = await merchant.call(
            "POST", "/api/merchants",
            {"name_en": shop.merchant_en, "name_zh": shop.merchant_zh, "contact": person.email},
        )  # fmt: skip
        decision = {"state": "verified", "reason": "documents seen"}
        await operator.call("POST", f"/api/operator/merchants/{applied['merchant_id']}/decide", decision)
        made = await merchant.call("POST", "/api/shops", shop_body(shop, applied["merchant_id"]))
        own = await merchant.call("GET", "/api/me")
        pin_url = f"/api/merchants/{applied['merchant_id']}/members/{own['account_id']}/pin"
        await merchant.call("PUT", pin_url, {"pin": TILL_PIN})
        await merchant.call("POST", f"/api/shops/{made['shop_id']}/pickup-points", counter_of(shop))
        for number, listing in enumerate(shop.listings, 1):
            await seed_listing(mall, merchant, shop, made["shop_id"], listing, number)
            say(f"{shop.name}: {listing.title_en} stands in the case")
        claim: dict[str, Any] = await merchant.call("POST", f"/api/shops/{made['shop_id']}/claim", {})
        return str(claim["claim_text"])
    finally:
        await merchant.close()
        await operator.close()


def shop_body(shop: DemoShop, merchant_id: str) -> dict[str, Any]:
    """Return what a merchant says of a new shop; no hours means always open."""
    titles = {"front": ("At the window", "橱窗前"), "table": ("Turntable", "转台")}
    return {
        "merchant_id": merchant_id, "shop_id": shop.name, "name_en": shop.name_en, "name_zh": shop.name_zh,
        "story_en": shop.story_en, "story_zh": shop.story_zh, "time_zone": shop.time_zone, "hours": [],
        "country": shop.country, "currency": shop.currency, "shipping_minor": shop.shipping_minor,
        "gs1_prefix": shop.gs1_prefix, "sender_lines": list(shop.sender_lines), "pack_when": "confirmed",
        "cameras": [
            {"camera": name, "title": {"en": titles[name][0], "zh": titles[name][1]}} for name in shop.cameras
        ],
    }  # fmt: skip


def counter_of(shop: DemoShop) -> dict[str, Any]:
    """Return the shop's own counter as the point where shoppers collect."""
    street, town = shop.sender_lines[1], shop.sender_lines[2].split()
    address = {"lines": [street], "postal_code": town[0], "city": town[1], "country": shop.country}
    return {
        "name_en": f"{shop.name_en}, counter", "name_zh": f"{shop.name_zh} 柜台", "hours_en": "daily 10–19",
        "hours_zh": "每日 10–19 点", "address": address,
    }  # fmt: skip


async def seed_listing(
    mall: Mall, merchant: Caller, shop: DemoShop, shop_id: str, listing: DemoListing, number: int
) -> None:
    """Make one listing with its pieces and pictures, and publish it."""
    made = await merchant.call(
        "POST", "/api/listings",
        {
            "shop_id": shop_id, "title_en": listing.title_en, "title_zh": listing.title_zh,
            "description_en": listing.description_en, "description_zh": listing.description_zh, "sku": listing.sku,
            "gtin": gtin_of(shop, number), "price_minor": listing.price_minor, "currency": shop.currency,
            "weight_g": listing.weight_g, "attributes": listing.attributes,
        },
    )  # fmt: skip
    listing_id = made["listing_id"]
    for piece in listing.pieces:
        body = {"listing_id": listing_id, "code": piece.code, "serial": piece.engraving or piece.code,
                "location": location_of(piece), "spot": spot_of(shop, piece)}  # fmt: skip
        await merchant.call("POST", "/api/pieces", body)
    picture = await photograph(mall, shop, listing.pieces[0])
    answer = await merchant.http.post(
        f"/api/listings/{listing_id}/pictures", files={"picture": ("front.jpg", picture, "image/jpeg")}
    )
    answer.raise_for_status()
    await merchant.call("POST", f"/api/listings/{listing_id}/publish", {})


async def photograph(mall: Mall, shop: DemoShop, piece: DemoPiece) -> bytes:
    """Photograph a piece through the shop's own camera; from the shelf it is carried to the turntable for that."""
    camera = "front" if piece.spot or "table" not in shop.cameras else "table"
    async with plain_http(timeout=30) as http:
        control = mall.control_url(shop)
        if camera == "table":
            await http.post(f"{control}/hands", json={"act": "carry", "piece": piece.piece, "to": "turntable"})
        still = await http.get(f"{mall.camera_url(shop)}/{camera}/still")
        if camera == "table":
            await http.post(f"{control}/hands", json={"act": "carry", "piece": piece.piece, "to": "spot"})
    middle_mm = place_mm(shop, piece.spot) if camera == "front" else 0.0
    return cut_out(still.raise_for_status().content, middle_mm)


def cut_out(jpeg: bytes, middle_mm: float) -> bytes:
    """Return the part of a widest still around a place, 4:3, as JPEG."""
    picture = Image.open(io.BytesIO(jpeg))
    px_per_mm = picture.width / FIELD_MM
    width, height = int(PORTRAIT_MM * px_per_mm), int(PORTRAIT_MM * px_per_mm * 3 / 4)
    left = int(picture.width / 2 + middle_mm * px_per_mm - width / 2)
    top = (picture.height - height) // 2
    out = io.BytesIO()
    picture.crop((left, top, left + width, top + height)).save(out, "JPEG", quality=90)
    return out.getvalue()


def place_mm(shop: DemoShop, spot: int) -> float:
    """Return how far right of the camera's middle a place in the window is."""
    last = max(piece.spot for listing in shop.listings for piece in listing.pieces)
    return (spot - (last + 1) / 2) * PLACE_MM


def location_of(piece: DemoPiece) -> str:
    """Return where the attendant, or the sorter, finds a piece."""
    if piece.location:
        return piece.location
    return f"window, place {piece.spot} / 橱窗 {piece.spot} 号位" if piece.spot else "shelf behind / 后架"


def spot_of(shop: DemoShop, piece: DemoPiece) -> dict[str, Any] | None:
    """Return how a piece comes before a camera: in the window as it stands, from the shelf by way of the turntable."""
    if piece.location:
        return None
    if piece.spot:
        pan_deg = math.degrees(math.atan(place_mm(shop, piece.spot) / DISTANCE_MM))
        home = {"pan_deg": round(pan_deg, 2), "tilt_deg": 0.0, "zoom": 1.8, "table_deg": 0.0}
        near = {**home, "zoom": 4.0}
        faces = [{"name": "front", "position": near}] if "table" in shop.cameras else []
        return {"camera": "front", "kind": "stays", "home": home, "faces": faces}
    if "table" not in shop.cameras:
        return None
    faces = [{"name": name, "position": {"pan_deg": 0.0, "tilt_deg": 0.0, "zoom": 2.0, "table_deg": angle}}
             for name, angle in FACES.items()]  # fmt: skip
    return {"camera": "table", "kind": "turntable",
            "home": {"pan_deg": 0.0, "tilt_deg": 0.0, "zoom": 1.5, "table_deg": 0.0}, "faces": faces}  # fmt: skip


async def wait_for_shop(mall: Mall, shop: DemoShop) -> bool:
    """Wait until the relay has heard of the shop's box and the box of its plan; return whether the shop is live."""
    merchant = Caller(mall.relay_url)
    await merchant.sign_in(MERCHANTS[shop.name])
    deadline = asyncio.get_running_loop().time() + APPEAR_S
    try:
        while True:
            state = await merchant.call("GET", f"/api/shops/{shop.name}")
            if state["is_online"] and state["plan_applied"] == state["plan_version"]:
                return bool(state["is_live"])
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"{shop.name} did not come online in {APPEAR_S:.0f} s: {state}")
            await asyncio.sleep(SHOP_LOOK_S)
    finally:
        await merchant.close()
