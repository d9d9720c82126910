"""The bench: carries out a flow's effects on devices and people, and turns what came of them into the flow's events."""

from edge.bench.bench import Bench
from edge.bench.keeping import CHECK, TAGS
from edge.bench.ports import Devices, TakeStill
from edge.bench.tasks import Answer, ScanResult, Task, TaskKind

__all__ = ["CHECK", "TAGS", "Answer", "Bench", "Devices", "ScanResult", "TakeStill", "Task", "TaskKind"]
