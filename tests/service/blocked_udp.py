"""One shopper's Chromium on networks that let less and less through; prints JSON. Run inside `unshare --net`.

The shop has a globally routable number, as coturn refuses private peers; firewalls of the shopper's network are rules
of this namespace, in which only coturn and the relay's page stand beside Chromium.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from playwright.async_api import Page, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from demo.people import SHOPPER as SHOPPER_PERSON
from tests.chromium import CHROMIUM
from tests.service.behind_the_wall import piece_to_look_at
from tests.service.coturn import PORT, RELAY_PORTS, SECRET, TURN4, give_addresses, running_coturn
from tests.service.networks import run
from tests.service.walled_mall import WalledMall, open_walled_town

SHOP_NUMBER = "20.0.1.2"
SEES = "() => document.querySelector('[data-part=image]').naturalWidth > 100"
SETTLED = "() => document.querySelector('#look').dataset.way !== 'opening'"
PIXELS = """() => {
  const video = document.querySelector("[data-part=video]"), image = document.querySelector("[data-part=image]");
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image.hidden ? video : image, 0, 0, 64, 36);
  return [...pen.getImageData(0, 0, 64, 36).data].filter((_, place) => place % 4 === 1);
}"""
COUNT = """async (ms) => {
  const video = document.querySelector("[data-part=video]");
  const before = video.getVideoPlaybackQuality().totalVideoFrames;
  await new Promise((resolve) => setTimeout(resolve, ms));
  return (video.getVideoPlaybackQuality().totalVideoFrames - before) * 1000 / ms;
}"""
STILLS = """() => {
  window.stills = 0;
  new MutationObserver((list) => { window.stills += list.length; })
    .observe(document.querySelector("[data-part=image]"), { attributes: true, attributeFilter: ["src"] });
}"""

NO_UDP = f"""
table inet shopper {{
  chain output {{
    type filter hook output priority filter;
    ip saddr {TURN4} udp sport {RELAY_PORTS[0]}-{RELAY_PORTS[1]} accept
    oifname "to-wire" ip saddr {TURN4} udp sport {PORT} accept
    meta l4proto udp drop
  }}
}}
"""
NO_TURN = f"add rule inet shopper output tcp dport {PORT} reject with tcp reset"


class MallWithTurn(WalledMall):
    """Its relay knows a TURN server, and the shop has a number of the open internet besides."""

    async def _tell_public_addresses(self) -> None:
        path = self.relay_folder / "relay.toml"
        urls = [f"turn:{TURN4}:{PORT}", f"turn:{TURN4}:{PORT}?transport=tcp"]
        path.write_text(f"{path.read_text()}\n[viewing]\nturn_urls = {json.dumps(urls)}\n")
        await super()._tell_public_addresses()


def give_the_shop_a_number(town) -> None:
    networks = town.mall.networks
    run(*networks.inside(networks.shop, ["ip", "address", "add", f"{SHOP_NUMBER}/32", "dev", "wire"]))
    run("ip", "route", "add", f"{SHOP_NUMBER}/32", "dev", "to-wire")
    run(*networks.inside(networks.shop, ["ip", "route", "add", f"{TURN4}/32", "via", "10.77.1.1", "src", SHOP_NUMBER]))


async def look(page: Page, town, piece_id: str) -> dict:
    """Open the look page afresh; return when it has settled on a rung and the turn is here."""
    await page.goto(f"{town.mall.relay_url}/look/{piece_id}?lang=en")
    began_s = time.monotonic()
    shown = page.locator("#look")
    await page.wait_for_function(SEES, timeout=60_000)
    first_still_ms = (time.monotonic() - began_s) * 1000
    await page.wait_for_function(SETTLED, timeout=60_000)
    settled_s = time.monotonic() - began_s
    await page.wait_for_function("() => document.querySelector('#look').dataset.state === 'steering'", timeout=60_000)
    words = await page.locator("[data-part=way]").inner_text()
    way = await shown.get_attribute("data-way")
    return {"way": way, "words": words, "first_still_ms": first_still_ms, "settled_s": settled_s}


async def is_steered(page: Page) -> bool:
    before = await page.evaluate(PIXELS)
    await page.locator("[data-part=stage]").focus()
    await page.keyboard.down("ArrowRight")
    moved = f"before => ({PIXELS})().some((pixel, place) => Math.abs(pixel - before[place]) > 40)"
    try:
        await page.wait_for_function(moved, arg=before, timeout=30_000)
    finally:
        await page.keyboard.up("ArrowRight")
    return True


async def rungs(town, page: Page) -> dict:
    piece_id = await piece_to_look_at(town)
    facts = {}
    run("nft", NO_UDP)
    facts["turn"] = await look(page, town, piece_id)
    fps = [await page.evaluate(COUNT, 3000) for _ in range(4)]
    facts["turn"] |= {"fps": max(fps), "is_steered": await is_steered(page)}
    run("nft", NO_TURN)
    await page.evaluate("sessionStorage.clear()")
    facts["nothing"] = await look(page, town, piece_id)
    facts["nothing"]["is_steered"] = await is_steered(page)
    run("ip", "link", "set", "lo", "mtu", "1500")
    port = town.mall.ports.relay
    run("nft", f"add rule inet shopper output tcp sport {port} limit rate over 25 kbytes/second burst 16 kbytes drop")
    facts["narrow"] = await narrow(page)
    return facts


async def narrow(page: Page) -> dict:
    await page.evaluate(f"({STILLS})()")
    await asyncio.sleep(20)
    facts = {"stills": await page.evaluate("window.stills"), "is_steered": await is_steered(page)}
    await page.wait_for_function(SETTLED, timeout=60_000)  # it may be climbing down at this moment
    return facts | {"way": await page.locator("#look").get_attribute("data-way")}


async def main(folder: Path) -> dict:
    os.environ["VITRINE_TURN_SECRET"] = SECRET
    give_addresses()
    with running_coturn(folder):
        async with open_walled_town(folder, mall_class=MallWithTurn) as town, async_playwright() as playwright:
            give_the_shop_a_number(town)
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            context = await browser.new_context(viewport={"width": 1280, "height": 800})
            page = await context.new_page()
            who = {"email": SHOPPER_PERSON.email, "password": SHOPPER_PERSON.password}
            await context.request.post(f"{town.mall.relay_url}/api/sign-in", data=who)
            try:
                return await rungs(town, page)
            except PlaywrightTimeoutError:
                print(await page.locator("#look").inner_text(), file=sys.stderr)
                raise
            finally:
                await browser.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
