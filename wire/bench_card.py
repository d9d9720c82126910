"""What a shop tells of its bench checks: their cards, how far one is, an echo asked for. The set only grows. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire.plan import Text
from wire.report_root import Report, TransientReport

NO_TEXT = Text()


class CheckResult(StrEnum):
    """How one step of a bench check ended. SKIPPED: no such device, or nobody is there; its text says which."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """One step of a bench check: `step` is print, apply, look, scan, turn, pack, sort, echo; newer shops may know more.

    `text` says what was seen, `hint` what to do next (empty when passed), `reason` is the code of a device's trouble.
    `is_needed`: an order cannot be kept without it, so a failure here takes the shop off live.
    """

    step: str
    result: CheckResult
    title: Text = NO_TEXT
    device: str = ""
    took_s: float = 0.0
    text: Text = NO_TEXT
    hint: Text = NO_TEXT
    reason: str = ""
    picture_sha256: str = ""
    is_by_hand: bool = False
    is_needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchChecked(Report):
    """The card of one bench check. `occasion` is setup, asked (at the bench), merchant (from the page) or nightly.

    `is_passed`: no needed step failed. `is_whole`: a label was printed and read back; only such a card lets a new shop
    go live, because a nightly check uses no paper.
    """

    check_id: str
    started_at: datetime
    ended_at: datetime
    occasion: str
    is_passed: bool
    is_whole: bool
    steps: tuple[CheckStep, ...] = ()
    software: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskEcho(TransientReport):
    """A bench check asks the relay to say the printed code back: TellEcho carries nonce and code unchanged."""

    nonce: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswered(TransientReport):
    """The answer to CheckBench: the check that began; without a `check_id`, `text` says why none did."""

    ask_id: str
    check_id: str = ""
    text: Text = NO_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedStep:
    """A step of a bench check that has not ended yet."""

    step: str
    title: Text = NO_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckMoved(TransientReport):
    """How far a bench check is, whoever began it: told whenever a step ends or somebody at the bench is asked.

    `stage` is running, clearing (all steps ended, the test card still lies on the bench) or over; `number` rises from
    one to the next, because two may overtake each other. `asks` is what a person at the bench must do now.
    """

    check_id: str
    started_at: datetime
    stage: str
    number: int
    occasion: str = ""
    steps: tuple[CheckStep, ...] = ()
    awaited: tuple[AwaitedStep, ...] = ()
    asks: tuple[Text, ...] = ()
