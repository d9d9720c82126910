"""Counters and gauges in Prometheus' text format (version 0.0.4); no library, no global registry."""

import threading
from collections import defaultdict
from collections.abc import Callable

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters by name and labels, and gauges asked at reading time. Thread-safe."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, tuple[tuple[str, str], ...]], float] = defaultdict(float)
        self._gauges: dict[str, Callable[[], float]] = {}
        self._lock = threading.Lock()

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to the counter `vitrine_<name>_total`; labels hold few values and never a person's data."""
        with self._lock:
            self._counts[name, tuple(sorted(labels.items()))] += amount

    def gauge(self, name: str, ask: Callable[[], float]) -> None:
        """Have `ask` answer the gauge `vitrine_<name>` whenever metrics are read."""
        self._gauges[name] = ask

    def value(self, name: str, **labels: str) -> float:
        """Return a counter's value, for tests and health."""
        with self._lock:
            return self._counts.get((name, tuple(sorted(labels.items()))), 0)

    def text(self) -> str:
        """Return everything in the exposition format."""
        with self._lock:
            counts = sorted(self._counts.items())
        lines, named = [], set()
        for (name, labels), amount in counts:
            if name not in named:
                named.add(name)
                lines.append(f"# TYPE vitrine_{name}_total counter")
            inside = ",".join(f'{key}="{_escape(value)}"' for key, value in labels)
            lines.append(
                f"vitrine_{name}_total{{{inside}}} {amount:g}" if inside else f"vitrine_{name}_total {amount:g}"
            )
        for name, ask in sorted(self._gauges.items()):
            lines += [f"# TYPE vitrine_{name} gauge", f"vitrine_{name} {ask():g}"]
        return "\n".join(lines) + "\n"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
