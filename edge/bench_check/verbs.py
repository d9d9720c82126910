"""What the running daemon answers to the technician about bench checks."""

from typing import Any

from edge.bench_check.check import BenchCheck, CheckRefusedError
from edge.control_socket import Verb


def check_verbs(bench_check: BenchCheck) -> dict[str, Verb]:
    """Return `bench_check` (begin one; `occasion` is asked or setup) and `bench_check_state`."""

    async def begin(asked: dict[str, Any]) -> Any:
        occasion = "setup" if asked.get("occasion") == "setup" else "asked"
        try:
            return {"check_id": await bench_check.begin(occasion)}
        except CheckRefusedError as error:
            raise LookupError(f"{error.text.en} {error.text.zh}") from None

    async def state(_asked: dict[str, Any]) -> Any:
        return bench_check.state()

    return {"bench_check": begin, "bench_check_state": state}
