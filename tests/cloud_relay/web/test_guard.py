"""How large a request may be, for each route there is: what takes files the larger limit, all else the smaller."""

import json
import re

import pytest
from fastapi import UploadFile

from cloud_relay import rooms
from cloud_relay.catalog import variant_rules
from cloud_relay.settings import LimitSettings
from cloud_relay.web.guard import LISTS_FACTOR, Guard

LIMITS = LimitSettings(body_bytes_max=1000, upload_bytes_max=20_000, requests_per_s=1e6, requests_burst=1_000_000)
RAW = {("PUT", "/shop-door/pictures/{token}")}
"""Takes the bytes as they are, without a form."""
SMALL = {("POST", "/api/codes")}
"""Takes 240 x 240 grey pixels, one byte each: they fit into the smaller limit."""
LISTS = {("PUT", "/api/listings/{listing_id}/variants"), ("POST", "/api/listings/{listing_id}/goods-in")}


def takes_file(route):
    return any(one.field_info.annotation is UploadFile for one in route.dependant.body_params)


def every_route():
    for router in (*rooms.ROUTERS, *rooms.DOOR_ROUTERS):
        for route in router.routes:
            for method in sorted(getattr(route, "methods", None) or ()):
                yield method, route.path, route


async def status_of(method, path, size, *, says=True):
    """Return how a body of so many bytes is answered: 200 by an application that reads it, 413 by the guard."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    heard = []

    async def receive():
        return {"type": "http.request", "body": bytes(size), "more_body": False}

    async def send(message):
        heard.append(message)

    headers = [(b"content-length", str(size).encode())] if says else []
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "client": ("127.0.0.1", 1)}
    await Guard(app, LIMITS)(scope, receive, send)
    return heard[0]["status"]


async def test_only_what_takes_files_may_bring_more_than_the_smaller_limit():
    seen = set()
    for method, template, route in every_route():
        is_upload = takes_file(route) or (method, template) in RAW
        path = re.sub(r"\{[^}]*\}", "x-1", template)
        is_large = is_upload and (method, template) not in SMALL
        most = 28_192 if is_large else 4000 if (method, template) in LISTS else 1000
        assert await status_of(method, path, most) == 200, (method, template)
        assert await status_of(method, path, most + 1) == 413, (method, template)
        if is_large:
            seen.add(template)
    assert len(seen) >= 8, "pictures of goods, requests, couriers and shops; clips, documents, tables, statements"
    assert "/api/quotes/{quote_id}/clip" in seen and "/shop-door/pictures/{token}" in seen


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/quotes/q/accept"), ("POST", "/api/quotes/q/clip/x"), ("POST", "/api/quotes/q/w/clip"),
        ("POST", "/api/quotes//clip"), ("POST", "/api/quotes/q/clip\n"), ("PATCH", "/api/listings/l"),
        ("POST", "/api/listings/l/publish"), ("POST", "/api/courier/c/scans"), ("PUT", "/api/goods-import"),
        ("POST", "/api/goods-imports/i/confirm"), ("GET", "/api/goods-imports"), ("POST", "/x/shop-door/pictures/t"),
        ("POST", "/api/clip"), ("POST", "/pictures"), ("DELETE", "/api/listings/l/pictures"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("says", [True, False])
async def test_what_only_looks_like_an_upload_is_held_to_the_smaller_limit(method, path, says):
    assert await status_of(method, path, 1001, says=says) == 413
    assert await status_of(method, path, 1000, says=says) == 200


def test_the_longest_list_of_variants_fits():
    word = {"en": "x" * variant_rules.WORD_LENGTH_MAX, "zh": "茶" * variant_rules.WORD_LENGTH_MAX}
    one = {"variant_id": "x" * 64, "choices": [word] * variant_rules.AXES_MAX, "price_difference_minor": 10**12,
           "sku": "茶" * 60, "gtin": "9" * 14, "is_offered": False}  # fmt: skip
    body = {"axes": [word] * variant_rules.AXES_MAX, "variants": [one] * variant_rules.VARIANTS_MAX, "version": 10**6}
    size = len(json.dumps(body, ensure_ascii=False).encode())
    assert LimitSettings().body_bytes_max < size < LISTS_FACTOR * LimitSettings().body_bytes_max


@pytest.mark.parametrize("says", [True, False])
async def test_an_upload_is_bounded_too(says):
    path, most = "/api/quotes/q/clip", 20_000 + 8192
    assert await status_of("POST", path, most, says=says) == 200
    assert await status_of("POST", path, most + 1, says=says) == 413
