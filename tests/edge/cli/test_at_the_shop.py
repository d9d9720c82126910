"""Every command that reaches the daemon, as a real process beside a running shop."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.edge.cli.conftest import SLOW_S, Shop, Terminal, wait_for

pytestmark = pytest.mark.timeout(900)

ESCAPE = "\x1b["


def test_devices_tell_role_driver_address_state_and_last_answer(shop: Shop):
    rows = {row["device"]: row for row in shop.json("devices")}
    printer = rows["printer"]
    assert printer["roles"] == ["bench.printer"] and printer["driver"] == "label_printer.escpos"
    assert printer["address"] == shop.world.facts["ports"]["printer"] and printer["health"] == "online"
    assert 0 <= printer["answered_ago_s"] < SLOW_S
    assert rows["turntable"]["roles"] == ["viewing.table.turntable"]
    shown = shop.run("devices")
    assert "bench.printer" in shown.stdout and "s ago" in shown.stdout
    is_well = all(" online " in line for line in shown.stdout.splitlines()[1:] if line.strip())
    assert shown.returncode == int(not is_well), shown.stdout
    assert ESCAPE not in shown.stdout
    assert "设备" in shop.run("devices", LANG="zh_CN.UTF-8").stdout.splitlines()[0]


def test_devices_are_watched_live_until_interrupted(shop: Shop):
    live = Terminal("devices", "--watch", "--config", str(shop.config))
    live.see("printer.*online")
    shop.world.post("/faults", device="printer", fault="cover_open", on=True)
    try:
        live.see("needs attendant .cover_open")
    finally:
        shop.world.post("/faults", device="printer", fault="cover_open", on=False)
        shop.world.post("/hands", act="close_cover")
    live.see("printer.*online")
    live.press("\x03")
    assert live.end() == 0


def test_colours_come_on_a_terminal_and_nowhere_else(shop: Shop):
    coloured = Terminal("devices", "--config", str(shop.config))
    coloured.see(re.escape(ESCAPE + "32m") + "online")
    coloured.end()
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = Terminal("devices", "--config", str(shop.config), **environment)
        plain.see("online")
        plain.end()
        assert ESCAPE not in plain.shown
    assert ESCAPE not in shop.run("devices", "--config", str(shop.config), FORCE_COLOR="1").stdout


def test_a_camera_is_looked_through_to_a_file(shop: Shop, tmp_path: Path):
    file = tmp_path / "front.jpg"
    told = wait_for(lambda: (one := shop.run("camera", "look", "front", "--out", str(file))).stdout and one, "a still")
    assert told.returncode == 0 and "2560 x 1440" in told.stdout
    with Image.open(file) as picture:
        assert picture.size == (2560, 1440)
    nowhere = shop.run("camera", "look", "front", "--out", str(tmp_path / "no" / "a.jpg"))
    assert nowhere.returncode == 1 and "--out" in nowhere.stderr
    unknown = shop.run("camera", "look", "attic", "--out", str(file))
    assert unknown.returncode == 1 and "front, table, bench" in unknown.stderr
    pipe = shop.run("camera", "look", "front")
    assert pipe.returncode == 2 and "--out" in pipe.stderr and pipe.stdout == ""


def test_a_camera_is_drawn_in_the_terminal(shop: Shop, tmp_path: Path):
    file = tmp_path / "front.jpg"
    wait_for(lambda: shop.run("camera", "look", "front", "--out", str(file)).returncode == 0, "a camera that answers")
    drawn = Terminal("camera", "look", "front", "--config", str(shop.config), COLORTERM="truecolor")
    drawn.see(re.escape(ESCAPE) + r"38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+m▀")
    drawn.see("front  2560 x 1440")
    assert drawn.end() == 0
    signs = Terminal("camera", "look", "front", "--config", str(shop.config), NO_COLOR="1")
    signs.see("front  2560 x 1440")
    assert signs.end() == 0 and "▀" not in signs.shown


def test_the_privacy_switch_holds_for_the_technician_too(shop: Shop, tmp_path: Path):
    shop.daemon.sign_in()
    shop.daemon.page.post("/api/privacy", json={"switch": "on"}).raise_for_status()
    try:
        refused = shop.run("camera", "look", "front", "--out", str(tmp_path / "a.jpg"))
        assert refused.returncode == 1 and "privacy switch" in refused.stderr
        zh = shop.run("camera", "look", "front", "--out", str(tmp_path / "a.jpg"), LANG="zh_CN.UTF-8")
        assert "隐私开关" in zh.stderr
    finally:
        shop.daemon.page.post("/api/privacy", json={"switch": "off"}).raise_for_status()


def test_the_printer_says_how_it_is_and_what_to_do(shop: Shop):
    ready = wait_for(lambda: (one := shop.run("printer", "status")).returncode == 0 and one, "a ready printer")
    assert "ready" in ready.stdout and "mm" in ready.stdout
    shop.world.post("/faults", device="printer", fault="paper_out", on=True)
    try:
        empty = wait_for(lambda: (one := shop.run("printer", "status")).returncode and one, "paper out")
        assert "new roll" in empty.stdout
        assert shop.json("printer", "status")["reason"] == "paper_out"
        refused = shop.run("printer", "label")
        assert refused.returncode == 1 and "new roll" in refused.stderr
    finally:
        shop.world.post("/faults", device="printer", fault="paper_out", on=False)
        shop.world.post("/hands", act="refill")
    wait_for(lambda: shop.run("printer", "status").returncode == 0, "paper in again")


def test_a_test_label_is_printed_and_names_itself(shop: Shop):
    told = shop.run("printer", "label")
    assert told.returncode == 0, told.stderr
    code = re.search(r"VITRINE-CHECK-\w+", told.stdout)
    printed = json.loads((shop.world.folder / "labels_printed.json").read_text())[-1]
    assert code and code[0] in printed["codes"]
    shop.world.post("/hands", act="peel_label", **{"from": "mouth"})


def test_the_bench_is_kept_clear_until_the_test_label_was_taken(shop: Shop):
    asking = Terminal("printer", "label", "--config", str(shop.config))
    asking.see("press Enter")
    shop.world.post("/hands", act="peel_label", **{"from": "mouth"})
    asking.press("\n")
    assert asking.end() == 0
