"""Teaching beside a running shop: by numbers, and by steering at a terminal; and the file that keeps the options."""

import tomllib
from pathlib import Path

import pytest

from edge.cli.steering import moved
from edge.cli.toml_edit import EditFailedError, change_file, set_options
from tests.edge.cli.conftest import ROOT, Shop, Terminal, wait_for
from wire.reports import FacesTaught, decode_report

pytestmark = pytest.mark.timeout(900)


def taught(shop: Shop) -> list[FacesTaught]:
    return [decode_report(one.type, one.data) for one in shop.relay.reports if one.type == "FacesTaught"]


def test_a_spot_by_numbers_reaches_the_plan_and_the_relay(shop: Shop):
    before = len(taught(shop))
    kept = shop.json("teach", "spot", "4711", "--pan", "-5.5", "--tilt", "2", "--zoom", "3")
    assert kept["spot"]["home"] == {"pan_deg": -5.5, "tilt_deg": 2.0, "zoom": 3.0, "table_deg": 0.0}
    told = wait_for(lambda: taught(shop)[before:], "the report")[0]
    assert (told.piece_id, told.camera, told.home.zoom) == ("pie_4711", "front", 3.0)
    again = shop.json("teach", "face", "4711", "flaw", "--zoom", "6")
    assert again["spot"]["home"]["pan_deg"] == -5.5, "the plan in force kept what was taught before"
    assert [face["name"] for face in again["spot"]["faces"]] == ["flaw"]


def test_what_may_not_be_taught_is_refused_with_what_to_do(shop: Shop):
    beyond = shop.run("teach", "spot", "4711", "--pan", "179")
    assert beyond.returncode == 1 and "safe limits" in beyond.stderr and "teach limits" in beyond.stderr
    assert "安全范围" in shop.run("teach", "spot", "4711", "--pan", "179", LANG="zh_CN.UTF-8").stderr
    nobody = shop.run("teach", "spot", "9999", "--pan", "1")
    assert nobody.returncode == 1 and "4711, 4712, 4713" in nobody.stderr
    homeless = shop.run("teach", "spot", "4713", "--pan", "1")
    assert homeless.returncode == 1 and "--camera" in homeless.stderr
    moved_away = shop.run("teach", "spot", "4711", "--camera", "table", "--pan", "1")
    assert moved_away.returncode == 1 and "merchant" in moved_away.stderr
    blind = shop.run("teach", "face", "4712", "back")
    assert blind.returncode == 2 and "numbers" in blind.stderr


def test_a_face_is_found_by_steering_and_saved(shop: Shop):
    before = len(taught(shop))
    keys = Terminal("teach", "face", "4712", "back", "--config", str(shop.config))
    keys.see(r"table_deg=0\.00")
    keys.press("3]")
    keys.see(r"step 10")
    keys.see(r"table_deg=10\.")
    keys.press("\x1b[C")
    keys.see(r"pan_deg=(9|10)\.")
    keys.press("s")
    keys.see("kept: 4712 back")
    assert keys.end() == 0
    told = wait_for(lambda: taught(shop)[before:], "the report")[0]
    face = next(face for face in told.faces if face.name == "back")
    assert face.position.table_deg == pytest.approx(10, abs=0.5)
    assert face.position.pan_deg == pytest.approx(10, abs=0.5)
    left = Terminal("teach", "face", "4712", "back", "--config", str(shop.config))
    left.see("table_deg=")
    left.press("q")
    left.see("nothing is changed")
    assert left.end() == 1


def test_limits_and_the_labels_place_are_kept_in_the_configuration(shop: Shop, tmp_path: Path):
    text = shop.config.read_text()
    try:
        narrowed = shop.run("teach", "limits", "front_head", "--pan-min", "-20", "--zoom-max", "12")
        assert narrowed.returncode == 0 and "restart" in narrowed.stdout
        placed = shop.run("teach", "label-place", "--x", "350.5")
        assert placed.returncode == 0, placed.stderr
        tables = tomllib.loads(shop.config.read_text())["device"]
        assert (tables["front_head"]["pan_min_deg"], tables["front_head"]["zoom_max"]) == (-20.0, 12.0)
        assert tables["labeller"]["place_x_mm"] == 350.5
        crossed = shop.run("teach", "limits", "front_head", "--pan-max", "-50")
        assert crossed.returncode == 1 and "pan_min_deg" in crossed.stderr and "nothing was changed" in crossed.stderr
        assert tomllib.loads(shop.config.read_text())["device"] == tables
    finally:
        shop.config.write_text(text)
    assert shop.run("teach", "limits", "printer", "--pan-min", "1").returncode == 1


def test_the_labels_place_is_found_with_the_robot_hovering(shop: Shop):
    text = shop.config.read_text()
    keys = Terminal("teach", "label-place", "--config", str(shop.config))
    try:
        keys.see("keep your hands away")
        keys.see(r"place_x_mm=360\.00")
        keys.press("3\x1b[C")
        keys.see(r"place_x_mm=370\.00")
        keys.press("s")
        keys.see("place_x_mm = 370")
        assert keys.end() == 0
        assert tomllib.loads(shop.config.read_text())["device"]["labeller"]["place_x_mm"] == 370.0
    finally:
        shop.config.write_text(text)


def test_one_key_leads_one_step():
    at = {"pan_deg": 0.0, "tilt_deg": 0.0, "zoom": 1.0, "table_deg": 355.0}
    assert moved(at, "left", 2.0) == {**at, "pan_deg": -2.0}
    assert moved(at, "]", 10.0) == {**at, "table_deg": 5.0}
    assert moved(at, "-", 10.0) == at
    assert moved(at, "+", 10.0) == {**at, "zoom": 2.0}
    assert moved(at, "x", 2.0) is None


def test_an_option_is_set_and_all_else_stays():
    text = (ROOT / "config/edge/teahouse.toml").read_text()
    changed = set_options(text, "device.front_head", {"pan_min_deg": -20.5, "head_number": 2, "address": 'tcp://a"b:1'})
    before, after = tomllib.loads(text), tomllib.loads(changed)
    assert after["device"]["front_head"] == {
        **before["device"]["front_head"], "pan_min_deg": -20.5, "head_number": 2, "address": 'tcp://a"b:1',
    }  # fmt: skip
    after["device"]["front_head"] = before["device"]["front_head"]
    assert after == before
    assert "farthest left that shoppers may see" in next(
        line for line in changed.splitlines() if line.startswith("pan_min_deg = -20.5")
    )
    assert len(changed.splitlines()) == len(text.splitlines())
    with pytest.raises(EditFailedError, match="by hand"):
        set_options(text, "device.attic", {"pan_min_deg": 1.0})


def test_a_file_that_could_not_be_used_is_never_written(tmp_path: Path):
    config = tmp_path / "shop.toml"
    config.write_text((ROOT / "config/edge/teahouse.toml").read_text())
    before = config.read_bytes()
    with pytest.raises(EditFailedError, match="zoom_max"):
        change_file(config, "device.front_head", {"zoom_max": 99.0})
    assert config.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["shop.toml"]
