"""Plots of the benchmark: every line is there, inside its frame, and readable XML."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from bench.figures import Report
from bench.viewing import write
from bench.viewing_memory import growth, memory_mb
from bench.viewing_plot import HEIGHT, WIDTH, cores_svg, delays_svg, shares, step_of

SVG = "{http://www.w3.org/2000/svg}"


def polylines(text):
    """Return the points of each line."""
    found = ET.fromstring(text).iter(f"{SVG}polyline")
    return [[tuple(map(float, pair.split(","))) for pair in line.get("points").split()] for line in found]


def test_delays_rise_from_left_to_right_and_stay_inside():
    text = delays_svg({"ours": [12.0, 10.0, 30.0], "theirs <&>": [50.0, 49.0, 5000.0], "nothing": []})
    drawn = polylines(text)
    assert len(drawn) == 2
    for line in drawn:
        assert [x for x, _ in line] == sorted(x for x, _ in line)
        assert [y for _, y in line] == sorted((y for _, y in line), reverse=True)
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line)
    assert drawn[0][0][0] < drawn[1][0][0]
    assert "theirs &lt;&amp;&gt;" in text


def test_cores_against_viewers():
    one, two = polylines(cores_svg({"ours": [(1, 0.1), (50, 0.4)], "theirs": [(1, 0.5), (3, 1.5)]}))
    assert one[1][0] > two[1][0]
    assert one[1][1] > two[1][1]  # fewer cores stand lower


def test_shares_end_at_one_and_keep_the_ends():
    found = shares([float(number) for number in range(1000)])
    assert (found[0][0], found[-1]) == (0.0, (999.0, 1.0))
    assert len(found) <= 201


@pytest.mark.parametrize("highest", [0.02, 0.4, 1, 3, 7, 50, 440, 5000])
def test_grid_lines_are_few_and_round(highest):
    assert 3 <= highest / step_of(highest) <= 10


def test_a_run_writes_table_and_plots_and_one_without_figures_only_the_table(tmp_path):
    report = Report()
    report.left_out["bottleneck_recovery_s"] = "needs root"
    write(report, tmp_path / "empty")
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["viewing.md"]
    assert "needs root" in (tmp_path / "empty" / "viewing.md").read_text()
    report.values |= {"courses": {"vitrine": {"delays_ms": [1.0, 2.0]}}, "cores": {"vitrine": [(1, 0.1, 30.0)]}}
    write(report, tmp_path)
    assert {path.name for path in tmp_path.glob("viewing*")} == {
        "viewing.md",
        "viewing-delays.svg",
        "viewing-cores.svg",
    }


def test_growth_is_of_the_straight_line():
    flat = [(second * 5.0, 100.0 + second % 2) for second in range(100)]
    assert abs(growth(flat)) < 0.005
    assert growth([(second * 5.0, 100.0 + second * 0.1) for second in range(101)]) == pytest.approx(10 / 105, rel=0.01)


def test_memory_of_a_process_is_read():
    hoards = "import sys; kept = bytearray(b'x') * (64 << 20); print(len(kept), flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hoards]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        assert 64 < memory_mb(process.pid) < 120
        process.stdin.close()
