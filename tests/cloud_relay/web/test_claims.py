"""What is kept of a request that may be sent again: nothing from which a password or a PIN could be guessed."""

import hashlib
import re

import pytest

from cloud_relay import rooms
from cloud_relay.web import idempotency

SECRET = re.compile(r"password|passphrase|(^|_)pin($|_)|secret|token")


def claims(route):
    """Return whether a route keeps a hash of its request."""
    waiting = [route.dependant]
    while waiting:
        one = waiting.pop()
        if one.call is idempotency.claim_of:
            return True
        waiting += one.dependencies
    return False


def test_no_body_brings_a_secret_under_a_name_that_the_hash_would_give_away():
    looked = []
    for route in (route for router in rooms.ROUTERS for route in router.routes if hasattr(route, "dependant")):
        for field in route.dependant.body_params if claims(route) else ():
            for name in getattr(field.field_info.annotation, "model_fields", ()):
                looked.append(name)
                assert not SECRET.search(name) or any(one in name.encode() for one in idempotency.SECRETS), route.path
    assert {"password", "pin"} <= set(looked)


@pytest.mark.parametrize("body", ['{"password": "%s"}', '{"p\\u0061ssword": "%s"}', '{"pin": "%s"}'])
async def test_a_guessed_secret_is_not_proved_by_what_is_kept(site, body):
    site.account("ann")
    keys = {}
    for secret in ("right", "right", "wrong"):
        sent = (body % secret).encode()
        keys[secret] = idempotency._hash(site.relay, b"head", sent)
        assert keys[secret] == idempotency._hash(site.relay, b"head", sent)
        assert keys[secret] != hashlib.sha256(b"head\n" + sent).hexdigest()
    assert keys["right"] != keys["wrong"], "another body under the same key is seen still"
