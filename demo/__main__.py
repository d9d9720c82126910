"""`./vitrine demo`: opens the mall, says where everything is, keeps it open; `--once` walks one order and reports."""

import argparse
import asyncio
import contextlib
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wire.light_start import light_start

with light_start():
    from demo.bench_check import go_live
    from demo.goods import DemoShop, studio, teahouse
    from demo.hands import Bench, Hands
    from demo.mall import ROOT, Mall, MallError
    from demo.people import MERCHANTS, OPERATOR, SHOPPER, RelayRefusedError
    from demo.ports import NoPortsError, Ports, free_block
    from demo.seed import seed_people, seed_shop, wait_for_shop
    from demo.shop_files import PIN, TILL_PIN
    from demo.steps import StepFailedError
    from demo.supervisor import ProgramFailedError, Supervisor

DEFAULT_PORT = 8080
NONCE = re.compile(r"[A-Z0-9]{2,8}")
"""What fits on a teapot's back in letters 3 mm high, and into a 6 mm DataMatrix."""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="./vitrine demo",
        description="The whole mall on this machine: broker, relay, two shops with simulated devices, goods and "
        "accounts. Everything listens on 127.0.0.1 only. Ctrl-C closes it and leaves nothing running.",
        epilog="example: ./vitrine demo --once --report out --nonce K7Q4",
    )
    parser.add_argument("--port", type=int, help=f"port of the pages, and of the 23 after it (default {DEFAULT_PORT})")
    parser.add_argument("--data", type=Path, help="keep the mall in this folder between runs (default .vitrine/demo)")
    parser.add_argument(
        "--fresh", action="store_true", help="begin with an empty mall: what the folder holds is removed"
    )
    parser.add_argument(
        "--no-hands", action="store_true", help="nobody stands at the benches: be the attendant yourself"
    )
    parser.add_argument(
        "--once", action="store_true", help="a scripted shopper walks one order, then everything closes"
    )
    parser.add_argument("--report", type=Path, default=Path("out"), help="where --once leaves its report and pictures")
    parser.add_argument("--nonce", default="K7Q4", help="2 to 8 of A-Z 0-9, engraved on the piece that is bought")
    chosen = parser.parse_args()
    if not NONCE.fullmatch(chosen.nonce):
        parser.error(f"--nonce {chosen.nonce!r}: 2 to 8 characters of A-Z and 0-9 fit on a teapot's back")
    return chosen


def say(line: str) -> None:
    """Tell the person at the terminal."""
    print(line, flush=True)


async def open_mall(mall: Mall) -> None:
    """Start everything, fill it if it is empty, and wait until both shops are there."""
    say("opening the mall …")
    is_new = not (mall.folder / "seeded").exists()
    async with asyncio.TaskGroup() as tasks:
        web = tasks.create_task(open_web(mall, is_new=is_new))
        for shop in mall.shops:
            tasks.create_task(open_shop(mall, shop, web, is_new=is_new))
    (mall.folder / "seeded").touch()


async def open_web(mall: Mall, *, is_new: bool) -> None:
    """Start the relay and what stands beside it; make the accounts of a new one."""
    await mall.open_relay()
    say(f"relay and broker run (pages on {mall.relay_url})")
    if is_new:
        await seed_people(mall)


async def open_shop(mall: Mall, shop: DemoShop, web: asyncio.Task[None], *, is_new: bool) -> None:
    """Start a shop's machines and its box; a new one is stocked and enrolled before, which needs the relay."""
    await mall.open_world(shop)
    say(f"{shop.name}: its cameras and machines run")
    if is_new:
        await web
        claim = await seed_shop(mall, shop, say)
        await mall.enrol(shop, claim)
        say(f"{shop.name}: the box is enrolled with a certificate of its own")
    await mall.open_edge(shop)
    await web
    is_live = await wait_for_shop(mall, shop)
    say(f"{shop.name}: online")
    if not is_live:
        await go_live(mall, shop, say)


def tell_addresses(mall: Mall) -> None:
    """Print where to go and as whom."""
    say("")
    say(f"  shop here        {mall.relay_url}/          {SHOPPER.email}  {SHOPPER.password}")
    for shop in mall.shops:
        person = MERCHANTS[shop.name]
        say(f"  {shop.name:<15}  {mall.relay_url}/merchant  {person.email}  {person.password}")
    say(f"  operator         {mall.relay_url}/operator  {OPERATOR.email}  {OPERATOR.password}")
    say(f"  mails            {mall.mails_url}/  (caught here, delivered nowhere)")
    for shop in mall.shops:
        say(f"  {shop.name + ' bench':<15}  {mall.attendant_url(shop)}/   PIN {PIN}")
        if "table" in shop.cameras:
            say(f"  {shop.name + ' till':<15}  {mall.attendant_url(shop)}/till   PIN {TILL_PIN}")
    say("")
    say("Try: search 茶壶, open “Stone Ladle”, look at it live, turn it round. Ctrl-C closes the mall.")


async def stand_at_benches(mall: Mall, tasks: asyncio.TaskGroup) -> None:
    """Put a pair of hands at each bench."""
    for shop in mall.shops:
        bench = Bench(mall.attendant_url(shop), PIN, mall.control_url(shop))

        def on_link(link: str, name: str = shop.name) -> None:
            say(f"{name}: the courier's link is {link}")

        tasks.create_task(Hands(bench, say, on_link).run())


async def keep_open(mall: Mall, supervisor: Supervisor, stop: asyncio.Event, *, with_hands: bool) -> None:
    """Stay open until told to stop or until something cannot be kept running."""
    async with asyncio.TaskGroup() as tasks:
        if with_hands:
            await stand_at_benches(mall, tasks)
        stopped = asyncio.ensure_future(stop.wait())
        waiting: list[asyncio.Future[Any]] = [stopped, supervisor.failure]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if supervisor.failure.done():
            supervisor.failure.result()
        raise _ClosedError


class _ClosedError(Exception):
    """Ends the task group when the person wants to close."""


def prepare_folders(chosen: argparse.Namespace) -> Path:
    """Return the mall's folder, made and emptied as asked; one walk without --data gets a fresh one in its report."""
    walks_alone = chosen.once and chosen.data is None
    folder: Path = (chosen.report / "mall" if walks_alone else chosen.data or ROOT / ".vitrine" / "demo").resolve()
    if (chosen.fresh or walks_alone) and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.once:
        chosen.report.mkdir(parents=True, exist_ok=True)
    return folder


async def main(chosen: argparse.Namespace) -> int:
    """Run the demonstration; return the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    folder = prepare_folders(chosen)
    supervisor, code = Supervisor(say, ROOT), 1
    try:
        ports = free_block() if chosen.once and chosen.port is None else Ports(chosen.port or DEFAULT_PORT)
        mall = Mall(folder, ports, (teahouse(chosen.nonce), studio()), supervisor)
        code = await _run(mall, supervisor, stop, chosen)
    except* (MallError, NoPortsError, ProgramFailedError, RelayRefusedError, StepFailedError, TimeoutError) as errors:
        for words in dict.fromkeys(str(error) for error in _each(errors)):
            say(f"error: {words}")
    finally:
        await supervisor.stop()
        say("the mall is closed; nothing is left running")
    return code


def _each(errors: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _each(error)
        else:
            yield error


async def _run(mall: Mall, supervisor: Supervisor, stop: asyncio.Event, chosen: argparse.Namespace) -> int:
    mall.check()
    opening = asyncio.create_task(_open_and_go(mall, supervisor, stop, chosen))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([opening, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening
        return 130 if chosen.once else 0
    return opening.result()


async def _open_and_go(mall: Mall, supervisor: Supervisor, stop: asyncio.Event, chosen: argparse.Namespace) -> int:
    await open_mall(mall)
    if chosen.once:
        from demo.walk import walk  # noqa: PLC0415  # a mall that only opens needs no video decoder

        return 0 if await walk(mall, supervisor, chosen.report, chosen.nonce, say) else 1
    tell_addresses(mall)
    try:
        await keep_open(mall, supervisor, stop, with_hands=not chosen.no_hands)
    except* _ClosedError:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
