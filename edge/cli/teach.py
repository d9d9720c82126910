"""`teach`: where cameras look and labels go. Each is given by numbers, or found by steering with the keys."""

from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_FAILED, EXIT_USAGE, AsJson, Config, converse, read_tables, stop
from edge.cli.completing import heads
from edge.cli.language import say, teaching
from edge.cli.terminal import progress

app = typer.Typer()
teach = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=teaching(
        """Teach where cameras look and labels go: spots and faces of pieces, the label's place, safe limits.

        With numbers it is kept at once; without them you steer with the arrow keys and save with s.""",
        """示教：货品的位置和各个面、贴标位置、安全范围。

        给出数值则直接保存；不给数值则用方向键移动，按 s 保存。""",
    ),
)
app.add_typer(teach, name="teach")

VIEW_S = 60.0

Piece = Annotated[str, typer.Argument(help=say("The piece's tag code or id", "货品的标签码或编号"))]
Camera = Annotated[
    str, typer.Option("--camera", help=say("Its camera, for a piece without a spot", "摄像头（尚无位置的货品需指定）"))
]
Pan = Annotated[float | None, typer.Option("--pan", help=say("Degrees to the right", "向右角度"))]
Tilt = Annotated[float | None, typer.Option("--tilt", help=say("Degrees up", "向上角度"))]
Zoom = Annotated[float | None, typer.Option("--zoom", help=say("Magnification, 1 = widest", "放大倍数，1 为最广"))]
Table = Annotated[float | None, typer.Option("--table", help=say("Degrees of the turntable", "转台角度"))]
Here = Annotated[bool, typer.Option("--here", help=say("As it stands now", "以当前位置为准"))]


@teach.command(
    help=teaching(
        """Teach where a piece is seen first.

        Examples: vitrine-edge teach spot 4711
                  vitrine-edge teach spot 4711 --camera front --pan -5.8 --tilt 0 --zoom 3""",
        """示教货品的起始画面。

        例：vitrine-edge teach spot 4711
            vitrine-edge teach spot 4711 --camera front --pan -5.8 --tilt 0 --zoom 3""",
    )
)
def spot(
    piece: Piece,
    camera: Camera = "",
    kind: Annotated[
        str, typer.Option("--kind", help=say("stays, or turntable: it is brought", "stays 固定，turntable 拿到转台"))
    ] = "",
    pan: Pan = None,
    tilt: Tilt = None,
    zoom: Zoom = None,
    table: Table = None,
    here: Here = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Teach where a piece is seen first."""
    _teach_view(config, as_json, _position(pan, tilt, zoom, table), here, piece=piece, camera=camera, kind=kind)


@teach.command(
    help=teaching(
        """Teach a face of a piece: front, back, left, right, top, label, flaw, or one of your own with a --title.

        Examples: vitrine-edge teach face 4712 back
                  vitrine-edge teach face 4712 back --table 180 --zoom 5""",
        """示教货品的一个面：front、back、left、right、top、label、flaw，或用 --title 自定义。

        例：vitrine-edge teach face 4712 back
            vitrine-edge teach face 4712 back --table 180 --zoom 5""",
    )
)
def face(
    piece: Piece,
    name: Annotated[str, typer.Argument(metavar="FACE", help=say("The face's name", "面的名称"))],
    title: Annotated[str, typer.Option("--title", help=say("What shoppers read", "顾客看到的名称"))] = "",
    camera: Camera = "",
    pan: Pan = None,
    tilt: Tilt = None,
    zoom: Zoom = None,
    table: Table = None,
    here: Here = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Teach a face of a piece."""
    told = _position(pan, tilt, zoom, table)
    _teach_view(config, as_json, told, here, piece=piece, face=name, title=title, camera=camera)


@teach.command(
    help=teaching(
        """Set how far a head may ever turn and zoom: nothing beyond is shown to shoppers.

        Kept in the configuration; restart the daemon to put it in force. Without numbers you steer to each side and
        press l, r, u, d or z there; that can only narrow what holds now.

        Examples: vitrine-edge teach limits front_head
                  vitrine-edge teach limits front_head --pan-min -20 --pan-max 20 --zoom-max 12""",
        """设置云台的安全范围：超出部分永远不给顾客看。

        保存在配置文件中，重启守护程序后生效。不给数值时，移动到各边界按 l、r、u、d 或 z；这样只能收窄。

        例：vitrine-edge teach limits front_head
            vitrine-edge teach limits front_head --pan-min -20 --pan-max 20 --zoom-max 12""",
    )
)
def limits(
    head: Annotated[str, typer.Argument(help=say("The head's device name", "云台的设备名"), autocompletion=heads)],
    pan_min: Annotated[float | None, typer.Option(help=say("Farthest left, degrees", "最左，度"))] = None,
    pan_max: Annotated[float | None, typer.Option(help=say("Farthest right", "最右"))] = None,
    tilt_min: Annotated[float | None, typer.Option(help=say("Lowest", "最低"))] = None,
    tilt_max: Annotated[float | None, typer.Option(help=say("Highest", "最高"))] = None,
    zoom_max: Annotated[float | None, typer.Option(help=say("Largest magnification", "最大倍数"))] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Set how far a head may turn."""
    tables = read_tables(config)
    if tables.get("device", {}).get(head, {}).get("kind") != "pan_tilt":
        stop(say(f"there is no head {head!r} in {config}", f"{config} 中没有云台 {head!r}"), EXIT_FAILED)
    told = {
        "pan_min_deg": pan_min, "pan_max_deg": pan_max, "tilt_min_deg": tilt_min, "tilt_max_deg": tilt_max,
        "zoom_max": zoom_max,
    }  # fmt: skip
    options = {key: value for key, value in told.items() if value is not None}
    if not options:
        from edge.cli.steering import find_limits

        places = tables.get("viewing", {})
        camera = next((name for name, place in places.items() if place.get("head") == head), None)
        if camera is None:
            stop(
                say(f"no viewing place uses {head}: give numbers", f"没有看货位使用 {head}：请直接给数值"), EXIT_FAILED
            )
        options = find_limits(config, camera)
    _keep(config, f"device.{head}", options)


@teach.command(
    "label-place",
    help=teaching(
        """Teach where on the parcel the robot presses the label: millimetres of the robot, degrees anticlockwise.

        Kept in the configuration; restart the daemon to put it in force. Without numbers the robot homes, hovers
        above the place and follows the keys; no parcel may be on the bench.

        Examples: vitrine-edge teach label-place
                  vitrine-edge teach label-place --x 360 --y 200 --z -100""",
        """示教机械手贴标位置：毫米（机械手坐标），角度逆时针。

        保存在配置文件中，重启守护程序后生效。不给数值时，机械手回零后悬停并随按键移动；工作台上不能有包裹。

        例：vitrine-edge teach label-place
            vitrine-edge teach label-place --x 360 --y 200 --z -100""",
    ),
)
def label_place(
    x: Annotated[float | None, typer.Option("--x", help=say("First axis, mm", "第一轴，毫米"))] = None,
    y: Annotated[float | None, typer.Option("--y", help=say("Second axis, mm", "第二轴，毫米"))] = None,
    z: Annotated[
        float | None,
        typer.Option("--z", help=say("Height when the cup touches the parcel, mm", "吸盘接触包裹的高度，毫米")),
    ] = None,
    angle: Annotated[float | None, typer.Option("--angle", help=say("Turn of the label, degrees", "标签角度"))] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Teach where the label goes."""
    tables = read_tables(config)
    robot = tables.get("bench", {}).get("labeller", "")
    device = tables.get("device", {}).get(robot, {})
    if not robot or device.get("model") == "none":
        stop(say("this bench has no robot: labels are stuck on by hand", "本店没有贴标机械手，由人工贴标"), EXIT_FAILED)
    told = {"place_x_mm": x, "place_y_mm": y, "place_z_mm": z, "place_angle_deg": angle}
    options = {key: value for key, value in told.items() if value is not None}
    if not options:
        from edge.cli.steering import find_label_place

        options = find_label_place(config, device)
    _keep(config, f"device.{robot}", options)


def _position(
    pan: float | None, tilt: float | None, zoom: float | None, table: float | None
) -> dict[str, float] | None:
    """Return a position when any number was given; the others are the middle."""
    if pan is tilt is zoom is table is None:
        return None
    return {"pan_deg": pan or 0.0, "tilt_deg": tilt or 0.0, "zoom": zoom or 1.0, "table_deg": (table or 0.0) % 360.0}


def _teach_view(config: Path, as_json: bool, position: dict[str, float] | None, here: bool, **facts: str) -> None:
    if position is not None and here:
        stop(say("give numbers or --here, not both", "数值和 --here 只能二选一"), EXIT_USAGE)
    if position is None and not here:
        from edge.cli.steering import find_view

        position = find_view(config, facts["piece"], facts["camera"])
    with progress(say("saving", "正在保存")):
        kept = converse(config, "keep_view", lambda talk: talk.finish(), reply_s=VIEW_S, position=position, **facts)
    _show_view(kept, facts.get("face", ""), as_json)


def _show_view(kept: dict[str, Any], name: str, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps(kept, ensure_ascii=False, indent=1))
        return
    spot = kept["spot"]
    at = next((one["position"] for one in spot["faces"] if one["name"] == name), None) if name else spot["home"]
    what = name or say("spot", "起始画面")
    numbers = "  ".join(f"{key}={value:g}" for key, value in (at or {}).items())
    print(
        say(f"kept: {kept['code']} {what} at {spot['camera']}:", f"已保存：{kept['code']} {what}，{spot['camera']}："),
        numbers,
    )


def _keep(config: Path, section: str, options: dict[str, float]) -> None:
    from edge.cli.toml_edit import EditFailedError, change_file

    if not options:
        stop(say("nothing was marked: nothing is changed", "没有标记任何边界：未作更改"), EXIT_FAILED)
    try:
        change_file(config, section, options)
    except EditFailedError as error:
        stop(str(error), EXIT_FAILED)
    numbers = "  ".join(f"{key} = {value:g}" for key, value in options.items())
    print(f"{config}: [{section}] {numbers}")
    print(say("In force after: sudo systemctl restart vitrine-edge", "重启后生效：sudo systemctl restart vitrine-edge"))
