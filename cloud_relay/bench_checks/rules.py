"""Whether a shop is live, decided from its cards alone. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud_relay.refusals import RefusedError
from wire.bench_card import BenchChecked, CheckMoved, CheckResult, CheckStep
from wire.plan import Text
from wire.values import BadValueError

NEVER_CHECKED, CHECK_FAILED = "never_checked", "check_failed"
STEPS_MAX = 20
TEXT_LENGTH_MAX = 400
STAGES = ("running", "clearing", "over")
PROGRESS_LIFE = timedelta(minutes=15)
"""What was told of a running check and not renewed for so long is not shown: five waits for a person."""

WHY = {
    NEVER_CHECKED: (
        "This shop is not live yet: its bench has never passed a bench check",
        "本店尚未开通：工作台还没有通过自检",
    ),
    CHECK_FAILED: (
        "This shop is not live now: its last bench check failed, and somebody at the shop must mend that first",
        "本店暂停服务：最近一次工作台自检未通过，需店内先处理",
    ),
}
"""The sentence for each reason not to be live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether a shop is live; if not, `reason` is a key of WHY and `failed` are the needed steps that failed last."""

    is_live: bool
    reason: str = ""
    failed: tuple[CheckStep, ...] = ()


def stand(cards: Iterable[BenchChecked]) -> Standing:
    """Judge by a shop's cards, newest first.

    Each step counts as it last ended: a nightly check that skips the robot does not mend what failed at noon. Live is
    who once passed a whole check and has no needed step failing.
    """
    last: dict[str, CheckStep] = {}
    has_passed = False
    for card in cards:
        has_passed = has_passed or (card.is_passed and card.is_whole)
        for step in card.steps:
            if step.result is not CheckResult.SKIPPED:
                last.setdefault(step.step, step)
    failed = tuple(step for step in last.values() if step.is_needed and step.result is CheckResult.FAILED)
    if not has_passed:
        return Standing(is_live=False, reason=NEVER_CHECKED, failed=failed)
    return Standing(is_live=not failed, reason=CHECK_FAILED if failed else "", failed=failed)


def refusal(reason: str) -> RefusedError:
    """Return why a shopper cannot look or reserve there."""
    text_en, text_zh = WHY[reason]
    return RefusedError("shop_not_live", text_en, text_zh, reason=reason)


def bounded(card: BenchChecked) -> BenchChecked:
    """Return the card; RefusedError for one that no shop of ours writes."""
    texts = [text for step in card.steps for text in (step.text, step.hint, step.title)]
    too_long = any(len(part) > TEXT_LENGTH_MAX for text in texts for part in (text.en, text.zh))
    if len(card.steps) > STEPS_MAX or too_long or not 0 < len(card.check_id) <= 64:
        raise RefusedError("bad_card", "The card of this bench check is too large", "自检卡过大", 422)
    return card


def clipped(text: Text) -> Text:
    """Return a shop's sentence in a length that a page can bear."""
    return Text(en=text.en[:TEXT_LENGTH_MAX], zh=text.zh[:TEXT_LENGTH_MAX])


def bounded_progress(moved: CheckMoved) -> CheckMoved:
    """Return what was told of a running check; BadValueError for what no shop of ours tells."""
    texts = [text for step in moved.steps for text in (step.text, step.hint, step.title)]
    texts += [*(step.title for step in moved.awaited), *moved.asks]
    too_long = any(len(part) > TEXT_LENGTH_MAX for text in texts for part in (text.en, text.zh))
    too_many = max(len(moved.steps), len(moved.awaited), len(moved.asks)) > STEPS_MAX
    if too_long or too_many or moved.stage not in STAGES or not 0 < len(moved.check_id) <= 64:
        raise BadValueError("progress of a bench check: too large, or of no known stage")
    return moved


def is_newer(moved: CheckMoved, check_id: str, started_at: datetime, stage: str, number: int) -> bool:
    """Return whether this was told after what is known; two of one check may overtake each other on their way."""
    if moved.check_id != check_id:
        return moved.started_at >= started_at
    return (STAGES.index(moved.stage), moved.number) > (STAGES.index(stage), number)
