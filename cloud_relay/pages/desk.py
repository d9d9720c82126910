"""Which merchant a page is about, and which of its orders want a person's eye. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloud_relay.accounts.roles import Deed, may

VERIFIED = "verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The merchant whose pages these are, and the others that the same person may turn to."""

    merchant_id: str
    name: dict[str, str]
    state: str
    reason: str
    role: str = ""
    others: tuple[tuple[str, dict[str, str]], ...] = ()

    def may(self, deed: str) -> bool:
        """Whether this person's role allows a deed: pages show what the API allows."""
        return may(self.role, Deed(deed))

    @property
    def is_verified(self) -> bool:
        """Whether it may trade."""
        return self.state == VERIFIED


def desk_of(mine: Sequence[dict[str, Any]], wish: str) -> Desk | None:
    """Return the wished merchant among one's own, else the first verified one, else the first; None without any."""
    if not mine:
        return None
    by_wish = [one for one in mine if one["merchant_id"] == wish]
    verified = [one for one in mine if one["state"] == VERIFIED]
    chosen = (by_wish or verified or list(mine))[0]
    others = tuple((one["merchant_id"], _name(one)) for one in mine if one is not chosen)
    return Desk(
        merchant_id=chosen["merchant_id"], name=_name(chosen), state=chosen["state"], reason=chosen["reason"] or "",
        role=chosen.get("role", ""), others=others,
    )  # fmt: skip


def _name(one: dict[str, Any]) -> dict[str, str]:
    return {"en": one["name_en"], "zh": one["name_zh"]}


@dataclass(frozen=True, slots=True)
class Pile:
    """Orders that wait for the same thing."""

    title: dict[str, str]
    orders: list[dict[str, Any]]


PILES: tuple[tuple[str, str, str], ...] = (
    ("held", "Stopped at the bench: a decision is needed there", "工作台停下：需要人工处理"),
    ("disputed", "In dispute", "争议中"),
    ("cancelling", "To be stopped: the shopper cancelled", "买家取消，等待停止"),
    ("paid", "To be packed and labelled", "待打包贴标"),
    ("photo_offered", "Waiting for the shopper's look at the photo", "等待买家确认照片"),
    ("confirmed", "To be handed over to the post", "待交寄"),
)
"""In the order in which somebody should look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One number of today's work: what waits, how many, and where to go for it. `is_urgent` wants somebody now."""

    title: dict[str, str]
    count: int
    link: str
    is_urgent: bool = False


def glances_of(orders: Sequence[dict[str, Any]], *, kept: int, questions: int) -> list[Glance]:
    """Return today's work in numbers, always all of them and in the same places: a zero is good news.

    `kept` is how many pieces are kept for shoppers at the checkout, `questions` how many wait at the bench.
    """
    states = ["held" if order["held_reason"] else order["state"] for order in orders]
    rows = (
        ("Stopped at the bench", "工作台停下", states.count("held"), True),
        ("Questions at the bench", "工作台提问", questions, True),
        ("To be packed", "待打包", states.count("paid"), False),
        ("Photos at the shopper's", "待买家确认照片", states.count("photo_offered"), False),
        ("To be handed over", "待交寄", states.count("confirmed"), False),
        ("Kept at the checkout", "结账保留中", kept, False),
    )
    return [
        Glance(title={"en": en, "zh": zh}, count=count, link="#work", is_urgent=is_urgent and count > 0)
        for en, zh, count, is_urgent in rows
    ]


def attention_of(orders: Sequence[dict[str, Any]]) -> list[Pile]:
    """Return the piles that are not empty; an order stands in one pile only."""
    piles: dict[str, list[dict[str, Any]]] = {}
    for order in orders:
        piles.setdefault("held" if order["held_reason"] else order["state"], []).append(order)
    return [Pile({"en": en, "zh": zh}, piles[name]) for name, en, zh in PILES if piles.get(name)]
