"""The roles that devices of a shop have, and which drivers may fill them. Pure."""

from dataclasses import dataclass

from wire.plan import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role: `models` are tried in this order; `may_lack`: a person can do its work."""

    key: str
    kind: str
    models: tuple[str, ...]
    text: Text
    why: Text
    may_lack: bool = True
    hints: tuple[str, ...] = ()


def _role(key: str, kind: str, models: str, text: Text, why: Text, hints: str, *, may_lack: bool = True) -> Role:
    return Role(
        key=key, kind=kind, models=tuple(models.split()), text=text, why=why, may_lack=may_lack,
        hints=tuple(hints.split()),
    )  # fmt: skip


PRINTER = _role(
    "printer", "label_printer", "escpos zpl", Text(en="Label printer", zh="标签打印机"),
    Text(en="It is asked how it is in ESC/POS, then in ZPL; whichever it answers is its language. Nothing is printed.",
         zh="先用 ESC/POS 再用 ZPL 查询状态，以能应答者为准；不会打印。"),
    "printer label zebra epson lp", may_lack=False,
)  # fmt: skip
BENCH_CAMERA = _role(
    "bench_camera", "camera", "mjpeg opencv", Text(en="Camera above the bench", zh="工作台上方的摄像头"),
    Text(en="It reads the label back off each parcel and takes the photo that the shopper is asked about.",
         zh="用于读回包裹上的标签，并拍摄发给买家确认的照片。"), "bench", may_lack=False,
)  # fmt: skip
SCANNER = _role(
    "scanner", "scanner", "serial", Text(en="Scanner", zh="扫码枪"),
    Text(en="A serial one (USB-COM), suffix CR. Without one, codes are typed on the attendant's page.",
         zh="串口模式（USB-COM），后缀为回车。没有则在店员页面上手工输入。"), "scanner barcode symbol honeywell",
)  # fmt: skip
LABELLER = _role(
    "labeller", "labeller", "grbl", Text(en="Labelling robot", zh="贴标机械手"),
    Text(en="It is only asked how it is; it does not move. Without one, the attendant sticks labels on.",
         zh="只查询状态，不会动作。没有则由店员手工贴标。"), "labeller grbl robot",
)  # fmt: skip
PACKER = _role(
    "packer", "packer", "modbus", Text(en="Packing machine (tcp://address:502)", zh="打包机（tcp://地址:502）"),
    Text(en="Its registers are read; nothing is packed. Without one, the attendant packs.",
         zh="只读取寄存器，不会打包。没有则由店员打包。"), "packer",
)  # fmt: skip
BENCH_ROLES = (PRINTER, BENCH_CAMERA, SCANNER, LABELLER, PACKER)


def viewing_camera(name: str) -> Role:
    """Return the role of a viewing place's camera."""
    return _role(
        f"viewing.{name}.camera", "camera", "mjpeg opencv",
        Text(en=f"Viewing camera “{name}”", zh=f"看货摄像头“{name}”"),
        Text(en="Shoppers look through it.", zh="买家通过它看货。"), name, may_lack=False,
    )  # fmt: skip


def viewing_head(name: str) -> Role:
    """Return the role of the head under a viewing camera."""
    return _role(
        f"viewing.{name}.head", "pan_tilt", "visca", Text(en=f"Pan-tilt head of “{name}”", zh=f"“{name}”的云台"),
        Text(en="It turns and zooms that camera. Its limits can be taught later.", zh="转动并变焦；限位可稍后设定。"),
        f"{name}_head head visca",
    )  # fmt: skip


def viewing_table(name: str) -> Role:
    """Return the role of the turntable under a viewing camera."""
    return _role(
        f"viewing.{name}.turntable", "turntable", "gcode", Text(en=f"Turntable of “{name}”", zh=f"“{name}”的转台"),
        Text(en="Pieces are brought to it. It is only asked for its angle now.", zh="用于展示货品；现在只查询角度。"),
        "turntable table" if name == "table" else f"{name}_table",
    )  # fmt: skip
