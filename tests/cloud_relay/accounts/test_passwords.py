"""A password is held against something where no account is, and that takes as long as where one is."""

from argon2 import extract_parameters

from cloud_relay.accounts import passwords
from cloud_relay.accounts.passwords import NOBODY, hash_password_now, is_right_password


def test_the_hash_of_nobody_costs_what_a_new_one_costs():
    assert extract_parameters(NOBODY) == extract_parameters(hash_password_now("a long sentence"))


async def test_nobody_has_no_password():
    assert not await is_right_password(None, "a long sentence")
    assert not await is_right_password(None, "")
    assert await is_right_password(hash_password_now("a long sentence"), "a long sentence")
    assert not await is_right_password(hash_password_now("a long sentence"), "another sentence")


async def test_who_is_not_there_is_checked_like_who_is(monkeypatch):
    checked = []
    monkeypatch.setattr(passwords, "_is_right", lambda stored, password: checked.append(stored) or True)
    assert not await is_right_password(None, "a long sentence"), "even if somebody found the word of nobody's hash"
    assert checked == [NOBODY]
