"""The program itself: what it says, how it ends, and that its truth only ever grows."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.simulators.plan import BadPlanError, load_plan
from tests.drivers.simulators.label_bytes import drawn_label, escpos_label
from tests.drivers.simulators.running_shop import MACHINES, ShopProcess, wait_for

ROOT = Path(__file__).parents[3]


def test_says_where_it_is_serves_and_ends_with_its_parent(start_shop):
    shop = start_shop(kind=ShopProcess)
    assert shop.description["ready"] is True
    assert json.loads((shop.folder / "ports.json").read_text()) == shop.description
    assert set(shop.ports) == {"front_head", "turntable", "labeller", "scanner", "packer", "printer"}
    assert Path(shop.ports["labeller"]) == shop.folder / "dev" / "labeller"
    with shop.line("labeller") as line:
        assert line.status()[0] == "Alarm"
    assert shop.stop() == 0
    assert not (shop.folder / "dev" / "labeller").is_symlink()


def test_ends_on_sigterm_and_truth_goes_on_in_the_next_run(start_shop):
    first = start_shop(kind=ShopProcess)
    with first.line("printer") as line:
        line.send(escpos_label(drawn_label()))
        wait_for(first.labels, "a label")
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(30) == 0
    before = (first.folder / "truth.jsonl").read_bytes()
    again = start_shop(kind=ShopProcess)
    with again.line("printer") as line:
        line.send(escpos_label(drawn_label(2)))
        wait_for(lambda: len(again.labels()) == 2, "the second label")
    after = (again.folder / "truth.jsonl").read_bytes()
    assert after.startswith(before)
    numbers = [json.loads(line)["n"] for line in after.splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [label["no"] for label in again.labels()] == [1, 2]


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        (MACHINES + "[camera.front]\nplace = 'roof'\n", "roof"),
        (MACHINES + "[camera.front]\nplace = 'front'\nhead = 'neck'\n", "neck"),
        (MACHINES.replace("job_s = 0.3", "job_s = 'soon'"), "job_s"),
        (MACHINES.replace("job_s = 0.3", "jobs = 3"), "jobs"),
        (MACHINES + "[elevator.one]\n", "elevator"),
        (MACHINES.replace('id = "caddy"\n', ""), "[[piece]]"),
        ("not toml", "line 1"),
    ],
)
def test_a_wrong_world_is_named(tmp_path, spoilt, named):
    path = tmp_path / "world.toml"
    path.write_text(spoilt, encoding="utf-8")
    with pytest.raises(BadPlanError) as error:
        load_plan(path)
    assert named in str(error.value) and str(path) in str(error.value)


def test_a_wrong_world_ends_the_program_with_one_line(tmp_path):
    command = [sys.executable, "-m", "drivers.simulators", "run", str(tmp_path / "none.toml"), "--dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "none.toml" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["teahouse", "studio"])
def test_example_worlds_are_good(name):
    plan = load_plan(ROOT / "config" / "simulators" / f"{name}.toml")
    assert len(plan.pieces) == 6 and len({piece.code for piece in plan.pieces}) == 6
    assert all(piece.engraving and piece.title_zh and piece.title_en for piece in plan.pieces)


def test_control_names_what_is_wrong(shop):
    assert shop.post("/hands", {"act": "juggle"})[0] == 400
    assert shop.post("/hands", {"act": "carry"})[0] == 400
    assert shop.post("/faults", {"device": "printer", "fault": "jam"})[0] == 400
    assert shop.post("/faults", {"device": "toaster", "fault": "jam"})[0] == 400
    assert shop.post("/hands", {"act": "stick_label"})[0] == 409
    assert shop.post("/nothing", {})[0] == 404
    assert shop.get("/truth?last=3")
