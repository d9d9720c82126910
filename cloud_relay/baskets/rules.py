"""What a basket may hold, where its lines stand, and why it cannot be paid. Pure."""

from collections.abc import Iterable
from enum import StrEnum

from cloud_relay.refusals import RefusedError

LINES_MAX = 50
"""A page that can be read; more is a wish list."""
QUANTITY_MAX = 20
"""Of one line, as many as a shelf holds of one style."""
PIECES_MAX = 30
"""Paid at once: each is a parcel with a hold of its own, and all are placed in one transaction."""


class LineState(StrEnum):
    """Where a line stands: free to be changed and paid, in an order that waits for its payment, or done."""

    OPEN = "open"
    BEING_PAID = "being_paid"
    DONE = "done"


def line_state(orders: Iterable[tuple[str, bool]]) -> LineState:
    """Return where a line stands whose basket was placed as these orders (state, whether ever paid).

    Orders that ended unpaid leave the line as it was before: a declined payment takes nothing out of a basket.
    """
    known = list(orders)
    if any(was_paid for _, was_paid in known):
        return LineState.DONE
    return LineState.BEING_PAID if any(state == "unpaid" for state, _ in known) else LineState.OPEN


def names(titles: Iterable[str], separator: str) -> str:
    """Return titles as they stand in a sentence, each once."""
    return separator.join(dict.fromkeys(titles))


def sold_meanwhile(titles: list[dict[str, str]]) -> RefusedError:
    """Return the refusal that names what cannot be had any more."""
    english, chinese = names((one["en"] for one in titles), ", "), names((one["zh"] for one in titles), "、")
    return RefusedError(
        "sold_meanwhile", f"Sold or taken meanwhile: {english}. Take it out or fewer of it; nothing was paid",
        f"已被他人买走：{chinese}。请移除或减少数量，尚未扣款",
    )  # fmt: skip


def basket_changed() -> RefusedError:
    """Return the refusal for lines that are gone, or being paid in another window."""
    return RefusedError(
        "basket_changed", "The basket has changed in another window; please look again",
        "购物车已在其他窗口变动，请重新查看",
    )  # fmt: skip


def one_currency() -> RefusedError:
    """Return the refusal for goods that cannot be one payment."""
    return RefusedError(
        "two_currencies", "One payment has one currency; please pay for each currency by itself",
        "一次付款只能使用一种货币，请按货币分别付款", 422,
    )  # fmt: skip


def too_much(most: int) -> RefusedError:
    """Return the refusal for more than a basket takes."""
    return RefusedError("basket_full", f"A basket takes {most} at most", f"购物车最多放 {most} 件", 409, most=most)


def nothing_chosen() -> RefusedError:
    """Return the refusal for paying an empty basket."""
    return RefusedError("basket_empty", "Choose something to pay for first", "请先选择要付款的商品", 422)
