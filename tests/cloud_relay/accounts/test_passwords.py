"""A password is held against something where no account is, and that takes as long as where one is."""

from argon2 import extract_parameters

from cloud_relay.accounts.passwords import NOBODY, hash_password_now, is_right_password


def test_the_hash_of_nobody_costs_what_a_new_one_costs():
    assert extract_parameters(NOBODY) == extract_parameters(hash_password_now("a long sentence"))


async def test_nobody_has_no_password():
    assert not await is_right_password(None, "a long sentence")
    assert not await is_right_password(None, "")
    assert await is_right_password(hash_password_now("a long sentence"), "a long sentence")
    assert not await is_right_password(hash_password_now("a long sentence"), "another sentence")
