"""The labelling robot in GRBL 1.1: where the label ends up, and everything that may go wrong on the way."""

import pytest

from tests.drivers.simulators.label_bytes import drawn_label, escpos_label
from tests.drivers.simulators.running_shop import wait_for

PICK = ("G0 X60 Y200", "G0 Z-40", "M8", "G4 P0.05", "G0 Z0")
PRESS = ("G0 X360 Y200", "G0 Z-103", "M9", "G0 Z0", "G4 P0.01")


@pytest.fixture
def shop(start_shop):
    return start_shop()


@pytest.fixture
def robot(shop):
    with shop.line("labeller") as line:
        yield line


def do(robot, *lines):
    for line in lines:
        assert robot.ask(line) == ["ok"], line


def print_label(shop, number=1):
    before = len(shop.labels())
    with shop.line("printer") as printer:
        printer.send(escpos_label(drawn_label(number)))
        wait_for(lambda: len(shop.labels()) > before, "the label")


def packed(shop):
    shop.hands("carry", piece="caddy", to="bench")
    shop.hands("pack")


def test_is_locked_until_homed(robot):
    assert robot.status()[0] == "Alarm"
    assert robot.ask("G0 X10") == ["error:9"]
    do(robot, "$H")
    assert robot.status()[:2] == ("Idle", (0.0, 0.0, 0.0))


def test_carries_the_label_that_waits_onto_the_parcel(shop, robot):
    packed(shop)
    print_label(shop)
    do(robot, "$H", *PICK)
    assert "|Pn:P|A:F>" in robot.status()[2]
    assert shop.labels()[0]["where"] == "cup"
    do(robot, *PRESS)
    assert "Pn" not in robot.status()[2] and "A:" not in robot.status()[2]
    (label,) = shop.labels()
    assert label["where"] == "parcel" and label["parcel"] == 1 and label["applied_at"]
    assert abs(shop.events("label_applied")[0]["x_mm"]) < 1


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ((*PICK, "G0 X360 Y200", "G0 Z-80", "M9"), "in the air above the parcel"),
        ((*PICK, "G0 X200 Y200", "M9"), "on the way"),
        ((*PICK, "G0 X560 Y390", "G0 Z-240", "M9"), "beside the parcel"),
    ],
)
def test_label_falls_where_the_vacuum_goes_too_early(shop, robot, way, why):
    packed(shop)
    print_label(shop)
    do(robot, "$H", *way)
    assert shop.labels()[0]["where"] == "floor", why
    assert shop.labels()[0]["applied_at"] is None


@pytest.mark.parametrize("way", [("G0 X60 Y200", "M8"), ("G0 X70 Y200", "G0 Z-40", "M8")])
def test_does_not_pick_where_the_label_is_not(shop, robot, way):
    print_label(shop)
    do(robot, "$H", *way)
    assert "Pn" not in robot.status()[2] and shop.labels()[0]["where"] == "mouth"


def test_picks_nothing_when_nothing_waits(robot):
    do(robot, "$H", *PICK)
    assert "Pn" not in robot.status()[2]


def test_soft_limits_and_crash(shop, robot):
    packed(shop)
    do(robot, "$H")
    assert robot.ask("$J=G91 X700 F9000") == ["error:15"]
    assert robot.ask("G0 X700") == ["ALARM:2", "error:9"]
    do(robot, "$H", "G0 X360 Y200")
    assert robot.ask("G0 Z-150")[-1] == "ok"
    assert robot.until(b"\r\n") == b"ALARM:1\r\n"
    state, place, _report = robot.status()
    assert state == "Alarm" and place[2] == pytest.approx(-112, abs=0.01)


def test_feed_hold_keeps_the_place_and_the_label(shop, robot):
    packed(shop)
    print_label(shop)
    do(robot, "$H", *PICK, "G1 X360 Y200 F3000")
    wait_for(lambda: robot.status()[1][0] > 80, "the way to the parcel")
    robot.send(b"!")
    wait_for(lambda: robot.status()[0] == "Hold:0", "the hold")
    place = robot.status()[1]
    assert robot.status()[1] == place and shop.labels()[0]["where"] == "cup"
    robot.send(b"~")
    do(robot, *PRESS)
    assert shop.labels()[0]["where"] == "parcel"


def test_reset_in_motion_loses_place_and_label(shop, robot):
    print_label(shop)
    do(robot, "$H", *PICK, "G1 X360 Y200 F600")
    wait_for(lambda: robot.status()[0] == "Run", "motion")
    robot.send(b"\x18")
    assert b"ALARM:3" in robot.until(b"to unlock]\r\n")
    assert shop.labels()[0]["where"] == "floor"
    assert robot.ask("G0 X0") == ["error:9"]


def test_emergency_stop_latches_until_a_person_releases_it(shop, robot):
    do(robot, "$H", "G1 X300 Y200 F600")
    wait_for(lambda: robot.status()[1][0] > 1, "motion")
    shop.fault("labeller", "emergency_stop")
    assert robot.until(b"\r\n") == b"ALARM:10\r\n"
    place = robot.status()[1]
    assert robot.ask("$X") == ["error:79"] and robot.ask("$H") == ["error:79"] and robot.ask("G0 X0") == ["error:9"]
    assert robot.status()[1] == place
    shop.hands("release_stop")
    do(robot, "$H")


def test_wrong_label_comes_from_somewhere_else(shop, robot):
    packed(shop)
    print_label(shop)
    shop.fault("labeller", "wrong_label")
    do(robot, "$H", *PICK, *PRESS)
    printed, stray = shop.labels()
    assert printed["where"] == "mouth" and stray["where"] == "parcel" and stray["stray"]
    assert stray["codes"] and stray["codes"] != printed["codes"]


def test_two_labels_stick_beside_each_other(shop, robot):
    packed(shop)
    print_label(shop)
    shop.fault("labeller", "two_labels")
    do(robot, "$H", *PICK, *PRESS)
    printed, stray = shop.labels()
    assert printed["where"] == stray["where"] == "parcel" and stray["stray"] and not printed["stray"]


def test_lost_label(shop, robot):
    packed(shop)
    print_label(shop)
    shop.fault("labeller", "lose_label")
    do(robot, "$H", *PICK, *PRESS)
    assert shop.labels()[0]["where"] == "floor" and shop.events("label_lost")


def test_planner_answers_before_the_move_ends_and_dwell_after(robot):
    do(robot, "$H", "G1 X300 Y0 F6000")
    assert robot.status()[0] == "Run"
    do(robot, "G4 P0.01")
    assert robot.status()[:2] == ("Idle", (300.0, 0.0, 0.0))


def test_three_axes_only(robot):
    do(robot, "$H")
    assert robot.ask("G0 X10 A90") == ["error:20"]
