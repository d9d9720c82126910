"""One order and one viewing behind the shipped firewall, with the uplink changed in the middle of both; prints JSON.

Run as `unshare --net python -m tests.service.behind_the_wall FOLDER`. While the attendant fetches and the
shopper looks, the radio comes up and the wire is pulled. What a page does when its picture stands still, the scripted
shopper does: it asks for a new stream of the same session.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx

from demo.people import RelayRefusedError
from demo.shopper import Look
from demo.steps import until
from demo.viewer import ViewerError
from tests.faults.one_order import OneOrder, judge
from tests.service.networks import RADIO, WIRE, run
from tests.service.walled_mall import open_picture, open_walled_town

LOST_S = 5.0
"""A picture that stands still for this long is lost: SILENT_MS of the look page."""
BACK_S = 60.0
"""How long a shop keeps the turn of a session that fell silent."""


async def piece_to_look_at(town) -> str:
    listing = await town.shopper.call("GET", f"/api/listings/{town.listing_id}")
    return next(one["piece_id"] for one in reversed(listing["pieces"]) if one["state"] == "free")


async def has_task(town, kind: str) -> bool:
    return any(task["kind"] == kind for task in (await town.bench.state())["tasks"])


async def stands_still(look: Look) -> bool:
    """Tell whether no new picture comes for as long as the page waits."""
    frames = look.viewer.frames
    await asyncio.sleep(LOST_S)
    return look.viewer.frames == frames


async def picture_again(look: Look) -> float:
    """As the page: wait until the picture stands still, then try for a new stream; return seconds until it came."""
    began_s = time.monotonic()
    while not await stands_still(look):
        assert time.monotonic() - began_s < BACK_S, "the picture does not mind that its way is gone"
    while True:
        try:
            async with asyncio.timeout(10):
                await look.viewer.close()
        except (TimeoutError, httpx.HTTPError):
            pass
        try:
            await open_picture(look)
        except (ViewerError, RelayRefusedError, httpx.HTTPError, TimeoutError) as error:
            print(f"not yet: {error!r}"[:200], file=sys.stderr)
            assert time.monotonic() - began_s < 2 * BACK_S, "no picture any more"
            await asyncio.sleep(1)
        else:
            return time.monotonic() - began_s


def broker_peers(town) -> list[str]:
    """Return from which of the shop's addresses it holds a connection to the broker now."""
    broker = f":{town.mall.ports.broker}"
    told = run(*town.mall.networks.inside(town.mall.networks.shop, ["ss", "-Htn", "state", "established"]))
    rows = [line.split() for line in told.splitlines()]
    return sorted({row[2].rsplit(":", 1)[0] for row in rows if row[3].endswith(broker)})


async def order_and_viewing(town) -> dict:
    """Look and order, change the uplink in the middle of both, see both through; return what was measured."""
    facts, networks = {"uplink_before": broker_peers(town)}, town.mall.networks
    look = Look(town.shopper, await piece_to_look_at(town))
    await look.ask()
    await look.wait_turn(60)
    facts["first_frame_ms"] = await open_picture(look)
    facts["motion_before_ms"] = await look.move(pan=0.6)
    order = OneOrder(town)
    town.hands.leaves.add("fetch_piece")
    await order.place()
    await until(lambda: has_task(town, "fetch_piece"), 60, "the attendant is asked to fetch the piece")
    facts["frames_before"] = look.viewer.frames
    networks.plug("radio")
    networks.unplug("wire")
    began_s = time.monotonic()
    town.hands.leaves.clear()
    facts["picture_again_s"] = await picture_again(look)
    facts["motion_after_ms"] = await look.move(pan=-0.6)
    facts["frames_after"] = look.viewer.frames
    facts["order_ended"] = await order.finish()
    facts["order_s"] = time.monotonic() - began_s
    facts["uplink_after"] = broker_peers(town)
    await look.leave()
    await order.settle()
    judge(town, order, "released")
    facts["turned_away"] = {"in": networks.dropped("input"), "out": networks.dropped("output")}
    return facts | {"restarts": town.supervisor.restarts, "wire": WIRE, "radio": RADIO}


async def main(folder: Path) -> dict:
    async with open_walled_town(folder) as town:
        return await order_and_viewing(town)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
