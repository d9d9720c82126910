"""What the running daemon answers to the technician about bench checks."""

from typing import Any

from edge.bench import Bench
from edge.bench_check.check import TASKS, BenchCheck, CheckRefusedError
from edge.control_socket import Verb, VerbRefusedError
from wire.codec import to_json


def check_verbs(bench_check: BenchCheck, bench: Bench) -> dict[str, Verb]:
    """Return `bench_check` (begin; `occasion` is asked or setup), `bench_check_state` and `bench_check_answer`."""

    async def begin(asked: dict[str, Any]) -> Any:
        occasion = "setup" if asked.get("occasion") == "setup" else "asked"
        try:
            return {"check_id": await bench_check.begin(occasion)}
        except CheckRefusedError as error:
            raise VerbRefusedError(error.text, "refused") from None

    async def state(_asked: dict[str, Any]) -> Any:
        asks = [to_json(task) for task in await bench.tasks() if task.kind in TASKS]
        return {**bench_check.state(), "asks": asks}

    async def answer(asked: dict[str, Any]) -> Any:
        return to_json(await bench.answer_task(str(asked.get("task_id", "")), str(asked.get("answer", ""))))

    return {"bench_check": begin, "bench_check_state": state, "bench_check_answer": answer}
