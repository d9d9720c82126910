"""Enrolment, renewal and pictures at the shop door, over TLS, with a box that is not ours."""

import hashlib
import io
from datetime import timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image
from sqlalchemy import select, update

from cloud_relay.tables import claim_code, picture, piece_view, shop_certificate, shop_command, shop_link
from tests.cloud_relay.peer import Box, b64, stamp
from tests.cloud_relay.running import house
from wire.box_code import box_code


@pytest.fixture
async def mall(tmp_path, free_port, database_url):
    async with house(tmp_path / "relay", free_port, database_url) as found:
        yield found


def rows(mall, table, *where):
    return mall.db.read_now(lambda c: [dict(row) for row in c.execute(select(table).where(*where)).mappings()])


async def a_box(mall, tmp_path, name="teahouse"):
    _, shop_id, headers = await mall.merchant(name, shop_id=name)
    box = Box(tmp_path / name)
    claim = await mall.claim(shop_id, headers)
    return box, claim, headers


async def test_a_certificate_says_what_we_decide(mall, tmp_path):
    box, claim, _ = await a_box(mall, tmp_path)
    answer = (await box.enrol(claim)).json()
    assert answer["shop_id"] == "teahouse"
    assert answer["resolver_url"] == mall.settings.relay.public_url
    certificate = x509.load_pem_x509_certificate(answer["certificate_pem"].encode())
    assert certificate.subject.rfc4514_string() == "CN=teahouse", "whatever the request asked for"
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 30
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.public_key() == box.key.public_key()


async def test_a_claim_works_once_but_a_lost_answer_is_repeated(mall, tmp_path):
    box, claim, _ = await a_box(mall, tmp_path)
    await box.enrol(claim)
    await box.enrol(claim)
    stranger = Box(tmp_path / "stranger")
    refused = await stranger.enrol(claim, 409)
    assert refused.json()["type"].endswith("claim_used")
    assert len(rows(mall, shop_certificate)) == 2


async def test_an_older_wrong_or_expired_claim_is_refused(mall, tmp_path):
    box, claim, headers = await a_box(mall, tmp_path)
    newer = await mall.claim("teahouse", headers)
    await box.enrol(claim, 409)
    await box.enrol("AAAA-BBBB-CCCC-DDDD@" + claim.split("@")[1], 409)
    mall.db.run_now(lambda c: c.execute(update(claim_code).values(expires_until=mall.relay.clock.now())))
    await box.enrol(newer, 409)
    assert rows(mall, shop_certificate) == []


async def test_a_claim_for_one_box_lets_no_other_in(mall, tmp_path):
    _, shop_id, headers = await mall.merchant("teahouse", shop_id="teahouse")
    box, thief = Box(tmp_path / "box"), Box(tmp_path / "thief")
    public = box.key.public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    path = f"/api/shops/{shop_id}/claim"
    made = await mall.post(path, {"box": box_code(der).lower().replace("-", " ")}, headers, 201)
    assert made["qr"].startswith("data:image/svg+xml;base64,")
    refused = await thief.enrol(made["claim_text"], 409)
    assert refused.json()["type"].endswith("other_box")
    await box.enrol(made["claim_text"])
    await mall.post(path, {"box": "K7Q4"}, headers, 422)


async def test_guessing_is_stopped(mall, tmp_path):
    box, claim, _ = await a_box(mall, tmp_path)
    answers = [await box_try(box, claim, f"GUES-{number:04}") for number in range(40)]
    assert set(answers) == {409, 429}
    assert answers[-1] == 429


async def box_try(box, claim, code):
    url = claim.split("@")[1].split("#")[0]
    async with httpx.AsyncClient(verify=False) as http:
        body = {"claim_code": code, "csr_pem": box.csr()}
        return (await http.post(f"{url}/shop-door/enrol", json=body)).status_code


async def test_only_a_sound_p256_request_is_signed(mall, tmp_path):
    box, claim, _ = await a_box(mall, tmp_path)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    weak = x509.CertificateSigningRequestBuilder().subject_name(name)
    keys = [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())]
    for key in keys:
        pem = weak.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        box.csr = lambda pem=pem: pem
        await box.enrol(claim, 422)
    for nonsense in ("", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "x" * 17000):
        box.csr = lambda nonsense=nonsense: nonsense
        await box.enrol(claim, 422)
    assert rows(mall, shop_certificate) == []


async def renew(box, mall, *, key=None, shop_id=None, csr=None):
    key, csr = key or box.key, csr or box.csr()
    shop_id = shop_id or box.shop_id
    at, nonce = stamp(), "0123456789abcdef"
    signature = key.sign(f"{shop_id}\n{csr}\n{at}\n{nonce}".encode(), ec.ECDSA(hashes.SHA256()))
    body = {"shop_id": shop_id, "csr_pem": csr, "at": at, "nonce": nonce, "signature_b64url": b64(signature)}
    async with httpx.AsyncClient(verify=mall.door_tls) as http:
        return await http.post(f"{mall.settings.door_url}/shop-door/renew", json=body)


async def test_renewal_needs_the_old_key(mall, tmp_path):
    box, claim, _ = await a_box(mall, tmp_path)
    await box.enrol(claim)
    assert (await renew(box, mall)).status_code == 200
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert (await renew(box, mall, key=stranger)).status_code == 409
    other, other_claim, _ = await a_box(mall, tmp_path, "studio")
    await other.enrol(other_claim)
    assert (await renew(other, mall, shop_id="teahouse")).status_code == 409, "another shop's key is no key of this one"
    assert (await renew(box, mall, shop_id="nobody")).status_code == 409
    long_ago = mall.relay.clock.now() - timedelta(days=364)
    change = update(shop_certificate).where(shop_certificate.c.shop_id == "teahouse").values(expires_until=long_ago)
    mall.db.run_now(lambda c: c.execute(change))
    assert (await renew(box, mall)).status_code == 200, "a box that was off may renew for a year"
    change = change.values(expires_until=long_ago - timedelta(days=2))
    mall.db.run_now(lambda c: c.execute(change))
    assert (await renew(box, mall)).status_code == 409
    await mall.post("/api/shops/studio/revoke", {}, _)
    assert (await renew(other, mall)).status_code == 409, "a revoked box stays out"


async def test_a_new_box_begins_anew_and_gets_what_the_old_never_acknowledged(mall, tmp_path, eventually):
    box, claim, headers = await a_box(mall, tmp_path)
    await box.enrol(claim)
    box.connect()
    box.be_born()
    await box.heard("ReplacePlan")
    box.report("PlanApplied", {"version": 1})
    await eventually(lambda: box.confirmed == 1)
    await eventually(lambda: rows(mall, shop_link)[0]["journal_sequence"] == 1)
    await eventually(lambda: rows(mall, shop_command)[0]["acked_at"] is not None)
    box.answers = False
    await mall.http.patch("/api/shops/teahouse", json={"name_en": "New"}, headers=headers)
    await box.heard("ReplacePlan", 2)
    box.close()
    second = Box(tmp_path / "second")
    await second.enrol(await mall.claim("teahouse", headers))
    second.connect()
    second.be_born()
    (plan,) = await second.heard("ReplacePlan")
    assert plan["sequence"] == 1
    assert plan["data"]["plan"]["shop_name"]["en"] == "New"
    second.report("PlanApplied", {"version": 2})
    await eventually(lambda: second.confirmed == 1)
    assert rows(mall, shop_link)[0]["quarantine_reason"] == ""
    assert {row["sequence"] for row in rows(mall, shop_command)} == {-1, 1}
    second.close()


async def a_parcel(mall, headers, shop_id="teahouse"):
    """Have a shopper confirm a piece; return the parcel."""
    _, piece_id = await a_piece(mall, headers, shop_id)
    _, shopper = mall.account("sue")
    return (await mall.post("/api/reservations", {"piece_id": piece_id}, shopper, 201))["parcel_id"]


async def a_piece(mall, headers, shop_id):
    """Publish a listing of one piece; return the ids of both."""
    body = {"shop_id": shop_id, "title_en": "Teapot", "price_minor": 100}
    listing_id = (await mall.post("/api/listings", body, headers, 201))["listing_id"]
    piece = await mall.post("/api/pieces", {"listing_id": listing_id, "code": "4711"}, headers, 201)
    await mall.post(f"/api/listings/{listing_id}/publish", {}, headers)
    return listing_id, piece["piece_id"]


def a_jpeg(colour="red"):
    out = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(out, "JPEG")
    return out.getvalue()


async def offer(box, content, parcel_id, changes=(), kind="parcel"):
    sha, at = hashlib.sha256(content).hexdigest(), stamp()
    body = {"parcel_id": parcel_id, "kind": kind, "picture_sha256": sha, "size_bytes": len(content), "taken_at": at,
            "previous_sha256": ""}  # fmt: skip
    signed = f"vitrine-picture-1\n{box.shop_id}\n{parcel_id}\n{kind}\n{sha}\n{at}\n".encode()
    signature = b64(box.key.sign(signed, ec.ECDSA(hashes.SHA256())))
    box.report("PictureOffered", {**body, "signature": signature, **dict(changes)})
    return sha


async def test_a_picture_is_offered_asked_for_and_taken_once(mall, tmp_path, eventually):
    box, claim, headers = await a_box(mall, tmp_path)
    await box.enrol(claim)
    box.connect()
    box.be_born()
    content = a_jpeg()
    sha = await offer(box, content, await a_parcel(mall, headers))
    (wish,) = await box.heard("UploadPicture")
    assert wish["data"]["picture_sha256"] == sha
    async with httpx.AsyncClient(verify=mall.door_tls) as http:
        url = wish["data"]["url"]
        assert (await http.put(url, content=a_jpeg("blue"))).status_code == 422
        assert (await http.put(url[:-3] + "xxx", content=content)).status_code == 404
        assert (await http.put(url, content=b"\0" * (13 * 1024 * 1024))).status_code == 413
        assert rows(mall, picture)[0]["stored_at"] is None
        taken = await http.put(url, content=content)
        assert taken.status_code == 201, taken.text
        assert (await http.put(url, content=content)).status_code == 201, "a lost answer may be asked for again"
    (row,) = rows(mall, picture)
    assert (row["width_px"], row["height_px"], row["size_bytes"]) == (640, 480, len(content))
    assert mall.relay.pictures.read(sha) == content, "byte for byte: the shop signed these bytes"
    await mall.get(f"/pictures/{sha}", status=404)
    await mall.get(f"/pictures/{sha}", mall.account("stranger")[1], 404)
    assert (await mall.http.get(f"/pictures/{sha}", headers=headers)).content == content
    box.close()


async def test_a_picture_of_another_shops_parcel_is_refused(mall, tmp_path, eventually):
    box, claim, _ = await a_box(mall, tmp_path)
    _, _, others = await mall.merchant("studio", shop_id="studio")
    parcel_id = await a_parcel(mall, others, "studio")
    await box.enrol(claim)
    box.connect()
    box.be_born()
    await offer(box, a_jpeg(), parcel_id)
    await eventually(lambda: box.confirmed == 1)
    assert rows(mall, picture) == []
    box.close()


@pytest.mark.parametrize(
    "change",
    [{"signature": "AAAA"}, {"parcel_id": "par_2"}, {"size_bytes": 10**9}, {"picture_sha256": "../../etc/passwd"},
     {"kind": "still"}, {"signature": ""}],
)  # fmt: skip
async def test_a_false_offer_is_refused(mall, tmp_path, eventually, change):
    box, claim, headers = await a_box(mall, tmp_path)
    await box.enrol(claim)
    box.connect()
    box.be_born()
    await offer(box, a_jpeg(), await a_parcel(mall, headers), change)
    await eventually(lambda: box.confirmed == 1)
    assert mall.relay.metrics.value("reports", state="refused") == 1
    assert rows(mall, picture) == []
    box.close()


async def test_views_of_an_idle_piece_are_public_and_only_a_piece_of_ones_own_has_any(mall, tmp_path, eventually):
    box, claim, headers = await a_box(mall, tmp_path)
    _, _, others = await mall.merchant("studio", shop_id="studio")
    await box.enrol(claim)
    box.connect()
    box.be_born()
    listing_id, piece_id = await a_piece(mall, headers, "teahouse")
    _, not_ours = await a_piece(mall, others, "studio")
    contents = [a_jpeg((number * 5, 40, 90)) for number in range(12)]
    views = [
        {"angle_deg": number * 30.0, "picture_sha256": hashlib.sha256(content).hexdigest(), "taken_at": stamp()}
        for number, content in enumerate(contents)
    ]
    views[0:0] = [views[6] | {"face": "back"}, views[3] | {"face": "flaw", "angle_deg": 95.0}]
    views_url = f"/api/pieces/{piece_id}/views"
    for wrong in (
        {"piece_id": not_ours, "views": views},
        {"piece_id": piece_id, "views": []},
        {"piece_id": piece_id, "views": [views[2] | {"angle_deg": 400.0}]},
        {"piece_id": piece_id, "views": views[:1]},
        {"piece_id": piece_id, "views": [*views, views[0] | {"face": "no id"}]},
    ):
        box.report("SpinTaken", {"camera": "table", **wrong})
    await eventually(lambda: box.confirmed == 5)
    assert rows(mall, piece_view) == []
    await offer(box, contents[0], piece_id, kind="spin")
    await eventually(lambda: box.confirmed == 6)
    assert rows(mall, picture) == [], "nobody said that this piece was photographed"
    box.report("SpinTaken", {"camera": "table", "piece_id": piece_id, "views": views})
    for content in contents:
        await offer(box, content, piece_id, kind="spin")
    async with httpx.AsyncClient(verify=mall.door_tls) as http:
        for wish in await box.heard("UploadPicture", len(contents)):
            content = next(one for one in contents if hashlib.sha256(one).hexdigest() == wish["data"]["picture_sha256"])
            assert (await http.put(wish["data"]["url"], content=content)).status_code == 201
    (shown,) = (await mall.get(f"/api/listings/{listing_id}"))["pieces"]
    assert shown["spin"]["count"] == 12
    assert [face["title"]["zh"] for face in shown["spin"]["faces"]] == ["背面", "瑕疵"]
    found = await mall.get(views_url)
    assert [view["angle_deg"] for view in found["views"]] == [number * 30.0 for number in range(12)]
    assert found["views"][3]["taken_at"] == views[5]["taken_at"]
    assert [(face["face"], face["angle_deg"]) for face in found["faces"]] == [("back", 180.0), ("flaw", 95.0)]
    assert (await mall.http.get(f"/pictures/{views[2]['picture_sha256']}")).content == contents[0]
    box.report("SpinTaken", {"camera": "table", "piece_id": piece_id, "views": views[:5]})
    await eventually(lambda: len(rows(mall, piece_view)) == 5)
    (shown,) = (await mall.get(f"/api/listings/{listing_id}"))["pieces"]
    assert shown["spin"] is None, "three views do not turn, they jump"
    assert (await mall.get(views_url))["views"] == []
    box.close()
