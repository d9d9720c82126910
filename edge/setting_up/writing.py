"""Writes the box's configuration as a technician would: one section a device, a comment for each. Pure."""

import json
from typing import Any

Device = dict[str, Any]

HEAD = """\
# Written by setup; change it by hand as you like, then: vitrine-edge check-config
# 由 setup 生成，可手工修改，然后运行：vitrine-edge check-config
# Every key that exists, with its default, stands in config/edge/teahouse.toml   所有可用的键见该文件
"""

COMMENTS = {
    "camera": "a camera 摄像头",
    "label_printer": "the label printer; widths are of the printable label 标签打印机",
    "scanner": "the attendant's scanner 扫码枪",
    "labeller": "the robot that sticks labels on 贴标机械手",
    "packer": "the packing machine 打包机",
    "pan_tilt": "turns and zooms a camera; its limits are what shoppers may see 云台",
    "turntable": "pieces are shown on it 转台",
}


def configuration(
    shop: dict[str, Any], attendant: dict[str, Any], viewing: dict[str, dict[str, str]], devices: dict[str, Device]
) -> str:
    """Return the TOML; the names of the bench's devices are the roles'."""
    lines = [HEAD, "[shop]", *_keys(shop), "", "[attendant]", *_keys(attendant)]
    if viewing:
        lines += ["", "# Viewing places are named like their camera: that is the name on the merchant's page 看货位"]
    for name, place in viewing.items():
        lines += ["", f"[viewing.{name}]", *_keys(place)]
    bench = {"camera": "bench_camera"} | {
        role: role for role in ("printer", "labeller", "packer", "scanner") if role in devices
    }
    lines += [
        "",
        "# The bench; what is missing here is done by the attendant, who is then asked 工作台，缺少的由店员完成",
    ]
    lines += ["[bench]", *_keys(bench)]
    for name, device in devices.items():
        lines += ["", f"# {COMMENTS[device['kind']]}", f"[device.{name}]", *_keys(device)]
    return "\n".join(lines) + "\n"


def _keys(table: dict[str, Any]) -> list[str]:
    """TOML's basic strings take JSON's escapes; numbers and truth values look alike."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items() if value != ""]
