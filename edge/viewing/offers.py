"""Bounds what answering offers may cost: a broken or hostile page gets few answers, and takes them from nobody else."""

from collections.abc import Callable

from edge.viewing.steering import Rate

SESSION_HZ_MAX, SESSION_BURST = 1.0, 5
"""A page that changes its network offers anew a few times in a row, and then never for long."""

SHOP_HZ_MAX, SHOP_BURST = 20.0, 60
"""Answering one takes about 5 ms of processor: sixty viewers may come at once; after that it is a tenth of a core."""

SESSIONS_MAX = 500


class OpeningGate:
    """Lets offers through at the pace of pages that work; a session over its own pace takes nothing from the shop's."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._shop = Rate(monotonic, SHOP_HZ_MAX, SHOP_BURST)
        self._sessions: dict[str, Rate] = {}
        self.refused = 0

    def allows(self, session_id: str) -> bool:
        """Take one offer of this session in; False when it or the whole shop has had too many."""
        rate = self._sessions.get(session_id)
        if rate is None:
            rate = self._sessions[session_id] = Rate(self._monotonic, SESSION_HZ_MAX, SESSION_BURST)
            while len(self._sessions) > SESSIONS_MAX:
                self._sessions.pop(next(iter(self._sessions)))
        if rate.allows() and self._shop.allows():
            return True
        self.refused += 1
        return False
