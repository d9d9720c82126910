"""Tags: made, printed, read back off the paper by another reader, followed; void, strange and foreign ones refused."""

import io

import pypdfium2
import pytest
import segno
import zxingcpp
from PIL import Image, ImageFilter

from cloud_relay.showroom import sheets
from cloud_relay.showroom.rules import SIZES
from cloud_relay.showroom.sheets import BadSheetError, draw_sheet
from cloud_relay.showroom.typeface import FontMissingError, find_typeface
from tests.cloud_relay.site import URL
from wire.tags import TagFace

GTIN = "9521234543213"
SIZE, S, M = {"en": "Size", "zh": "尺码"}, {"en": "S", "zh": "小"}, {"en": "M", "zh": "中"}
AS_PERSON = {"Accept": "text/html"}


def rendered(pdf: bytes, dpi: int = 200) -> list:
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    return [page.render(scale=dpi / 72).to_pil() for page in document]


def codes_on(pdf: bytes) -> list[list[str]]:
    """Return what an independent reader finds on each page as it would come out of a printer."""
    return [[one.text for one in zxingcpp.read_barcodes(page, zxingcpp.BarcodeFormat.QRCode)] for page in rendered(pdf)]


class Stand:
    """A shop with a listing in two sizes, and what its merchant does with tags."""

    def __init__(self, site, shop_id, owner, listing_id, variants):
        self.site, self.shop_id, self.owner, self.listing_id, self.variants = site, shop_id, owner, listing_id, variants

    async def make(self, *tags, kind="shelf", status=201, who=None):
        body = {"shop_id": self.shop_id, "kind": kind, "tags": list(tags)}
        return await self.site.call("POST", "/api/tags", body, who or self.owner, status)

    async def pdf(self, sheet_id, size="24", status=200):
        path = f"/api/tag-sheets/{sheet_id}?size={size}"
        return (await self.site.http.get(path, headers=self.owner)).content if status == 200 else None

    async def scan(self, path, status=200, **headers):
        return await self.site.call("GET", path, headers=headers or None, status=status)


@pytest.fixture
async def stand(site):
    _, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner, pieces=0, gtin=GTIN, sku="T-1")
    body = {"axes": [SIZE], "variants": [{"choices": [S]}, {"choices": [M], "price_difference_minor": 500}]}
    made = await site.call("PUT", f"/api/listings/{listing_id}/variants", body, owner)
    variants = [one["variant_id"] for one in made["variants"]]
    for number, variant_id in enumerate(variants):
        piece = {"listing_id": listing_id, "code": f"P-{number}", "variant_id": variant_id, "location": "A-3-2"}
        await site.call("POST", "/api/pieces", piece, owner, 201)
    return Stand(site, shop_id, owner, listing_id, variants)


async def test_a_printed_tag_is_read_off_the_paper_and_leads_to_its_style(stand):
    made = await stand.make(
        {"listing_id": stand.listing_id, "variant_id": stand.variants[1], "copies": 2},
        {"listing_id": stand.listing_id, "variant_id": stand.variants[0]},
    )
    pages = codes_on(await stand.pdf(made["sheet_id"]))
    assert [len(page) for page in pages] == [3]
    assert set(pages[0]) == {f"{URL}/01/0{GTIN}?t={tag}" for tag in made["tag_ids"]}
    address = f"{URL}/01/0{GTIN}?t={made['tag_ids'][0]}".removeprefix(URL)
    answer = await stand.site.http.get(address, headers=AS_PERSON)
    assert answer.status_code == 303
    assert (
        answer.headers["location"] == f"/l/{stand.listing_id}?variant={stand.variants[1]}&tag={made['tag_ids'][0]}#buy"
    )
    page = await stand.site.http.get(answer.headers["location"], headers=AS_PERSON)
    assert 'id="buy"' in page.text and f'name="variant_id" value="{stand.variants[1]}"' in page.text


async def test_the_typed_code_and_the_goods_number_lead_there_too(stand):
    made = await stand.make({"listing_id": stand.listing_id})
    code = made["tag_ids"][0]
    typed = f"{code[:5]}-{code[5:]}".upper()
    answer = await stand.site.http.get("/scan", params={"code": typed}, headers=AS_PERSON)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/t/{code}")
    found = await stand.scan(f"/t/{code}")
    assert (found["state"], found["listing_id"]) == ("goods", stand.listing_id)
    answer = await stand.site.http.get("/scan", params={"code": GTIN}, headers=AS_PERSON)
    assert answer.headers["location"] == f"/01/0{GTIN}"


async def test_a_merchant_without_gs1_numbers_has_an_own_path(stand):
    listing_id, _ = await stand.site.listing(stand.shop_id, stand.owner, pieces=1)
    made = await stand.make({"listing_id": listing_id}, kind="sample")
    assert codes_on(await stand.pdf(made["sheet_id"], "8")) == [[f"{URL}/t/{made['tag_ids'][0]}"]]


async def test_a_void_tag_says_so_and_shows_the_way_to_what_is_true_now(stand):
    made = await stand.make({"listing_id": stand.listing_id, "copies": 2})
    voided, kept = made["tag_ids"]
    assert await stand.site.call("POST", "/api/tags/void", {"tag_ids": [voided]}, stand.owner) == {"voided": 1}
    found = await stand.scan(f"/t/{voided}", 410)
    assert (found["state"], found["listing_id"]) == ("void", stand.listing_id)
    page = await stand.site.http.get(f"/t/{voided}?lang=zh", headers=AS_PERSON)
    assert page.status_code == 410 and "此标签已作废" in page.text and stand.listing_id in page.text
    assert codes_on(await stand.pdf(made["sheet_id"])) == [[f"{URL}/01/0{GTIN}?t={kept}"]], "printed again without it"


async def test_an_unknown_a_forged_and_a_withdrawn_tag_each_have_a_clear_page(stand):
    made = await stand.make({"listing_id": stand.listing_id})
    code = made["tag_ids"][0]
    for path, status, words in (
        ("/t/0000000000", 404, "We know no such tag"),
        ("/t/teapot", 404, "We know no such tag"),
        (f"/01/09521234000004?t={code}", 404, "This tag does not fit its goods"),
        ("/scan?code=https://evil.example/x", 200, "leads to another website"),
        ("/scan?code=nonsense", 200, "no code of ours"),
    ):
        page = await stand.site.http.get(path, headers=AS_PERSON)
        assert page.status_code == status and words in page.text, path
    await stand.site.call("POST", f"/api/listings/{stand.listing_id}/withdraw", {}, stand.owner)
    page = await stand.site.http.get(f"/t/{code}", headers=AS_PERSON)
    assert page.status_code == 410 and "Not offered just now" in page.text
    assert stand.listing_id not in page.text, "what is not published is shown to nobody"


async def test_a_tag_of_another_merchant_is_told_apart(stand):
    _, other_shop, ned = await stand.site.merchant("ned")
    made = await stand.make({"listing_id": stand.listing_id})
    code = made["tag_ids"][0]
    page = await stand.site.http.get(f"/t/{code}?here={other_shop}", headers=AS_PERSON)
    assert page.status_code == 200 and "A tag of another shop" in page.text
    assert (await stand.scan(f"/t/{code}?here={stand.shop_id}"))["state"] == "goods"
    await stand.site.call("POST", "/api/tags/void", {"tag_ids": [code]}, ned, 404)
    await stand.make({"listing_id": stand.listing_id}, who=ned, status=404)
    listing_id, _ = await stand.site.listing(other_shop, ned)
    await stand.make({"listing_id": listing_id}, status=404)
    assert (await stand.scan(f"/t/{code}"))["state"] == "goods"
    answer = await stand.site.http.get(f"/api/tag-sheets/{made['sheet_id']}", headers=ned)
    assert answer.status_code == 404


async def test_a_place_shows_what_lies_there_and_its_own_people_each_piece(stand):
    made = await stand.make({"location": "A-3-2"}, kind="place")
    code = made["tag_ids"][0]
    found = await stand.scan(f"/t/{code}")
    assert (found["state"], found["location"]) == ("place", "A-3-2")
    assert [one["listing_id"] for one in found["hits"]] == [stand.listing_id]
    assert "pieces" not in found
    own = await stand.scan(f"/t/{code}", **stand.owner)
    assert [one["code"] for one in own["pieces"]] == ["P-0", "P-1"]


async def test_a_member_without_the_right_and_a_strange_style_print_nothing(stand):
    await stand.make({"listing_id": stand.listing_id, "variant_id": "var_absent"}, status=422)
    await stand.make({"location": " "}, kind="place", status=422)
    await stand.make({"listing_id": stand.listing_id, "copies": 101}, status=422)


@pytest.mark.parametrize("name", SIZES)
def test_every_size_is_read_when_full_and_the_rest_goes_to_the_next_page(name):
    size = SIZES[name]
    count = size.count + 1 if size.count < 10 else 9
    faces = [
        TagFace(address=f"https://a-rather-long-name.shops.example.org/01/09521234543213?t=7k2qx9mh{n:02d}",
                printed=f"7K2QX-9MH{n:02d}", heading="样品 Sample", price="¥1,233,000.00", foot="茶馆 " + "T" * 60,
                titles=("紫" * 90 + "😀", "A very long title " * 8))
        for n in range(count)
    ]  # fmt: skip
    pages = codes_on(draw_sheet(faces, size, find_typeface()))
    assert [len(page) for page in pages] == ([size.count, 1] if size.count < 10 else [9])
    assert {code for page in pages for code in page} == {one.address for one in faces}


def test_nothing_is_drawn_outside_the_rim_of_a_tag():
    size = SIZES["24"]
    face = TagFace(address=f"{URL}/t/7k2qx9mhd4", printed="7K2QX-9MHD4", heading="样品 Sample", price="¥9,999,999.00",
                   foot="F" * 200, titles=("紫" * 150, "W" * 150))  # fmt: skip
    page = sheets._draw_page([face], size, find_typeface())
    beyond = round(size.width_mm * sheets.PER_MM) + round(1.3 * sheets.PER_MM)
    darkest, _ = page.crop((beyond, 0, page.width // 2, round(20 * sheets.PER_MM))).getextrema()
    assert darkest > 0, "0 is ink"


def test_what_does_not_fit_is_said():
    face = TagFace(address=URL + "/t/" + "x" * 400, printed="x", heading="", titles=("x",))
    with pytest.raises(BadSheetError, match="too long for a tag of this size"):
        draw_sheet([face], SIZES["40"], find_typeface())
    short = TagFace(address=URL, printed="x", heading="", titles=("x",))
    with pytest.raises(BadSheetError, match="pages"):
        draw_sheet([short] * (2 * sheets.PAGES_MAX + 1), SIZES["2"], find_typeface())


def test_without_a_chinese_font_the_operator_is_told_which(tmp_path):
    with pytest.raises(FontMissingError, match="fonts-noto-cjk"):
        find_typeface((str(tmp_path),))


def photographed(text):
    """A QR code as a phone sees it: 240 × 240 grey pixels, a little askew and blurred."""
    out = io.BytesIO()
    segno.make(text).save(out, kind="png", scale=6, border=4)
    tag = Image.open(out).convert("L").rotate(4, expand=True, fillcolor=255).resize((200, 200))
    seen = Image.new("L", (240, 240), 150)
    seen.paste(tag.filter(ImageFilter.GaussianBlur(0.6)), (22, 14))
    return seen.tobytes()


async def test_the_relay_reads_codes_for_browsers_that_cannot(stand):
    async def ask(luma):
        return await stand.site.http.post("/api/codes", files={"pixels": ("look", luma)})

    assert (await ask(photographed(f"{URL}/t/7k2qx9mhd4"))).json() == {"codes": [f"{URL}/t/7k2qx9mhd4"]}
    assert (await ask(bytes(240 * 240))).json() == {"codes": []}
    for wrong in (b"", bytes(240 * 240 - 1), bytes(240 * 240 + 1)):
        refused = await ask(wrong)
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, "bad_picture")
    assert (await ask(bytes(100_000))).status_code == 413
