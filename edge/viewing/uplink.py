"""Who gets which size of picture when the shop's uplink does not carry the full one for all. Pure.

Each viewer counts with the nominal rate of its picture. Whoever steers has the full picture always, then come those who
wait, then those who watch; among equals whoever has the full picture keeps it, then whoever came first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from edge.viewing.rungs import FULL_BPS, SMALL_BPS, Rung

UPLINK_MBIT_S = 25.0
"""Ten full pictures of 2.5 Mbit/s: what a shop can be expected to have."""

VIEWERS_MAX = 50
"""Direct viewers of one camera, however little each of them takes: so many were measured on two cores."""


class Rank(IntEnum):
    """Why somebody looks: the smaller number is served first."""

    STEERS = 0
    WAITS = 1
    WATCHES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """One stream that takes its share of the uplink; `came` counts upwards, `is_full` says what it has now."""

    stream_id: str
    rank: Rank
    came: int
    is_full: bool = False


def has_room(takers: Iterable[Taker], rank: Rank, uplink_bps: float) -> bool:
    """Return whether one more of this rank may come in, with the small picture at least.

    Those who watch make room by taking the small picture; those who wait keep what they have. Whoever steers always
    comes in: one camera without anybody to steer it would be the worse loss.
    """
    if rank is Rank.STEERS:
        return True
    kept = (FULL_BPS if one.is_full and one.rank is not Rank.WATCHES else SMALL_BPS for one in takers)
    return sum(kept) + SMALL_BPS <= uplink_bps


def share_out(takers: Iterable[Taker], uplink_bps: float) -> dict[str, Rung]:
    """Return the largest picture that each stream may have.

    All have the small one; what is left over goes to the full one, in order of rank. More than the uplink is given out
    only to those who steer.
    """
    order = sorted(takers, key=lambda one: (one.rank, not one.is_full, one.came))
    left_bps = uplink_bps - SMALL_BPS * len(order)
    found = {}
    for one in order:
        is_full = one.rank is Rank.STEERS or left_bps >= FULL_BPS - SMALL_BPS
        left_bps -= FULL_BPS - SMALL_BPS if is_full else 0
        found[one.stream_id] = Rung.FULL if is_full else Rung.SMALL
    return found


class Uplink:
    """The uplink of one shop, shared by the streams of all its cameras."""

    def __init__(self, uplink_mbit_s: float = UPLINK_MBIT_S) -> None:
        self.uplink_mbit_s = uplink_mbit_s
        self._takers: dict[str, Taker] = {}
        self._came = 0

    def let_in(self, stream_id: str, rank: Rank) -> bool:
        """Take a stream in; False when the uplink carries no more."""
        if not has_room(self._takers.values(), rank, self._uplink_bps):
            return False
        self._came += 1
        self._takers[stream_id] = Taker(stream_id=stream_id, rank=rank, came=self._came)
        self._share_out()
        return True

    @property
    def is_full(self) -> bool:
        """True when nobody more who watches would be let in."""
        return not has_room(self._takers.values(), Rank.WATCHES, self._uplink_bps)

    def rank(self, stream_id: str, rank: Rank) -> None:
        """Note that somebody who watched waits now, or steers, or the other way round."""
        taker = self._takers.get(stream_id)
        if taker is not None and taker.rank is not rank:
            self._takers[stream_id] = replace(taker, rank=rank)
            self._share_out()

    def leave(self, stream_id: str) -> None:
        """Give a stream's share back."""
        if self._takers.pop(stream_id, None) is not None:
            self._share_out()

    def ceiling(self, stream_id: str) -> Rung:
        """Return the largest picture that this stream may have."""
        taker = self._takers.get(stream_id)
        return Rung.FULL if taker is not None and taker.is_full else Rung.SMALL

    @property
    def _uplink_bps(self) -> float:
        return self.uplink_mbit_s * 1e6

    def _share_out(self) -> None:
        found = share_out(self._takers.values(), self._uplink_bps)
        for stream_id, taker in self._takers.items():
            self._takers[stream_id] = replace(taker, is_full=found[stream_id] is Rung.FULL)
