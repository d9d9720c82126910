"""Screenshots of every page at three sizes, light and dark, in both languages, on one sheet for each size.

    python -m tests.browser.contact_sheet --out FOLDER [--page NAME …]

Slow (some 450 screenshots): not a test, a thing to look at.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.every_page import PAGES, Scene, Seen
from tests.browser.eyes import SIZES
from tests.browser.whole_mall import WholeMall

CHROMIUM = "/usr/bin/chromium"
LANGUAGES, THEMES = ("en", "zh"), ("light", "dark")
THUMB_WIDTH_PX = {"phone": 195, "desk": 360, "tv": 384}
COLUMNS = {"phone": 16, "desk": 8, "tv": 8}
CAPTION_PX, GAP_PX = 18, 10
PIN = "2468"


@dataclass(frozen=True, slots=True)
class Shot:
    """One screenshot and what it shows."""

    name: str
    size: str
    language: str
    theme: str
    path: Path


def shoot(page: Page, name: str, folder: Path, address: str) -> list[Shot]:
    """Take the first screen of one page in every look and size; what lies below it scrolls."""
    shots = []
    for language in LANGUAGES:
        page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}", wait_until="load")
        page.evaluate("Promise.all([...document.images].map((one) => one.decode().catch(() => {})))")
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for theme in THEMES:
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                path = folder / f"{name}-{size}-{language}-{theme}.png"
                page.screenshot(path=path, scale="css")
                shots.append(Shot(name, size, language, theme, path))
    return shots


def join(shots: list[Shot], size: str, out: Path) -> Path:
    """Paste the shots of one size onto one sheet, each with its name below."""
    width, height = SIZES[size]
    thumb = (THUMB_WIDTH_PX[size], round(THUMB_WIDTH_PX[size] * height / width))
    step_x, step_y = thumb[0] + GAP_PX, thumb[1] + CAPTION_PX + GAP_PX
    columns = COLUMNS[size]
    rows = -(-len(shots) // columns)
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, rows * step_y + GAP_PX), "#8a8f98")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, shot in enumerate(shots):
        x, y = GAP_PX + place % columns * step_x, GAP_PX + place // columns * step_y
        with Image.open(shot.path) as image:
            sheet.paste(image.convert("RGB").resize(thumb, Image.Resampling.LANCZOS), (x, y))
        pen.text((x, y + thumb[1] + 2), f"{shot.name} {shot.language} {shot.theme}", fill="black", font=font)
    path = out / f"contact-sheet-{size}.png"
    sheet.save(path, optimize=True)
    return path


def pages_of(browser: Browser, url: str, who: tuple[str, str] | None) -> Page:
    """Return a page of a person who is signed in."""
    context = browser.new_context(locale="en-GB")
    if who is not None:
        context.request.post(f"{url}/api/sign-in", data={"email": who[0], "password": who[1]})
    return context.new_page()


def bench_page(browser: Browser, url: str) -> Page:
    """Return a page of the attendant, signed in with the PIN."""
    context = browser.new_context(locale="en-GB")
    context.add_init_script(
        "const wish = new URLSearchParams(location.search).get('lang');"
        "if (wish) localStorage.setItem('language', wish);"
    )
    context.request.post(f"{url}/api/sign-in", data={"pin": PIN})
    return context.new_page()


def make(mall: WholeMall, bench_url: str, out: Path, names: list[str]) -> list[Path]:
    """Take every screenshot into `out` and return the sheets."""
    scene = Scene(mall)
    wanted: dict[str, Seen] = {name: seen for name, seen in PAGES.items() if not names or name in names}
    shots: list[Shot] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        people = {seen.who: pages_of(browser, mall.url, seen.who) for seen in wanted.values()}
        for name, seen in wanted.items():
            shots += shoot(people[seen.who], name, out, mall.url + scene.path(seen))
            print(name, flush=True)
        bench = bench_page(browser, bench_url)
        for name, path in (("bench", "/"), ("bench-check", "/check")) if not names else ():
            shots += shoot(bench, name, out, bench_url + path)
        browser.close()
    return [join([shot for shot in shots if shot.size == size], size, out) for size in SIZES]


def main() -> None:
    """Open a mall, look at every page, close it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for screenshots and sheets")
    parser.add_argument("--page", action="append", default=[], help="only this page; may be given several times")
    wish = parser.parse_args()
    wish.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        mall = WholeMall(Path(folder))
        try:
            mall.wait_open()
            bench_url = f"http://127.0.0.1:{mall.ports.attendant(0)}"
            for sheet in make(mall, bench_url, wish.out, wish.page):
                print(sheet)
        finally:
            mall.close()


if __name__ == "__main__":
    main()
