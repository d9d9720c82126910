"""How long tests wait: long where an answer must come, on whatever machine; short where silence is the point."""

from dataclasses import replace
from typing import Any

PATIENT_S = 20.0
"""For an answer that must come: far more than any answer takes, so that only a wrong driver or simulator misses it."""

HASTY_S = 0.6
"""For an answer that never comes."""


def hurry(driver: Any, timeout_s: float = HASTY_S, **more: float) -> None:
    """Have an open driver give up sooner, after all that must succeed and before what must be missed."""
    driver._options = replace(driver._options, timeout_s=timeout_s, **more)
    if getattr(driver, "_link", None) is not None:
        driver._link.timeout_s = timeout_s
