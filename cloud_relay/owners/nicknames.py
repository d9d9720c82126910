"""Nicknames for one list or one talk alone: drawn anew each time, so that nobody is known again by theirs."""

from dataclasses import dataclass
from random import Random

MANNERS = (
    ("Quiet", "安静的"), ("Merry", "快乐的"), ("Patient", "耐心的"), ("Curious", "好奇的"), ("Gentle", "温和的"),
    ("Bright", "明亮的"), ("Early", "早起的"), ("Kind", "友善的"), ("Clever", "聪明的"), ("Calm", "从容的"),
    ("Bold", "勇敢的"), ("Neat", "整洁的"), ("Lively", "活泼的"), ("Steady", "稳重的"), ("Warm", "温暖的"),
    ("Nimble", "灵巧的"), ("Honest", "诚实的"), ("Sunny", "阳光的"), ("Careful", "细心的"), ("Playful", "调皮的"),
)  # fmt: skip
ANIMALS = (
    ("Otter", "水獭"), ("Crane", "白鹤"), ("Panda", "熊猫"), ("Swallow", "燕子"), ("Fox", "狐狸"), ("Carp", "锦鲤"),
    ("Squirrel", "松鼠"), ("Magpie", "喜鹊"), ("Deer", "小鹿"), ("Rabbit", "兔子"), ("Owl", "猫头鹰"), ("Cat", "花猫"),
    ("Lark", "百灵"), ("Turtle", "海龟"), ("Dolphin", "海豚"), ("Heron", "苍鹭"), ("Badger", "獾"), ("Finch", "雀鸟"),
    ("Koala", "考拉"), ("Beaver", "河狸"), ("Robin", "知更鸟"), ("Seal", "海豹"), ("Gecko", "壁虎"), ("Swan", "天鹅"),
)  # fmt: skip
"""Without sex, age, place or trade: a nickname says nothing of who bears it."""


@dataclass(frozen=True, slots=True)
class Nickname:
    """One nickname in both languages."""

    en: str
    zh: str

    @property
    def both(self) -> str:
        """Both in one line, for where a reader of either language looks."""
        return f"{self.en} · {self.zh}"


def draw(random: Random, count: int) -> list[Nickname]:
    """Return so many different nicknames, no two with the same animal; ValueError beyond the animals there are."""
    animals = random.sample(ANIMALS, count)
    both = ((random.choice(MANNERS), animal) for animal in animals)
    return [Nickname(f"{manner[0]} {animal[0]}", f"{manner[1]}{animal[1]}") for manner, animal in both]


def another(random: Random, taken: Nickname) -> Nickname:
    """Return a nickname with another animal than the taken one, so that two who talk are not mistaken."""
    return next(one for one in draw(random, 2) if _animal(one) != _animal(taken))


def _animal(nickname: Nickname) -> str:
    return nickname.en.rsplit(" ", 1)[-1]
