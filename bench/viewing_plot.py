"""Two pictures of one run, as SVG: how late pictures were, and what viewers cost. Pure."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 64, 190, 44, 52
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
"""Okabe and Ito's: told apart by everybody; lines are dashed differently too."""

DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "1 2", "12 4")
STYLE = """\
text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}.line{fill:none;stroke-width:2.2}
.grid{stroke:#ccc;stroke-width:1}rect{fill:#fff}
@media (prefers-color-scheme:dark){text{fill:#eee}rect{fill:#16181d}.grid{stroke:#444}}"""

Points = Sequence[tuple[float, float]]


def delays_svg(delays_ms: Mapping[str, Sequence[float]]) -> str:
    """Return the share of pictures that were seen within so many milliseconds, a line for each system."""
    lines = {name: shares(values) for name, values in delays_ms.items() if values}
    middle = sorted(value for values in delays_ms.values() for value in values)
    widest = middle[ceil(len(middle) * 0.98) - 1] if middle else 1.0
    return chart("Glass to glass: share of pictures seen within", "milliseconds", "share of pictures", lines, widest, 1)


def cores_svg(cores: Mapping[str, Points]) -> str:
    """Return processor against viewers, a line for each system."""
    widest = max((viewers for points in cores.values() for viewers, _ in points), default=1.0)
    highest = max((used for points in cores.values() for _, used in points), default=1.0)
    return chart("Server: processor against viewers", "viewers", "cores", cores, widest, highest)


def shares(values: Sequence[float], steps: int = 200) -> list[tuple[float, float]]:
    """Return (value, share of values that do not exceed it), thinned out to `steps` points."""
    ranked = sorted(values)
    chosen = sorted({min(round(step * len(ranked) / steps), len(ranked) - 1) for step in range(steps + 1)})
    return [(ranked[place], (place + 1) / len(ranked)) for place in chosen]


def step_of(highest: float) -> float:
    """Return a round distance of grid lines: about five of them up to `highest`."""
    power = 1.0
    while power * 10 <= highest / 5:
        power *= 10
    while power > highest / 5:
        power /= 10
    return next((power * times for times in (1, 2, 5) if power * times >= highest / 6), power * 10)


def chart(title: str, across: str, up: str, lines: Mapping[str, Points], widest: float, highest: float) -> str:
    """Return one chart; what lies beyond its edges is cut off there."""
    widest, highest = max(widest, 1e-9), max(highest, 1e-9)

    def x_of(value: float) -> float:
        return LEFT + min(max(value / widest, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - min(max(value / highest, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM)

    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
    ]
    for number in range(int(widest / step_of(widest)) + 1):
        at = x_of(number * step_of(widest))
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        words = f"{number * step_of(widest):g}"
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{words}</text>')
    for number in range(int(highest / step_of(highest)) + 1):
        at = y_of(number * step_of(highest))
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        words = f"{number * step_of(highest):.3g}"
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{words}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>')
    parts.append(f'<text x="14" y="{TOP - 8}">{escape(up)}</text>')
    for number, (name, points) in enumerate(lines.items()):
        parts += _line(number, name, [(x_of(x), y_of(y)) for x, y in points])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _line(number: int, name: str, points: Points) -> list[str]:
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    drawn = f'class="line" stroke="{colour}" stroke-dasharray="{dash}"'
    way, left, top = " ".join(f"{x:.1f},{y:.1f}" for x, y in points), WIDTH - RIGHT + 14, TOP + 14 + 22 * number
    return [
        f'<polyline {drawn} points="{way}"/>',
        f'<line {drawn} x1="{left}" x2="{left + 26}" y1="{top}" y2="{top}"/>',
        f'<text x="{left + 32}" y="{top + 4}">{escape(name)}</text>',
    ]
