"""One real Chromium that looks: at the product's own pages by a click, at each yardstick through a page of ours."""

import asyncio
import contextlib
import shutil
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from bench.viewing_pace import Seen, Window, moved_ms
from demo.people import SHOPPER

READER = Path(__file__).with_name("viewing_reader.js").read_text(encoding="utf-8")
WAIT_MS = 30_000
SETTLE_S = 2.0
"""Encoders and the browser's clock estimates have found their rhythm by then."""

DWELL_S, PRESSED_MS = 0.15, 80
"""A pointer rests on what it is about to press, and a button stays down for a moment; the click is its release."""

PRESSES, PRESS_S, REST_S = 4, 3.0, 1.2

IMAGE_PAGE = '<!doctype html><img data-live src="{path}">'
OFFER_PAGE = """<!doctype html><video autoplay muted playsinline></video><script>
(async () => {
  const peer = new RTCPeerConnection({ iceServers: [] });
  peer.addTransceiver("video", { direction: "recvonly" });
  peer.ontrack = (event) => { document.querySelector("video").srcObject = new MediaStream([event.track]); };
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await fetch("/offer", { method: "POST", body: peer.localDescription.sdp });
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  addEventListener("pagehide", () => peer.close());
})();
</script>"""


class NoPictureError(RuntimeError):
    """A page showed no live picture; the message says which page and what it said instead."""


@asynccontextmanager
async def open_browser(*flags: str) -> AsyncIterator[Browser]:
    """Open Chromium, the system's where there is one."""
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio", *flags]
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True, slots=True)
class Look:
    """Milliseconds to the first live picture from the click, which is the release, and from the press before it; from
    the click to a live still, None when there was none before the picture.
    """

    first_ms: float
    pressed_ms: float
    still_ms: float | None


class Watcher:
    """A browser page with the reader in it."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context, self.page = context, page

    @classmethod
    async def come(cls, browser: Browser, relay_url: str = "") -> "Watcher":
        """Open a page; signed in as the demonstration's shopper where a relay is named."""
        context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        context.set_default_timeout(WAIT_MS)
        await context.add_init_script(READER)
        if relay_url:
            data = {"email": SHOPPER.email, "password": SHOPPER.password}
            answer = await context.request.post(f"{relay_url}/api/sign-in", data=data)
            if not answer.ok:
                raise NoPictureError(f"signing in: {await answer.text()}")
        return cls(context, await context.new_page())

    async def offset_ms(self) -> float:
        """Return how far the page's clock is ahead of this machine's wall clock, by the quickest of many questions."""
        found = []
        for _ in range(15):
            before_s = time.time()
            page_ms: float = await self.page.evaluate("performance.timeOrigin + performance.now()")
            after_s = time.time()
            found.append((after_s - before_s, page_ms - (before_s + after_s) * 500))
        return statistics.median(error for _, error in sorted(found)[:5])

    async def wait_live(self) -> None:
        """Wait until the page has shown a live picture; raise NoPictureError."""
        # the product's pages forbid eval, which Playwright's own wait_for_function needs
        until_s = time.monotonic() + WAIT_MS / 1000
        while not await self.page.evaluate("window.vitrineBench?.frames.length > 0"):
            if time.monotonic() > until_s:
                words = (await self.page.evaluate("document.body.innerText"))[:300]
                raise NoPictureError(f"no live picture at {self.page.url}: {words}")
            await asyncio.sleep(0.05)

    async def pictures(self) -> list[Seen]:
        """Return what was seen since the last time this was asked."""
        rows: list[list[Any]] = await self.page.evaluate("window.vitrineBench.frames.splice(0)")
        names = ("seen_ms", "delay_ms", "number", "pan_deg", "shown_ms")
        return [Seen(**dict(zip(names, row, strict=True))) for row in rows]

    async def window(self, seconds: float) -> Window:
        """Look for some time."""
        await asyncio.sleep(SETTLE_S)
        await self.pictures()
        await asyncio.sleep(seconds)
        pictures = await self.pictures()
        if len(pictures) < 2:
            raise NoPictureError(f"{len(pictures)} pictures in {seconds:.0f} s at {self.page.url}")
        return Window(pictures, await self.offset_ms())

    async def show(self, origin: str, html: str) -> float:
        """Open a page of ours at somebody's origin, so that a script may read what comes from there.

        Returns milliseconds from its opening to the first live picture.
        """

        async def serve(route: Any) -> None:
            await route.fulfill(body=html, content_type="text/html")

        await self.page.route(f"{origin}/vitrine-bench", serve)
        await self.page.goto(f"{origin}/vitrine-bench")
        await self.wait_live()
        waited_ms: float = await self.page.evaluate("vitrineBench.frames[0][0] - performance.timeOrigin")
        return waited_ms

    async def leave(self) -> None:
        """Go away from the page; whoever served it hears that."""
        await self.page.goto("about:blank")

    async def close(self) -> None:
        """Close the page for good."""
        with contextlib.suppress(PlaywrightError):
            await self.context.close()

    async def click_look(self, relay_url: str, listing_id: str, piece_id: str) -> Look:
        """Click "look" as a hand does; return how long it took."""
        await self.page.goto(f"{relay_url}/l/{listing_id}?lang=en")
        await self.page.wait_for_load_state("load")
        link = self.page.locator(f'a[href^="/look/{piece_id}"]')
        await link.hover()
        await asyncio.sleep(DWELL_S)
        await link.click(delay=PRESSED_MS)
        await self.page.wait_for_url("**/look/**")
        await self.wait_live()
        pressed_ms, clicked_ms, first_ms, still_ms = await self.page.evaluate(
            "[...['press', 'click'].map((one) => Number(sessionStorage.getItem(`vitrine-bench-${one}`))),"
            " vitrineBench.first_ms, vitrineBench.still_ms]"
        )
        return Look(first_ms - clicked_ms, first_ms - pressed_ms, still_ms - clicked_ms if still_ms else None)

    async def press(self) -> list[float]:
        """Steer by the arrow keys; return milliseconds from each press to the first picture that moved."""
        await self.page.wait_for_selector("#look[data-state=steering]")
        await self.page.locator("[data-part=stage]").focus()
        found = []
        for number in range(PRESSES):
            await asyncio.sleep(REST_S)
            await self.pictures()
            await asyncio.sleep(0.2)
            key = "ArrowLeft" if number % 2 else "ArrowRight"
            await self.page.keyboard.down(key)
            waited_ms = await self._moved_ms()
            await self.page.keyboard.up(key)
            found += [] if waited_ms is None else [waited_ms]
        return found

    async def _moved_ms(self) -> float | None:
        """Return milliseconds from the key's press to the first picture that moved; None when none does in time."""
        pressed_ms = await self.page.evaluate("vitrineBench.key_ms")
        seen: list[Seen] = []
        until_s = time.monotonic() + PRESS_S
        while time.monotonic() < until_s:
            seen += await self.pictures()
            waited_ms = moved_ms(seen, pressed_ms)
            if waited_ms is not None:
                return waited_ms
            await asyncio.sleep(0.1)
        return None
