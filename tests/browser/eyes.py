"""What is checked of every page that a test comes by: axe-core, no sideways scrolling, screenshots to look at."""

import json
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SIZES = {"desk": (1440, 900), "phone": (390, 844), "tv": (1920, 1080)}
NARROWEST = (360, 740)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Eyes:
    """Looks at pages and leaves screenshots in `folder`: at the page's own size, or at every one.

    A picture of a whole page takes a machine without a graphics card its time, and nobody looks at three of each in a
    folder that is thrown away.
    """

    def __init__(self, folder: Path, *, at_every_size: bool) -> None:
        self.folder, self.at_every_size = folder, at_every_size
        folder.mkdir(parents=True, exist_ok=True)
        self.seen: list[str] = []

    def look(self, page: Page, name: str) -> None:
        """Judge the page as it is now, then at every size; its own size is put back."""
        own = page.viewport_size
        assert own is not None
        self.judge(page, name)
        for size, (width, height) in {"narrow": NARROWEST, **SIZES}.items():
            page.set_viewport_size({"width": width, "height": height})
            wide = page.evaluate(
                "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - innerWidth"
            )
            assert wide <= 0, f"{name}: {wide} px wider than a screen of {width} px"
            if size != "narrow" and self.at_every_size:
                self._keep(page, f"{name}-{size}")
        page.set_viewport_size(own)
        if not self.at_every_size:
            self._keep(page, name)
        self.seen.append(name)

    def _keep(self, page: Page, name: str) -> None:
        page.screenshot(path=self.folder / f"{name}.png", full_page=True, scale="css", timeout=60_000)

    def judge(self, page: Page, name: str) -> None:
        """Fail on anything that axe-core finds."""
        judge(page, name)


def judge(page: Page, name: str) -> None:
    """Fail on anything that axe-core finds, whatever it calls it."""
    page.evaluate(f"window.axe || (() => {{ {AXE} }})()")
    found: dict[str, Any] = page.evaluate(
        "(rules) => axe.run(document, { runOnly: { type: 'tag', values: rules }, resultTypes: ['violations'],"
        " preload: false })", RULES
    )  # fmt: skip
    wrong = [
        {"rule": one["id"], "impact": one["impact"], "where": [node["html"][:160] for node in one["nodes"][:4]],
         "why": one["nodes"][0]["failureSummary"]}
        for one in found["violations"]
    ]  # fmt: skip
    assert wrong == [], f"{name}: {json.dumps(wrong, indent=1, ensure_ascii=False)}"
