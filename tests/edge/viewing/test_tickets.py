"""Who may open a stream: forged, expired, borrowed and used tickets open nothing and move nothing."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import Clock
from edge.viewing.admission import NoncesInMemory, fingerprints_of
from tests.edge.viewing.conftest import RefusedError
from wire.commands import OpenStills, OpenStream, SteerKind
from wire.reports import StillsAnswered, StreamAnswered

BAD = {
    "another relay's key": lambda _shop: {"key": Ed25519PrivateKey.generate()},
    "another shop": lambda _shop: {"shop_id": "studio"},
    "another camera": lambda _shop: {"camera": "table"},
    "another session": lambda _shop: {"session_id": "s2"},
    "another browser": lambda _shop: {"fingerprint": "sha-256 " + ":".join(["AB"] * 32)},
    "expired": lambda shop: {"issued_at": shop.clock.relay_now() - timedelta(seconds=31)},
    "from the future": lambda shop: {"issued_at": shop.clock.relay_now() + timedelta(seconds=30)},
    "a long life": lambda _shop: {"life_s": 3600},
    "no ticket": lambda _shop: {"text": "k1.e30.e30"},
    "rubbish": lambda _shop: {"text": "...."},
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_ticket_shows_nothing_and_moves_nothing(shop, eventually, what):
    await shop.ask("s1")
    viewer = shop.viewer("s1")
    viewer._signalling._changes = {"camera": "front"} | BAD[what](shop)
    with pytest.raises(RefusedError, match="bad_ticket"):
        await viewer.open()
    assert len(shop.desk.places["front"].streams) == 0
    good = shop.viewer("s1")  # the control: the same session with its own ticket sees and moves
    await good.open()
    await good.first_frame()
    await good.wait_turn()
    assert viewer.frames == 0
    assert shop.heads["front"].moves() == []
    good.send(SteerKind.MOVE, {"pan": 0.5})
    await eventually(shop.heads["front"].moves)


async def test_a_ticket_opens_one_stream_once(shop):
    await shop.ask("s1")
    first = shop.viewer("s1")
    await first.connection.setLocalDescription(await first.connection.createOffer())
    offer = first.connection.localDescription.sdp.replace("a=fingerprint:sha-384", "a=x:").replace(
        "a=fingerprint:sha-512", "a=x:"
    )
    (fingerprint,) = fingerprints_of(offer)
    text = shop.ticket("s1", fingerprint)
    for stream_id, reason in (("str_1", ""), ("str_2", "bad_ticket")):
        await shop.desk.handle(OpenStream(stream_id=stream_id, session_id="s1", ticket=text, offer_sdp=offer))
        assert (await shop.report(StreamAnswered, stream_id=stream_id)).reason == reason


async def test_who_shows_a_stolen_ticket_does_not_spoil_it(shop):
    await shop.ask("s1")
    owner, thief = shop.viewer("s1"), shop.viewer("s1")
    await owner.connection.setLocalDescription(await owner.connection.createOffer())
    (own,) = {one for one in fingerprints_of(owner.connection.localDescription.sdp) if one.startswith("sha-256")}
    text = shop.ticket("s1", own)
    thief._signalling._changes = {"text": text}
    with pytest.raises(RefusedError, match="bad_ticket"):
        await thief.open()
    owner._signalling._changes = {"text": text}
    await owner.open()
    assert await owner.first_frame() > 0


async def test_without_relay_time_no_ticket_is_judged(shop):
    await shop.ask("s1")
    text = shop.ticket("s1", "none")
    shop.desk._admission._clock = Clock()
    await shop.desk.handle(OpenStills(session_id="s1", ticket=text))
    assert (await shop.report(StillsAnswered, session_id="s1")).reason == "clock_unknown"


async def test_stills_want_a_ticket_too(shop):
    await shop.ask("s1")
    await shop.desk.handle(OpenStills(session_id="s1", ticket="k1.e30.e30"))
    assert (await shop.report(StillsAnswered, session_id="s1")).reason == "bad_ticket"
    assert len(shop.desk.places["front"].stills) == 0


async def test_a_ticket_to_watch_moves_nothing(shop, eventually):
    await shop.ask("s1")
    viewer = shop.viewer("s1")
    viewer._signalling._changes = {"camera": "front", "may_steer": False}
    await viewer.open()
    await viewer.first_frame()
    await viewer.wait_turn()
    viewer.send(SteerKind.MOVE, {"pan": 1.0})
    frames = viewer.frames
    await eventually(lambda: viewer.frames > frames + 10)
    assert shop.heads["front"].moves() == []


def test_every_fingerprint_of_an_offer_counts():
    sdp = "a=fingerprint:SHA-256 aa:bb\r\nm=video\r\na=fingerprint:sha-256 AA:BB\r\n"
    assert fingerprints_of(sdp) == {"sha-256 AA:BB"}
    assert len(fingerprints_of(sdp + "a=fingerprint:sha-256 CC:DD\r\n")) == 2


async def test_nonces_in_memory_are_used_once_and_bounded(shop):
    nonces = NoncesInMemory()
    until = shop.clock.wall()
    assert await nonces.use_nonce("a", until)
    assert not await nonces.use_nonce("a", until)
    for number in range(10_050):
        await nonces.use_nonce(f"n{number}", until)
    assert len(nonces._used) == 10_000
