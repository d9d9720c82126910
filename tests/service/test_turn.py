"""coturn from Debian with the shipped file: its words, its refusals, and a picture through it where no UDP passes."""

import shutil

import pytest

from tests.service.namespaces import NEEDS_NAMESPACES, facts_of

pytestmark = [
    *NEEDS_NAMESPACES,
    pytest.mark.skipif(
        shutil.which("turnserver", path="/usr/bin:/usr/sbin") is None,
        reason="coturn is missing; install it: apt-get install coturn",
    ),
]
FORBIDDEN, UNAUTHORIZED, QUOTA = 403, 401, 486


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    return facts_of("turn_peers", tmp_path_factory.mktemp("coturn"), 110)


def test_the_relays_words_let_in_and_no_others(peers):
    assert peers["good"] == 0
    assert peers["expired"] == UNAUTHORIZED
    assert peers["forged"] == UNAUTHORIZED


def test_one_session_gets_no_more_than_its_share(peers):
    assert peers["quota"][:16] == [0] * 16
    assert QUOTA in peers["quota"][16:]


def test_it_sends_to_no_special_purpose_address(peers):
    assert len(peers["special"]) > 80
    assert {text: code for text, code in peers["special"].items() if code != FORBIDDEN} == {}


def test_it_sends_to_everybody_else(peers):
    assert {text: code for text, code in peers["plain"].items() if code != 0} == {}


@pytest.fixture(scope="module")
def rungs(tmp_path_factory):
    return facts_of("blocked_udp", tmp_path_factory.mktemp("mall"), 580)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_with_udp_blocked_the_picture_is_live_through_turn_over_tcp_and_the_camera_is_steered(rungs):
    assert rungs["turn"]["way"] == "webrtc"
    assert "relay server" in rungs["turn"]["words"]
    assert rungs["turn"]["fps"] > 5
    assert rungs["turn"]["is_steered"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_where_turn_is_shut_too_stills_come_at_once_and_pictures_by_the_relay(rungs):
    assert rungs["nothing"]["way"] == "stills"
    assert rungs["nothing"]["first_still_ms"] < 2000
    assert rungs["nothing"]["is_steered"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_policed_network_of_200_kbit_ends_on_one_still_a_second(rungs):
    assert rungs["narrow"]["way"] in ("still", "stills")
    assert rungs["narrow"]["stills"] >= 3
    assert rungs["narrow"]["is_steered"]
