"""Who stands at the till: a member of the merchant, with the PIN that came hashed with the plan."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.attendant.doors import LOCK_S_FIRST, LOCK_S_MAX, SESSION_S, TRIES_FREE, PinLockedError, secret_of
from wire.pins import is_right_pin
from wire.plan import ShopPlan, TillMember

COOKIE = "vitrine_till"


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    locked_until_s: float = 0.0


class MemberDoor:
    """Checks members' PINs and gives out signed sign-ins. Each member has a lock of their own; a new PIN, another
    role or leaving the merchant ends a sign-in as soon as the plan says so.
    """

    def __init__(self, plan: Callable[[], ShopPlan | None], secret_path: Path, wall_s: Callable[[], float]) -> None:
        self._plan = plan
        self._key = secret_of(secret_path)
        self._wall_s = wall_s
        self._tries: dict[str, _Tries] = {}

    def members(self) -> list[TillMember]:
        """Return who may sign in."""
        plan = self._plan()
        return [one for one in (plan.till_members if plan else ()) if one.pin_hash]

    async def sign_in(self, account_id: str, pin: str) -> str | None:
        """Return a sign-in for the right PIN, None for a wrong one; PinLockedError while locked."""
        member = self._find(account_id)
        if member is None:
            return None
        now_s, tries = self._wall_s(), self._tries.setdefault(account_id, _Tries())
        if now_s < tries.locked_until_s:
            raise PinLockedError(tries.locked_until_s - now_s)
        # counted before the slow check, so that many at once are many tries
        tries.wrong += 1
        if tries.wrong >= TRIES_FREE:
            tries.locked_until_s = now_s + min(LOCK_S_FIRST * 2 ** (tries.wrong - TRIES_FREE), LOCK_S_MAX)
        if not await asyncio.to_thread(is_right_pin, member.pin_hash, pin):
            return None
        self._tries[account_id] = _Tries()
        until = str(int(now_s) + SESSION_S)
        return f"{until}.{account_id}.{self._sign(until, member)}"

    def who(self, sign_in: str) -> TillMember | None:
        """Return whose sign-in this is; None when it is not one of ours or has ended."""
        until, _, rest = sign_in.partition(".")
        account_id, _, signature = rest.partition(".")
        member = self._find(account_id)
        if member is None or not until.isdigit() or self._wall_s() >= int(until):
            return None
        return member if hmac.compare_digest(signature.encode(), self._sign(until, member).encode()) else None

    def _find(self, account_id: str) -> TillMember | None:
        return next((one for one in self.members() if one.account_id == account_id), None)

    def _sign(self, until: str, member: TillMember) -> str:
        text = f"{until}\n{member.account_id}\n{member.role}\n{member.pin_hash}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
