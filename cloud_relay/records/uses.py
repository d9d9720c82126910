"""The uses that a shopper may say yes to, one by one. Pure."""

from enum import StrEnum


class Use(StrEnum):
    """One use of what is known of a shopper; each is off until they say yes, and ends when they take it back."""

    SUGGESTIONS = "suggestions"
    """Finding others who want the same, and proposing an order together, out of purchases, wishes and area."""
    ON_SITE = "on_site"
    """Being shown to others in the same shop, and what one has in hand there."""
    ASK_OWNERS = "ask_owners"
    """Standing, under a nickname, on the list of those who bought a thing and may be asked about it."""
