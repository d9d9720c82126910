"""`./vitrine bench order`: medians of one interleaved run, each beside its yardstick; `--json FILE` for programs."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench import journal_pace, mall_pace, order_pace
from bench.figures import Figure, table, write_json


async def order(rounds: int) -> list[Figure]:
    """Measure everything about one order's speed."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as name:
        folder = Path(name)
        for part in ("orders", "mall"):
            (folder / part).mkdir()
        print("journal …", flush=True)
        figures.append(await journal_pace.measure(folder, rounds))
        print("orders over HTTP …", flush=True)
        figures += await order_pace.measure(folder / "orders", rounds)
        print("the whole mall: commands, printer, shop box, first picture …", flush=True)
        figures += await mall_pace.measure(folder / "mall", rounds)
    return figures


def main() -> int:
    """Run a benchmark and print its table; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="./vitrine bench", description=__doc__)
    parser.add_argument("what", choices=["order"], help="order: from placing to the printer, and the first picture")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement, interleaved (default 3)")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    chosen = parser.parse_args()
    figures = asyncio.run(order(chosen.rounds))
    print(table(figures))
    if chosen.json:
        write_json(figures, chosen.json)
    return 0 if all(figure.is_kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
