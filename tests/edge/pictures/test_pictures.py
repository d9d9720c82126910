"""Pictures: kept by hash, signed, chained, uploaded until they arrive, purged in time."""

import asyncio
import contextlib
import hashlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.bench import parcel as rows
from edge.clock import Clock
from edge.flows.fulfilment import Stage
from edge.journal import Journal
from edge.pictures import Pictures
from wire.codec import from_base64url
from wire.commands import UploadPicture, encode_command
from wire.envelope import Envelope, decode_envelope, encode_envelope
from wire.reports import PictureKind, signed_picture

SHOP = "teahouse"


class Relay:
    """What the relay's upload address does: answers in turn, keeps what it took."""

    def __init__(self, *answers: int) -> None:
        self.answers, self.taken, self.asked = list(answers), {}, 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        status = self.answers.pop(0) if self.answers else 201
        if status == 0:
            raise httpx.ConnectError("no way", request=request)
        if status < 300:
            self.taken[str(request.url)] = await request.aread()
        return httpx.Response(status)


@pytest.fixture
async def make(tmp_path):
    clock = Clock()
    clock.learn(datetime.now(UTC), clock.monotonic())
    journal = Journal(tmp_path / "journal.db", SHOP, now=clock.now)
    await journal.open()

    def made(relay: Relay | None = None, key=None, at: Clock = clock) -> Pictures:
        return Pictures(
            tmp_path / "pictures",
            SHOP,
            journal=journal,
            private_key=key or Ed25519PrivateKey.generate(),
            http=lambda: httpx.AsyncClient(transport=httpx.MockTransport(relay or Relay())),
            clock=at,
        )

    made.journal = journal
    yield made
    await journal.close()


async def offer(make, pictures, jpeg: bytes, previous: str = "") -> dict:
    kept = await pictures.keep(jpeg)
    await make.journal.write(lambda tx: pictures.offer(tx, "p1", kept, PictureKind.STILL, previous=previous))
    report = (await make.journal.unsent_reports())[-1]
    return decode_envelope(report.payload).data


@pytest.mark.parametrize("curve", ["ed25519", "p256"])
async def test_an_offer_carries_a_signature_that_only_its_own_picture_fits(make, curve):
    key = Ed25519PrivateKey.generate() if curve == "ed25519" else ec.generate_private_key(ec.SECP256R1())

    def check(signature: bytes, data: bytes) -> None:
        if curve == "ed25519":
            key.public_key().verify(signature, data)
        else:
            key.public_key().verify(signature, data, ec.ECDSA(hashes.SHA256()))

    data = await offer(make, make(key=key), b"one", previous="ab" * 32)
    fields = (SHOP, "p1", PictureKind.STILL, data["picture_sha256"], data["taken_at"], "ab" * 32)
    assert data["picture_sha256"] == hashlib.sha256(b"one").hexdigest()
    assert (data["size_bytes"], data["clock"]) == (3, "synced")
    signature = from_base64url(data["signature"], "signature")
    check(signature, signed_picture(*fields))
    with pytest.raises(InvalidSignature):
        check(signature, signed_picture(*fields[:-1], ""))


async def test_a_box_without_relay_time_says_so(make):
    data = await offer(make, make(at=Clock()), b"one")
    assert data["clock"] == "local"


async def test_a_picture_is_kept_once_and_read_back_by_its_hash_alone(make, tmp_path):
    pictures = make()
    kept = await pictures.keep(b"picture")
    assert (await pictures.keep(b"picture")).sha256 == kept.sha256
    assert len([path for path in (tmp_path / "pictures").rglob("*") if path.is_file()]) == 1
    assert await pictures.read(kept.sha256) == b"picture"
    assert await pictures.read("0" * 64) is None
    for hostile in ("../../etc/passwd", "", "A" * 64, kept.sha256 + "/"):
        assert await pictures.read(hostile) is None


async def upload(make, relay: Relay, *, deadline_s: float = 900.0, sha256: str = "") -> tuple[str, str]:
    pictures = make(relay)
    kept = await pictures.keep(b"picture")
    command = UploadPicture(picture_sha256=sha256 or kept.sha256, url="https://relay.example/put/1")
    envelope = Envelope(
        id="cmd_1",
        source="relay",
        type="UploadPicture",
        time=datetime.now(UTC),
        shop_id=SHOP,
        data=encode_command(command),
        sequence=1,
        deadline_s=deadline_s,
    )
    await make.journal.receive(envelope, encode_envelope(envelope), None)
    running = asyncio.create_task(pictures.run())
    await pictures.handle(envelope, command)
    try:
        async with asyncio.timeout(30):
            while await make.journal.open_commands():  # noqa: ASYNC110 the journal has no event for one command
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    sql = "select state from commands where command_id = 'cmd_1'"
    return (await make.journal.read(lambda tx: tx.run(sql)))[0][0], str(relay.asked)


async def test_an_upload_is_tried_until_the_relay_has_it(make):
    relay = Relay(0, 503, 201)
    assert await upload(make, relay) == ("done", "3")
    assert relay.taken == {"https://relay.example/put/1": b"picture"}


async def test_what_the_relay_has_already_counts_as_arrived(make):
    assert await upload(make, Relay(409)) == ("done", "1")


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413])
async def test_a_refusal_for_good_ends_the_trying(make, status):
    assert await upload(make, Relay(status)) == ("failed", "1")


async def test_after_its_deadline_an_upload_is_given_up(make):
    state, asked = await upload(make, Relay(*[0] * 50), deadline_s=0.2)
    assert state == "stale"
    assert int(asked) < 5


async def test_a_picture_that_is_not_here_is_said(make):
    assert await upload(make, Relay(), sha256="1" * 64) == ("failed", "0")


async def test_pictures_of_an_ended_parcel_go_after_a_week(make, tmp_path):
    pictures = make()
    await offer(make, pictures, b"old")

    def end(tx, days: int) -> None:
        parcel = rows.load(tx, "p1") or rows.new_parcel(tx, "p1", "piece_1", 1)
        parcel.stage = Stage.HANDED_OVER
        tx.at = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        rows.save(tx, parcel, "stage")

    await make.journal.write(lambda tx: end(tx, 6))
    assert await pictures.purge() == 0
    await make.journal.write(lambda tx: end(tx, 8))
    assert await pictures.purge() == 1
    assert not list((tmp_path / "pictures").rglob("*.jpg"))
    assert await pictures.purge() == 0
