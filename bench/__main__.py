"""`./vitrine bench order`, `relay`, `market`, `viewing`, `together`: medians beside their yardsticks; `--json FILE`."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, Report
from bench.small_box import NoCgroupError

EXIT_NO_BOX = 3
MEMORY_MIN = 10.0
HERE = Path(__file__).parent


async def order(folder: Path, rounds: int) -> list[Figure]:
    """Measure everything about one order's speed."""
    from bench import journal_pace, mall_pace, order_pace  # noqa: PLC0415  # the other benchmark needs none of them

    figures: list[Figure] = []
    for part in ("orders", "mall"):
        (folder / part).mkdir()
    print("journal …", flush=True)
    figures.append(await journal_pace.measure(folder, rounds))
    print("orders over HTTP …", flush=True)
    figures += await order_pace.measure(folder / "orders", rounds)
    print("the whole mall: commands, printer, shop box, first picture …", flush=True)
    figures += await mall_pace.measure(folder / "mall", rounds)
    return figures


async def relay(folder: Path, shops: int, minutes: float, *, has_box: bool) -> list[Figure]:
    """Measure what a relay takes of a small machine with many shops connected."""
    from bench import small_relay  # noqa: PLC0415  # as above

    return await small_relay.measure(folder, shops, minutes, has_box=has_box)


def market(folder: Path, rounds: int, listings: int) -> Report:
    """Measure search in a large market on both databases."""
    from bench import market_pace  # noqa: PLC0415  # as above

    return market_pace.measure(folder, rounds, listings)


def together(folder: Path, people: int) -> Report:
    """Measure how soon a purchase becomes suggestions, on both databases, and how soon groups are settled."""
    from bench import together as room  # noqa: PLC0415  # as above

    return room.measure(folder, people)


async def viewing(folder: Path, rounds: int, seconds: float) -> Report:
    """Measure live pictures beside other programs that read the same camera."""
    from bench import viewing as room  # noqa: PLC0415  # as above

    return await room.measure(folder, rounds, seconds)


async def viewing_memory(folder: Path, minutes: float) -> Report:
    """Measure whether a shop box grows while many watch."""
    from bench import viewing_memory as room  # noqa: PLC0415  # as above

    return await room.measure(folder, minutes)


def write(chosen: argparse.Namespace, report: Report) -> None:
    """Write what stands in the documents: tables, and the plots of live viewing."""
    if chosen.what == "market":
        from bench import market_pace  # noqa: PLC0415  # as above

        market_pace.write(report, chosen.out)
    elif chosen.what == "together":
        from bench import together as people  # noqa: PLC0415  # as above

        people.write(report, chosen.out)
    elif chosen.what == "viewing" and chosen.memory is None:
        from bench import viewing as room  # noqa: PLC0415  # as above

        room.write(report, chosen.out)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./vitrine bench", description=__doc__)
    words = (
        "order: from placing to the printer, and the first picture; relay: memory with many shops, in 512 MB (root); "
        "market: search in 200,000 listings; viewing: live pictures beside other programs; "
        "together: from a purchase to suggestions among 100,000 shoppers, and the end of 1,000 groups"
    )
    parser.add_argument("what", choices=["order", "relay", "market", "viewing", "together"], help=words)
    parser.add_argument("--rounds", type=int, default=3, help="but relay: rounds of each measurement (default 3)")
    parser.add_argument(
        "--seconds", type=float, default=20, help="viewing: how long each system is watched in a round (default 20)"
    )
    parser.add_argument(
        "--memory", type=float, nargs="?", const=MEMORY_MIN, metavar="MINUTES",
        help=f"viewing: only the memory of a shop box with twenty viewers over so many minutes ({MEMORY_MIN:g})",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=HERE, help="where tables and plots are written, if there are any (default: bench/)"
    )
    parser.add_argument("--listings", type=int, default=200_000, help="market: how many there are (default 200,000)")
    parser.add_argument("--people", type=int, default=100_000, help="together: shoppers (default 100,000)")
    parser.add_argument("--shops", type=int, default=100, help="relay: shops that are connected (default 100)")
    parser.add_argument("--minutes", type=float, default=2, help="relay: ten orders in each (default 2)")
    parser.add_argument(
        "--no-box", action="store_true", help="relay: where no cgroup can be made; nothing is limited, only measured"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    return parser.parse_args()


async def run(chosen: argparse.Namespace) -> Report:
    """Run the chosen benchmark in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as name:
        if chosen.what == "relay":
            return Report(await relay(Path(name), chosen.shops, chosen.minutes, has_box=not chosen.no_box))
        if chosen.what == "market":
            return market(Path(name), chosen.rounds, chosen.listings)
        if chosen.what == "together":
            return await asyncio.to_thread(together, Path(name), chosen.people)
        if chosen.what == "viewing" and chosen.memory is not None:
            return await viewing_memory(Path(name), chosen.memory)
        if chosen.what == "viewing":
            return await viewing(Path(name), chosen.rounds, chosen.seconds)
        return Report(await order(Path(name), chosen.rounds))


def main() -> int:
    """Run a benchmark and print its table; exit code 1 when a goal is missed."""
    chosen = arguments()
    try:
        report = asyncio.run(run(chosen))
    except NoCgroupError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_NO_BOX
    print(report.text())
    if chosen.json:
        report.write_json(chosen.json)
    try:
        write(chosen, report)
    except OSError as error:
        print(f"{chosen.out}: table and plots cannot be written: {error.strerror}; use --out", file=sys.stderr)
    return 0 if all(figure.is_kept for figure in report.figures) else 1


if __name__ == "__main__":
    sys.exit(main())
