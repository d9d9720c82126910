"""Pictures from strangers: only what a decoder in a limited child process made anew is kept."""

import io
import struct
import time
import zlib

import pytest
from PIL import Image

from tests.cloud_relay.site import jpeg


def png_bomb(side: int) -> bytes:
    """Return a small PNG that says it is `side` x `side` pixels and unpacks to all of them."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(b"\0" * (1 + side // 8)) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def saved(format_, mode="RGB", size=(60, 40), **options):
    out = io.BytesIO()
    Image.new(mode, size).save(out, format_, **options)
    return out.getvalue()


async def upload(site, content, status):
    _, shop_id, headers = await site.merchant("teahouse")
    listing_id, _ = await site.listing(shop_id, headers)
    files = {"picture": ("x.jpg", content, "image/jpeg")}
    answer = await site.call(
        "POST", f"/api/listings/{listing_id}/pictures", headers=headers, files=files, status=status
    )
    return answer, listing_id, headers


@pytest.mark.parametrize(
    "content",
    [jpeg(), jpeg(4000, 3000), saved("PNG", "RGBA"), saved("PNG", "P"), saved("PNG", "LA"), saved("WEBP"),
     saved("PNG", "I;16"), saved("JPEG", "CMYK")],
)  # fmt: skip
async def test_good_pictures_become_plain_jpegs(site, content):
    answer, listing_id, _ = await upload(site, content, 201)
    shown = await site.call("GET", f"/pictures/{answer['picture_sha256']}", status=200)
    with Image.open(io.BytesIO(shown.content)) as image:
        assert image.format == "JPEG"
        assert image.mode == "RGB"
        assert max(image.size) <= 1600
        assert not image.getexif()
    assert (await site.call("GET", f"/api/listings/{listing_id}"))["pictures"] == [answer["picture_sha256"]]


async def test_where_it_was_taken_is_not_kept_but_which_way_is_up(site):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "canary description"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    content = jpeg(600, 400, exif=exif.tobytes(), comment=b"canary comment")
    assert b"canary" in content
    answer, _, _ = await upload(site, content, 201)
    shown = (await site.http.get(f"/pictures/{answer['picture_sha256']}")).content
    assert b"canary" not in shown
    assert b"Exif" not in shown
    with Image.open(io.BytesIO(shown)) as image:
        assert image.size == (400, 600)


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + b"\0" * 100, b"<svg xmlns='http://www.w3.org/2000/svg'/>", jpeg()[:400], b"\xff\xd8\xff" * 50,
     saved("GIF", "P"), saved("BMP"), saved("TIFF"), png_bomb(13_000), b"\0\0\0\x18ftypheic" + b"\0" * 200],
    ids=["empty", "gif header", "svg", "cut off", "only markers", "gif", "bmp", "tiff", "bomb", "heic"],
)  # fmt: skip
async def test_everything_else_is_refused_quickly(site, content):
    began = time.monotonic()
    answer, listing_id, _ = await upload(site, content, 422)
    assert answer["title_zh"]
    assert time.monotonic() - began < 12
    assert (await site.call("GET", f"/api/listings/{listing_id}"))["pictures"] == []


async def test_too_large_a_body_is_cut_off(site):
    _, shop_id, headers = await site.merchant("teahouse")
    listing_id, _ = await site.listing(shop_id, headers)
    path = f"/api/listings/{listing_id}/pictures"
    files = {"picture": ("x.jpg", b"\0" * (12 * 1024 * 1024 + 20_000), "image/jpeg")}
    await site.call("POST", path, headers=headers, files=files, status=413)
    await site.call("POST", "/api/merchants", {"contact": "x" * 70_000}, headers, 413)


async def test_pictures_come_and_go_in_order(site):
    _, shop_id, headers = await site.merchant("teahouse")
    listing_id, _ = await site.listing(shop_id, headers)
    path = f"/api/listings/{listing_id}/pictures"
    added = []
    for colour in ("red", "green", "red", "blue"):
        files = {"picture": ("x.jpg", jpeg(40, 30, colour), "image/jpeg")}
        added.append((await site.call("POST", path, headers=headers, files=files, status=201))["picture_sha256"])
    red, green, _, blue = added
    assert (await site.call("GET", f"/api/listings/{listing_id}"))["pictures"] == [red, green, blue]
    await site.call("DELETE", f"{path}/{green}", headers=headers)
    await site.call("DELETE", f"{path}/{green}", headers=headers, status=404)
    assert (await site.call("GET", f"/api/listings/{listing_id}"))["pictures"] == [red, blue]
    await site.call("GET", f"/pictures/{green}", status=404)
    await site.call("GET", f"/pictures/{green}", headers=headers, status=200)


@pytest.mark.parametrize("name", ["0" * 63, "G" * 64, "..%2f..%2fetc%2fpasswd", "%00" * 64, "a" * 64])
async def test_only_hashes_name_pictures(site, name):
    answer = await site.http.get(f"/pictures/{name}")
    assert answer.status_code in (404, 422)
