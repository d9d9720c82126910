"""TURN's words: what coturn reckons out, bound to one session, and ended soon."""

import base64
import hashlib
import hmac

import pytest

from cloud_relay.settings import BadSettingsError, Settings, ViewingSettings
from cloud_relay.viewing.turn import SECRET_NAME, IceServers, turn_name, turn_word
from tests.cloud_relay.fixed_clock import FixedClock

URLS = ("turn:turn.example.org:3478", "turn:turn.example.org:3478?transport=tcp", "turns:turn.example.org:5349")
FIXED = ({"urls": ["stun:stun.example.org"]},)


def servers(tmp_path, *, secret="north", **values):
    viewing = ViewingSettings(**{"turn_urls": URLS, "ice_servers": FIXED, **values})
    return IceServers(Settings(data_dir=tmp_path, viewing=viewing, secrets={SECRET_NAME: secret} if secret else {}))


def test_the_word_is_the_hmac_that_coturn_reckons():
    """RFC 2202, test case 2 of HMAC-SHA1: the same bytes by another's hand."""
    known = bytes.fromhex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
    assert turn_word("Jefe", "what do ya want for nothing?") == base64.b64encode(known).decode()


def test_each_session_is_told_a_name_and_word_of_its_own_that_end(tmp_path):
    now = FixedClock().now()
    fixed, own = servers(tmp_path).for_session("ses_one", now)
    _, other = servers(tmp_path).for_session("ses_two", now)
    assert fixed == FIXED[0]
    assert own["urls"] == list(URLS)
    until, _, whose = own["username"].partition(":")
    assert int(until) == int(now.timestamp()) + 600
    assert whose != other["username"].partition(":")[2]
    assert own["credential"] == turn_word("north", own["username"]) != other["credential"]
    wanted = hmac.new(b"north", own["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(own["credential"]) == wanted


def test_the_name_does_not_give_the_session_away():
    """coturn writes names into its log; a visitor's session belongs to whoever knows its id."""
    name = turn_name("ses_secret", FixedClock().now(), 600)
    assert "ses_secret" not in name
    assert name == turn_name("ses_secret", FixedClock().now(), 600)


def test_without_a_turn_server_of_our_own_others_are_told_as_they_stand(tmp_path):
    assert servers(tmp_path, turn_urls=(), secret="").for_session("s", FixedClock().now()) == FIXED


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"secret": ""}, "needs VITRINE_TURN_SECRET"),
        ({"turn_urls": ("https://turn.example.org",)}, "must begin with one of turn:, turns:, stun:"),
        ({"turn_urls": (5,)}, "must begin with"),
        ({"turn_life_s": 86400}, "60 to 3600"),
        ({"turn_life_s": 1}, "60 to 3600"),
    ],
)
def test_settings_that_cannot_work_are_told(tmp_path, values, words):
    with pytest.raises(BadSettingsError, match=words):
        servers(tmp_path, **values)
