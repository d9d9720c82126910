"""The password once more, where a stolen sign-in must not be enough: money that leaves, an account that ends."""

from fastapi import Request

from cloud_relay.accounts import passwords, rules, service
from cloud_relay.relay import Relay
from cloud_relay.web.problems import Problem


def network_address(request: Request) -> str:
    """Return where a request comes from, as guesses are counted by it; empty where nobody knows."""
    return request.client.host if request.client else ""


async def require_password(relay: Relay, request: Request, account_id: str, password: str) -> str:
    """Return the account's address; Problem 403 unless it is its password. Guesses count as those of signing in."""
    email, stored = await relay.db.read(service.password_hash_of, account_id)
    keys, now = rules.attempt_keys(email, network_address(request)), relay.clock.now()
    await relay.db.read(service.check_blocked, keys, now)
    if not await passwords.is_right_password(stored, password):
        await relay.db.run(service.count_failure, keys, relay.settings.accounts, now)
        raise Problem(403, "bad_password", "The password is wrong", "密码错误")
    return email
