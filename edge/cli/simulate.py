"""`simulate`: a shop made of software to practise on, with the devices that a configuration names."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_CONFIG, EXIT_FAILED, Config, read_tables, stop
from edge.cli.language import say, teaching
from edge.cli.terminal import progress

app = typer.Typer()

SECTIONS = {
    "pan_tilt": "head",
    "turntable": "turntable",
    "labeller": "labeller",
    "packer": "packer",
    "scanner": "scanner",
}
"""Kind of a device → its section in a world file."""

LIMITS = ("pan_min_deg", "pan_max_deg", "tilt_min_deg", "tilt_max_deg")
PIECES = (
    {
        "id": "teapot",
        "code": "4711",
        "title_zh": "紫砂茶壶",
        "title_en": "Purple clay teapot",
        "kind": "teapot",
        "spot": 3,
    },
    {"id": "bowl", "code": "4713", "title_zh": "建盏", "title_en": "Tea bowl", "kind": "bowl", "spot": 2},
)


@app.command(
    help=teaching(
        """Start simulators of the devices that a configuration names, to practise without touching the shop.

        They speak the devices' real bytes. DIR gets edge.toml, the same shop bound to them; nothing of the real one is
        read but the file. Runs until Ctrl-C. Use --world for a world file of your own.

        Example: vitrine-edge simulate practice --config /etc/vitrine/edge.toml""",
        """按配置启动一套模拟设备，用于练习，不影响店里的设备。

        模拟设备使用真实的通信协议。DIR 中会生成绑定到它们的 edge.toml。Ctrl-C 结束。可用 --world 指定世界文件。

        例：vitrine-edge simulate practice --config /etc/vitrine/edge.toml""",
    )
)
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=say("Where it is put; made if missing", "存放目录"))],
    config: Config = DEFAULT_CONFIG,
    world: Annotated[Path | None, typer.Option("--world", help=say("A world file (TOML)", "世界文件"))] = None,
) -> None:
    """Start the simulators of a shop."""
    tables = read_tables(config)
    if not isinstance(tables.get("device"), dict) or not tables["device"]:
        stop(say(f"{config}: names no device; see check-config", f"{config}：没有设备，见 check-config"), EXIT_CONFIG)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if world is None:
            world = folder / "world.toml"
            world.write_text(to_toml(world_of(tables)), encoding="utf-8")
    except OSError as error:
        stop(
            say(f"{folder}: {error.strerror}; name another folder", f"{folder}：{error.strerror}；请换个目录"),
            EXIT_FAILED,
        )
    command = [sys.executable, "-m", "drivers.simulators", "run", str(world), "--dir", str(folder), "--with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own
        try:
            _serve(process, tables, folder)
        except KeyboardInterrupt:
            process.terminate()
    raise typer.Exit(EXIT_FAILED if process.returncode > 0 else 0)


def _serve(process: "subprocess.Popen[str]", tables: dict[str, Any], folder: Path) -> None:
    assert process.stdout is not None
    with progress(say("starting the simulators", "正在启动模拟设备")):
        line = process.stdout.readline()
    if not line:
        return  # it said on standard error what is wrong
    ready = json.loads(line)
    practice = folder / "edge.toml"
    practice.write_text(to_toml(practice_of(tables, ready)), encoding="utf-8")
    for name, place in ready["ports"].items():
        print(f"{name:<16} {place}")
    print(
        say(
            f"\nA person's hands and faults: {ready['control']} (drivers/simulators/README.md)\n"
            f"In another terminal: vitrine-edge check-config --config {practice}\n"
            f"then enrol and run with the same --config. Ctrl-C here ends the simulators.",
            f"\n人手动作和故障：{ready['control']}（见 drivers/simulators/README.md）\n"
            f"在另一个终端：vitrine-edge check-config --config {practice}\n"
            f"然后用同样的 --config 运行 enrol 和 run。在此按 Ctrl-C 结束模拟。",
        ),
        flush=True,
    )
    process.wait()


def world_of(tables: dict[str, Any]) -> dict[str, Any]:
    """Return a world in which every device of the configuration stands; a few pieces stand before its cameras."""
    viewing = {name: place for name, place in tables.get("viewing", {}).items() if isinstance(place, dict)}
    bench_camera = tables.get("bench", {}).get("camera")
    world: dict[str, Any] = {"world": {"name": "practice", "http_port": 0, "control_port": 0}}
    for name, device in tables["device"].items():
        kind, model = device.get("kind"), device.get("model")
        if model == "none":
            continue
        if kind == "camera":
            place = viewing.get(name, {})
            where = "bench" if name == bench_camera else "turntable" if place.get("turntable") else "front"
            world[f"camera.{name}"] = {"place": where} | ({"head": place["head"]} if place.get("head") else {})
        elif kind == "label_printer":
            world[f"printer.{name}"] = {"language": model}
        elif kind in SECTIONS:
            options = {key: device[key] for key in LIMITS if key in device} if kind == "pan_tilt" else {}
            world[f"{SECTIONS[kind]}.{name}"] = options
    world["piece"] = list(PIECES)
    return world


def practice_of(tables: dict[str, Any], ready: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration bound to the simulators: other places, a data directory of its own, no relay."""
    shop = {**tables.get("shop", {}), "data_dir": "box"}
    shop.pop("id", None)
    practice: dict[str, Any] = {"shop": shop}
    for name in ("attendant", "bench", "webrtc"):
        if name in tables:
            practice[name] = tables[name]
    practice |= {f"viewing.{name}": place for name, place in tables.get("viewing", {}).items()}
    for name, device in tables["device"].items():
        practice[f"device.{name}"] = dict(_bound(name, device, ready))
    return practice


def _bound(name: str, device: dict[str, Any], ready: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a device's options with the simulator's place in them."""
    place = ready["ports"].get(name)
    if place is None:
        yield from device.items()
    elif device.get("kind") == "camera":
        yield from {"kind": "camera", "model": "mjpeg", "url": place, "still_url": ready["stills"][name]}.items()
    else:
        yield from {**device, "address": place}.items()


def to_toml(tables: dict[str, Any]) -> str:
    """Return sections of plain values as TOML; a list of tables becomes an array of tables. JSON's texts are TOML's."""
    lines: list[str] = []
    for name, table in tables.items():
        for part in table if isinstance(table, list) else [table]:
            lines += ["", f"[[{name}]]" if isinstance(table, list) else f"[{name}]"]
            lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in part.items()]
    return "\n".join(lines[1:]) + "\n"
