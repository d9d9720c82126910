"""What a suggestion says to one person, in both languages: why they are asked, how many others, what they pay. Pure.

Of the others nothing is said but how many there are and that they are looking for the same.
"""

from collections.abc import Mapping
from typing import Any

from cloud_relay.suggestions.rules import WantKind
from cloud_relay.web.amounts import money

Sentence = dict[str, str]


def why(want: Mapping[str, Any]) -> Sentence:
    """Return why somebody is asked, of what they themselves wished or bought; only they ever read it."""
    title, until, at = want["title"], want["until"][:10], want["at"][:10]
    title = {"en": title["en"] or title["zh"], "zh": title["zh"] or title["en"]}
    if want["kind"] == WantKind.WISH:
        return {"en": f"You wish for {title['en']} until {until}.", "zh": f"您希望在 {until} 之前买到{title['zh']}。"}
    if want["is_same"]:
        return {"en": f"You bought {title['en']} on {at}.", "zh": f"您在 {at} 买过{title['zh']}。"}
    return {
        "en": f"You bought {title['en']} on {at}, and this is {want['category']} too.",
        "zh": f"您在 {at} 买过{title['zh']}，这也是{want['category']}。",
    }


def others(near: Mapping[str, Any], count: int) -> Sentence:
    """Return how many others there are, and where."""
    is_one = count == 1
    point = near.get("point")
    who_en = "1 other person" if is_one else f"{count} other people"
    verb = "is" if is_one else "are"
    if point is not None:
        en, zh = point["en"] or point["zh"], point["zh"] or point["en"]
        return {
            "en": f"{who_en} who would collect at {en} {verb} looking for the same.",
            "zh": f"另有 {count} 人也想在{zh}自提，正在找同样的东西。",
        }
    return {
        "en": f"{who_en} in {near['area']} {verb} looking for the same.",
        "zh": f"{near['area']}另有 {count} 人在找同样的东西。",
    }


def promise(people: int, price_minor: int, saving_minor: int, currency: str) -> Sentence:
    """Return what one pays in the group, and what alone."""
    pays, usual = money(price_minor - saving_minor, currency), money(price_minor, currency)
    return {
        "en": f"{people} people together: you pay {pays} instead of {usual}.",
        "zh": f"{people} 人一起买：您付 {pays}，单买需 {usual}。",
    }
