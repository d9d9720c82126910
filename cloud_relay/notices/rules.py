"""Which notices go out by which way, how often a way is tried, and what a mail says. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

TOPICS: dict[str, tuple[str, str]] = {
    "turn": ("When it is my turn at a camera", "轮到我操控镜头时"),
    "photo": ("When the photo of my parcel waits for my answer", "包裹照片等我确认时"),
    "parcel": ("When my parcel moves", "包裹有动态时"),
    "booking": ("Viewing times that I booked", "我预约的看货时间"),
    "money": ("Payments, refunds and payouts", "付款、退款与提现"),
    "business": ("My business: verification and its end, goods planned", "我的商户：认证及到期、计划上架"),
    "together": ("Buying together with others", "与他人一起买"),
    "other": ("Everything else about my orders", "订单的其他消息"),
}
"""What one may switch, in English and Chinese."""

TOPIC_OF_KIND = {
    "your_turn": "turn", "photo_ready": "photo", "photo_silent": "photo", "handed_over": "parcel", "tracking": "parcel",
    "delivered": "parcel", "ready_to_collect": "parcel", "collect_reminder": "parcel", "collected": "parcel",
    "not_collected": "parcel", "booking_made": "booking", "booking_soon": "booking", "booking_cancelled": "booking",
    "order_paid": "money", "payment_failed": "money", "money_released": "money", "money_received": "money",
    "order_refunded": "money", "refund_done": "money", "payout_done": "money", "payout_failed": "money",
    "payout_asked": "money", "payout_refused": "money", "withdrawal_done": "money", "withdrawal_failed": "money",
    "rebate_paid": "money",
    "payout_account_changed": "money", "merchant_applied": "business",
    "merchant_verified": "business", "merchant_refused": "business", "merchant_suspended": "business",
    "verdict_ends": "business", "schedule_stuck": "business", "group_joined": "together",
    "suggestion": "together", "group_complete": "together", "group_failed": "together", "group_nearly_over": "together",
    "owner_asked": "together", "owner_answered": "together", "owner_wrote": "together",
    "asked_on_site": "together",
    "pledge_held": "money", "pledge_over": "money", "pledge_too_late": "money",
}  # fmt: skip

QUIET_BY_MAIL = frozenset({"turn", "money", "other"})
"""Not mailed unless somebody asks for it: a turn is over before a mail is read, and the rest stands on the page."""

TRIES_MAX = 6
FIRST_WAIT_S = 30


class Way(StrEnum):
    """How a notice leaves the page."""

    PUSH = "push"
    MAIL = "mail"


class Sent(StrEnum):
    """What became of one try."""

    SENT = "sent"
    LATER = "later"
    """Certainly not delivered; may be tried again."""
    GONE = "gone"
    """The place does not exist any more."""
    UNKNOWN = "unknown"
    """Perhaps delivered: never tried again, because nobody is told twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How somebody wants to be told of one topic."""

    by_push: bool
    by_mail: bool


def topic_of(kind: str) -> str:
    """Return the topic of a kind of notice."""
    return TOPIC_OF_KIND.get(kind, "other")


def default_choice(topic: str) -> Choice:
    """Return what holds until somebody chooses."""
    return Choice(by_push=True, by_mail=topic not in QUIET_BY_MAIL)


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after this many tries: 30 s, doubled each time."""
    return timedelta(seconds=FIRST_WAIT_S << max(0, attempts - 1))


def mail_text(sentence: str, link: str, unsubscribe: str, language: str) -> str:
    """Return the body of a mail: what happened, where to look, how never to hear of it again."""
    if language == "zh":
        return f"{sentence}\n\n查看：{link}\n\n—\n不想再收到这类邮件：{unsubscribe}\n"
    return f"{sentence}\n\nLook: {link}\n\n—\nNo more mails of this kind: {unsubscribe}\n"


def is_https(endpoint: str) -> bool:
    """Tell whether a push address is one that may be asked: https, a host, no password in it, the usual port."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return False
    is_plain = not parts.username and not parts.password and not parts.fragment
    return parts.scheme == "https" and bool(parts.hostname) and is_plain and port in (None, 443)
