"""The bench check: devices test each other, and the card of it is the gate for going live."""

from edge.bench_check.check import BenchCheck, CheckRefusedError

__all__ = ["BenchCheck", "CheckRefusedError"]
