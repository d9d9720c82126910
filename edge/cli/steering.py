"""Steering with the keys: find a view, the sides of the safe limits, or the label's place, and save it."""

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edge.cli.asking import EXIT_FAILED, EXIT_USAGE, ask_daemon, converse, stop
from edge.cli.keys import read_key, single_keys
from edge.cli.language import say
from edge.cli.terminal import draw

if TYPE_CHECKING:
    from edge.control_client import Conversation

MOVE_S = 60.0
"""A move is answered when it has ended; homing the robot takes longest."""

STEPS = {"1": 0.5, "2": 2.0, "3": 10.0}
"""Key → size of a step: degrees or millimetres; a step of zoom is a quarter of it, at most 1×."""

PICTURE_PX, PICTURE_ROWS = 320, 16

VIEW_KEYS = say(
    "arrows: pan and tilt   + -: zoom   [ ]: turntable   1 2 3: fine to coarse   p: picture   s: save   q: leave",
    "方向键：左右上下   + -：变焦   [ ]：转台   1 2 3：步幅   p：看画面   s：保存   q：放弃",
)
LIMIT_KEYS = say(
    "arrows, + -, 1 2 3, p as ever   l r u d: this is the side   z: largest zoom   s: save   q: leave",
    "方向键、+ -、1 2 3、p 同上   l r u d：标记左右上下边界   z：最大倍数   s：保存   q：放弃",
)
PLACE_KEYS = say(
    "arrows: left, right, away, near   + -: up, down   [ ]: turn   1 2 3: fine to coarse   s: save   q: leave",
    "方向键：左右前后   + -：上下   [ ]：旋转   1 2 3：步幅   s：保存   q：放弃",
)

Numbers = dict[str, float]


def _want_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        stop(
            say(
                "steering needs a terminal; without one give numbers (see --help)",
                "移动示教需要终端；没有终端请直接给数值（见 --help）",
            ),
            EXIT_USAGE,
        )


def find_view(config: Path, piece: str, camera: str) -> Numbers:
    """Let the technician steer the piece's camera; returns where it stands when they save."""
    _want_terminal()
    name = camera or ask_daemon(config, "spot_of", piece=piece)["camera"]

    def work(talk: "Conversation") -> Any:
        return _steer(talk, VIEW_KEYS, lambda _key, _at: False)

    return _done(converse(config, "teach", work, reply_s=MOVE_S, camera=name))


def find_limits(config: Path, camera: str) -> Numbers:
    """Let the technician mark each side of what may be seen; returns the options that were marked."""
    _want_terminal()
    sides = {
        "l": ("pan_min_deg", "pan_deg"), "r": ("pan_max_deg", "pan_deg"), "d": ("tilt_min_deg", "tilt_deg"),
        "u": ("tilt_max_deg", "tilt_deg"), "z": ("zoom_max", "zoom"),
    }  # fmt: skip
    marked: Numbers = {}

    def mark(key: str, at: Numbers) -> bool:
        if key not in sides:
            return False
        option, name = sides[key]
        marked[option] = round(at[name], 2)
        print(f"\n{option} = {marked[option]:g}", flush=True)
        return True

    _done(converse(config, "teach", lambda talk: _steer(talk, LIMIT_KEYS, mark), reply_s=MOVE_S, camera=camera))
    return marked


def _steer(talk: "Conversation", keys: str, other: Callable[[str, Numbers], bool]) -> Numbers | None:
    """Steer until saved (returns where it stands) or left (None). `other` takes the keys that this does not know."""
    at: Numbers = talk.hear()["progress"]["at"]
    step = STEPS["2"]
    print(keys)
    with single_keys():
        while True:
            _show(at, step)
            key = read_key()
            if key == "s" or key in ("q", "end"):
                talk.say({"done": True})
                talk.finish()
                print()
                return at if key == "s" else None
            if key in STEPS:
                step = STEPS[key]
            elif key == "p":
                _picture(talk)
            elif not other(key, at):
                wanted = moved(at, key, step)
                if wanted is not None:
                    talk.say({"go_to": wanted})
                    at = talk.hear()["progress"]["at"]


def moved(at: Numbers, key: str, step: float) -> Numbers | None:
    """Return where one key leads from here, None for a key that moves nothing."""
    moves = {
        "left": ("pan_deg", -step), "right": ("pan_deg", step), "up": ("tilt_deg", step), "down": ("tilt_deg", -step),
        "+": ("zoom", min(step / 4, 1.0)), "=": ("zoom", min(step / 4, 1.0)), "-": ("zoom", -min(step / 4, 1.0)),
        "[": ("table_deg", -step), "]": ("table_deg", step),
    }  # fmt: skip
    if key not in moves:
        return None
    name, way = moves[key]
    to = {**at, name: at[name] + way}
    return {**to, "zoom": max(1.0, to["zoom"]), "table_deg": to["table_deg"] % 360.0}


def _picture(talk: "Conversation") -> None:
    talk.say({"still": PICTURE_PX})
    jpeg = base64.b64decode(talk.hear()["progress"]["jpeg"])
    print()
    try:
        for line in draw(jpeg, rows_max=PICTURE_ROWS):
            print(line)
    except ValueError as error:
        print(error)


def _show(at: Numbers, step: float) -> None:
    numbers = "  ".join(f"{name}={value:.2f}" for name, value in at.items())
    print(f"\r\x1b[2K{numbers}  " + say(f"(step {step:g})", f"（步幅 {step:g}）"), end=" ", flush=True)


def _done(at: Numbers | None) -> Numbers:
    if at is None:
        print(say("left: nothing is changed", "已放弃：未作更改"))
        raise typer.Exit(EXIT_FAILED)
    return at


def find_label_place(config: Path, device: dict[str, Any]) -> Numbers:
    """Let the robot hover and follow the keys; returns the options of the place where it is saved."""
    _want_terminal()
    defaults = {"place_x_mm": 360.0, "place_y_mm": 200.0, "place_z_mm": -100.0, "place_angle_deg": 0.0}
    at = {name: float(device.get(name, value)) for name, value in defaults.items()}
    place = converse(config, "hover", lambda talk: _hover(talk, at), reply_s=2 * MOVE_S)
    return _done(place)


def _hover(talk: "Conversation", at: Numbers) -> Numbers | None:
    print(say("the robot homes: keep your hands away", "机械手正在回零：请勿伸手"), flush=True)
    talk.hear()
    step = STEPS["2"]
    at = _hover_at(talk, at)
    print(PLACE_KEYS)
    with single_keys():
        while True:
            _show(at, step)
            key = read_key()
            if key == "s" or key in ("q", "end"):
                talk.say({"done": True})
                talk.finish()
                print()
                return at if key == "s" else None
            if key in STEPS:
                step = STEPS[key]
                continue
            moves = {
                "left": ("place_x_mm", -step), "right": ("place_x_mm", step), "up": ("place_y_mm", step),
                "down": ("place_y_mm", -step), "+": ("place_z_mm", step), "=": ("place_z_mm", step),
                "-": ("place_z_mm", -step), "[": ("place_angle_deg", step), "]": ("place_angle_deg", -step),
            }  # fmt: skip
            if key in moves:
                name, way = moves[key]
                at = _hover_at(talk, {**at, name: at[name] + way})


def _hover_at(talk: "Conversation", at: Numbers) -> Numbers:
    names = {"place_x_mm": "x_mm", "place_y_mm": "y_mm", "place_z_mm": "z_mm", "place_angle_deg": "angle_deg"}
    talk.say({"hover": {short: at[name] for name, short in names.items()}})
    told = talk.hear()["progress"]["at"]
    return {name: told[short] for name, short in names.items()}
