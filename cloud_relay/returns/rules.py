"""The way of a return as a table. Pure."""

from enum import StrEnum

from cloud_relay.refusals import RefusedError

REASON_LENGTH_MAX, REASON_LINES_MAX = 500, 10
"""A few sentences: pictures and the rest of the talk belong into the order's thread."""


class ReturnState(StrEnum):
    """Where a return is; `ended` is one whose dispute was withdrawn or ruled on before the parcel came."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ARRIVED = "arrived"
    ENDED = "ended"


class ReturnEvent(StrEnum):
    """What the merchant does with a return."""

    ACCEPT = "accept"
    DECLINE = "decline"
    ARRIVE = "arrive"


S, E = ReturnState, ReturnEvent

TABLE: dict[tuple[ReturnState, ReturnEvent], ReturnState] = {
    (S.ASKED, E.ACCEPT): S.ACCEPTED,
    (S.ASKED, E.DECLINE): S.DECLINED,
    (S.DECLINED, E.ACCEPT): S.ACCEPTED,
    (S.ACCEPTED, E.ARRIVE): S.ARRIVED,
}
"""(state, event) → state; every other pair is refused. A merchant may think better of a refusal, never of a promise."""

REFUSALS: dict[ReturnState, tuple[str, str, str]] = {
    S.ASKED: ("return_not_accepted", "The return was not accepted yet", "退货尚未同意"),
    S.ACCEPTED: ("return_accepted_already", "The return was accepted already", "退货已同意"),
    S.DECLINED: ("return_declined", "The return was declined", "退货已被拒绝"),
    S.ARRIVED: ("return_arrived_already", "The parcel came back already", "退货已收到"),
    S.ENDED: ("return_over", "This return is over", "退货流程已结束"),
}


def step(state: ReturnState, event: ReturnEvent) -> ReturnState:
    """Return the state after `event`; RefusedError with the sentence for the person when it may not happen."""
    after = TABLE.get((state, event))
    if after is None:
        raise RefusedError(*REFUSALS[state])
    return after


def state_of(state: str, *, is_dispute_open: bool) -> ReturnState:
    """Return where a return is: one that did not arrive ends with the dispute that holds its money."""
    found = ReturnState(state)
    return found if found is S.ARRIVED or is_dispute_open else S.ENDED


def read_code(scanned: str) -> str:
    """Return the return's id in what was scanned or typed: the id itself, or our address with it behind `#return=`."""
    return scanned.strip().rpartition("#return=")[2]
