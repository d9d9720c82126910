"""The turntable spoken to in GRBL 1.1."""

import pytest

from tests.drivers.simulators.running_shop import wait_for


@pytest.fixture
def table(shop):
    with shop.line("turntable") as line:
        line.send(b"\x85~")
        wait_for(lambda: line.status()[0] == "Idle", "the table to rest")
        assert line.ask("G90 G0 X0") == ["ok"]
        wait_for(lambda: line.status()[:2] == ("Idle", (0.0, 0.0, 0.0)), "angle 0")
        yield line


def angle(shop):
    return shop.get("/world")["turntables"]["turntable"]["angle_deg"]


def test_goes_to_an_angle(table, shop):
    assert table.ask("G0 X45") == ["ok"]
    wait_for(lambda: table.status()[:2] == ("Idle", (45.0, 0.0, 0.0)), "45 degrees")
    assert angle(shop) == 45.0


def test_angle_wraps_but_position_counts_on(table, shop):
    assert table.ask("G91") == ["ok"]
    assert table.ask("G0 X-30") == ["ok"]
    wait_for(lambda: table.status()[:2] == ("Idle", (-30.0, 0.0, 0.0)), "-30 degrees")
    assert angle(shop) == 330.0


def test_jog_runs_until_cancelled(table, shop):
    assert table.ask("$J=G91 X3600 F5400") == ["ok"]
    wait_for(lambda: table.status()[1][0] > 5, "the jog to turn")
    assert table.status()[0] == "Jog"
    table.send(b"\x85")
    wait_for(lambda: table.status()[0] == "Idle", "the jog to end")
    rests = angle(shop)
    assert angle(shop) == rests and 5 < rests < 3600


def test_gcode_is_locked_out_while_jogging(table):
    assert table.ask("$J=G91 X3600 F600") == ["ok"]
    assert table.ask("G0 X10") == ["error:9"]
    table.send(b"\x85")


def test_hold_keeps_the_rest_of_the_way(table, shop):
    assert table.ask("G1 X60 F2400") == ["ok"]
    wait_for(lambda: table.status()[1][0] > 3, "the table to turn")
    table.send(b"!")
    wait_for(lambda: table.status()[0] == "Hold:0", "the hold")
    rests = angle(shop)
    assert angle(shop) == rests < 60
    table.send(b"~")
    wait_for(lambda: table.status()[:2] == ("Idle", (60.0, 0.0, 0.0)), "the rest of the way")


@pytest.mark.parametrize(
    ("line", "answer"),
    [("X", "error:2"), ("G99", "error:20"), ("Y5", "error:20"), ("$J=X5", "error:22"), ("$J=G91 G2 X5 F10", "error:16"),
     ("$Q", "error:3"), ("G4", "error:28"), ("G0 X" + "1" * 90, "error:14")],
)  # fmt: skip
def test_errors_have_grbls_numbers(table, line, answer):
    assert table.ask(line) == [answer]


def test_homes_and_lists_its_settings(table):
    assert table.ask("G0 X350") == ["ok"]
    wait_for(lambda: table.status()[0] == "Idle", "350 degrees")
    assert table.ask("$H") == ["ok"]
    assert table.status()[1] == (0.0, 0.0, 0.0)
    assert "$110=5400.000" in table.ask("$$")


def test_truth_tells_when_it_turned_and_stopped(table, shop):
    before = len(shop.events("table_stopped"))
    table.ask("G0 X20")
    wait_for(lambda: len(shop.events("table_stopped")) > before, "the truth")
    assert shop.events("table_stopped")[-1]["at_deg"] == 20.0
