"""Opens a device once, asks how it is, closes it: the only proof that the right driver is at the right place."""

import asyncio
from dataclasses import dataclass
from typing import Any

from drivers.base import BadOptionsError, Condition, DeviceError
from drivers.registry import build_options, find_driver

TRY_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it: the driver that answered with its options, or why none did (`words`, `reason`)."""

    model: str = ""
    options: dict[str, Any] | None = None
    words: str = ""
    reason: str = ""

    @property
    def answers(self) -> bool:
        """Whether a device answered."""
        return self.options is not None


def try_each(kind: str, choices: list[tuple[str, dict[str, str]]], more: dict[str, Any]) -> Tried:
    """Try drivers one after the other until one answers; `more` are options for all. Nothing moves or prints."""
    last = Tried(words="nothing to try")
    for model, options in choices:
        last = asyncio.run(_try(kind, model, {**options, **more}))
        if last.answers:
            return last
    return last


async def _try(kind: str, model: str, options: dict[str, Any]) -> Tried:
    try:
        driver_class = find_driver(kind, model, "setup")
        driver = driver_class(build_options(driver_class, options, "setup"))  # type: ignore[call-arg]  # each takes its own
    except BadOptionsError as error:
        return Tried(words=str(error), reason="bad_options")
    try:
        async with asyncio.timeout(TRY_S):
            await driver.open()
            status = await driver.status()
            if kind == "camera":
                await driver.still()  # type: ignore[attr-defined]  # a camera that gives no picture is none
    except TimeoutError:
        return Tried(words=f"no answer in {TRY_S:.0f} s", reason="silent")
    except DeviceError as error:
        return Tried(words=str(error), reason=error.reason)
    finally:
        await driver.close()
    if status.condition in (Condition.OFFLINE, Condition.UNKNOWN):
        return Tried(words=status.raw or status.reason, reason=status.reason)
    return Tried(model=model, options=options, words=status.reason or status.condition.value, reason=status.reason)
