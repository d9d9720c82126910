"""The GRBL line protocol: lines, reports and numbers, whole and damaged; and a controller that behaves badly."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import BadOptionsError, DeviceOfflineError
from drivers.grbl_link import GrblAlarmError, GrblError, GrblLink, State, encode_line, number, open_link, parse_report
from drivers.labeller import LabelPlace, grbl
from drivers.transport import PipeSilentError, open_pipe
from drivers.turntable import gcode
from tests.drivers.patience import PATIENT_S

numbers = st.floats(-1e6, 1e6)
axes = st.tuples(numbers, numbers, numbers)


@given(numbers)
def test_numbers_are_plain_and_near(value):
    text = number(value)
    assert set(text) <= set("0123456789.-")
    assert float(text) == pytest.approx(value, abs=0.0006)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_position_is_sent_that_is_none(value):
    with pytest.raises(ValueError, match="no position"):
        number(value)


@given(
    st.sampled_from(list(State)),
    st.integers(0, 9),
    axes,
    st.sampled_from(["", "P", "PXYZ"]),
    st.sampled_from(["", "F"]),
)
def test_reports_there_and_back(state, sub, position, pins, accessories):
    where = ",".join(f"{axis:.3f}" for axis in position)
    text = (
        f"<{state}:{sub}|MPos:{where}|FS:0,0"
        + (f"|Pn:{pins}" if pins else "")
        + (f"|A:{accessories}" if accessories else "")
    )
    report = parse_report(text + ">")
    assert (report.state, report.sub_state, report.pins, report.accessories) == (state, sub, pins, accessories)
    assert report.position == pytest.approx(position, abs=0.001)


@pytest.mark.parametrize(
    ("text", "state", "position"),
    [
        ("<Idle|MPos:1.000,2.000,3.000|FS:0,0|WCO:0.000,0.000,0.000>", State.IDLE, (1, 2, 3)),
        ("<Hold:1|MPos:1.0,2.0,3.0|Bf:15,128|FS:0,0>", State.HOLD, (1, 2, 3)),
        ("<Run|WPos:1.0,2.0,3.0|Ov:100,100,100>", State.RUN, None),
        ("<Idle|MPos:5.000>", State.IDLE, (5,)),
    ],
)
def test_reports_of_grbl_and_grblhal(text, state, position):
    report = parse_report(text)
    assert (report.state, report.position) == (state, position)


@given(st.text(max_size=80))
def test_noise_is_no_report(text):
    for candidate in (text, f"<{text}>", f"<Idle|MPos:{text}>"):
        try:
            report = parse_report(candidate)
        except ValueError:
            continue
        assert report.position is None or all(math.isfinite(axis) for axis in report.position)


@given(st.text(max_size=100))
def test_a_line_is_one_line(words):
    try:
        line = encode_line(words)
    except ValueError:
        return
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert not set(line[:-1]) & set(b"?!~\r\x18\x85")
    assert len(line) <= 80


@given(st.floats(-1e4, 1e4), st.floats(0, 360, exclude_max=True))
def test_the_way_to_an_angle_is_the_shorter_one(now, angle):
    words = gcode.encode_turn_to(now, angle, 60)
    target = float(words.removeprefix("$J=G90X").split("F")[0])
    assert abs(target - now) <= 180.001
    assert abs(math.remainder(target - angle, 360)) < 0.002


@given(st.floats(-1, 1).filter(lambda speed: speed != 0))
def test_a_turn_is_bounded_and_never_stands(speed):
    words = gcode.encode_turn(speed, 60)
    way, feed = words.removeprefix("$J=G91X").split("F")
    assert math.copysign(1, float(way)) == math.copysign(1, speed)
    assert abs(float(way)) == gcode.LONGEST_TURN_DEG
    assert 1 <= float(feed) <= 3600


coordinates = st.tuples(st.floats(0, 600), st.floats(0, 400), st.floats(-240, 0))


@given(coordinates)
def test_every_place_in_reach_makes_lines_that_fit(place):
    options = grbl.GrblOptions(address="/dev/x", angle_axis="A")
    where = LabelPlace(x_mm=place[0], y_mm=place[1], z_mm=place[2], angle_deg=-179.999)
    assert grbl.is_in_reach(options, *place)
    lines = [
        *grbl.encode_pick(options),
        *grbl.encode_carry(options, where),
        *grbl.encode_press(options, where),
        *grbl.encode_rest(options),
    ]
    for line in lines:
        encode_line(line)
        height = line.partition("Z")[2].partition("F")[0]
        assert not height or place[2] - 0.001 <= float(height) <= 0 or float(height) >= options.mouth_z_mm


@pytest.mark.parametrize("place", [(601, 0, 0), (0, -1, 0), (0, 0, 1), (0, 0, -241), (math.nan, 0, 0)])
def test_places_out_of_reach(place):
    assert not grbl.is_in_reach(grbl.GrblOptions(address="/dev/x"), *place)


@pytest.mark.parametrize("wrong", [{"angle_axis": "X"}, {"mouth_x_mm": 900.0}, {"press_mm_per_min": 0.0}])
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match=r"angle_axis|mouth|press"):
        grbl.GrblOptions(address="/dev/x", **wrong)


REPORT = b"<Idle|MPos:0.000,0.000,0.000|FS:0,0>\r\n"


class Controller:
    """Answers questions, and lines with `ok` or what `says` holds for them; remembers every byte."""

    def __init__(self, report: bytes = REPORT) -> None:
        self.report = report
        self.says: dict[bytes, bytes] = {}
        self.lines: list[bytes] = []
        self._line = b""

    def answer(self, data: bytes) -> bytes:
        answers = []
        for value in data:
            byte = bytes([value])
            if byte == b"?":
                answers.append(self.report)
            elif byte == b"\n":
                self.lines.append(self._line)
                answers.append(self.says.get(self._line, b"error:1\r\n" if b"@" in self._line else b"ok\r\n"))
                self._line = b""
            elif byte not in b"!~\x18\x85":
                self._line += byte
        return b"".join(answers)


@pytest.fixture
async def link(pty_peer):
    controller = Controller()
    pty_peer.answer = controller.answer
    made = GrblLink(await open_pipe(pty_peer.address, baud=115200), 0.3)
    yield controller, made, pty_peer
    await made.pipe.close()


async def test_a_line_waits_for_its_ok_past_messages(link):
    controller, made, _ = link
    controller.says[b"G0X1"] = b"[MSG:hello]\r\n<Run|MPos:0,0,0>\r\n\r\nok\r\n"
    await made.line("G0X1")
    assert "[MSG:hello]" in made.said


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (b"error:9\r\n", GrblError, "refused"),
        (b"ALARM:1\r\n", GrblAlarmError, "alarm"),
        (b"\r\nGrbl 1.1h ['$' for help]\r\n", GrblAlarmError, "restarted"),
        (b"GrblHAL 1.1f\r\n", GrblAlarmError, "restarted"),
        (b"<Door:0|MPos:0,0,0>\r\n", GrblAlarmError, "door_open"),
        (b"", PipeSilentError, "silent"),
        (b"\xff\xfe\x00", PipeSilentError, "garbled"),
        (b"x" * 3000, PipeSilentError, "garbled"),
    ],
)
async def test_a_line_that_does_not_end_well(link, answer, error, reason):
    controller, made, _ = link
    controller.says[b"G0X1"] = answer
    with pytest.raises(error) as caught:
        await made.line("G0X1")
    assert caught.value.reason == reason


async def test_a_late_ok_is_not_taken_for_the_next_lines(link, eventually):
    controller, made, peer = link
    controller.says[b"G0X1"] = b""
    with pytest.raises(PipeSilentError):
        await made.line("G0X1")
    await peer.send(b"ok\r\n")
    await eventually(lambda: made.pipe._input)
    controller.says[b"G0X2"] = b"error:33\r\n"
    with pytest.raises(GrblError) as caught:
        await made.line("G0X2")
    assert caught.value.code == 33


async def test_a_restart_between_two_lines_is_noticed(link, eventually):
    _, made, peer = link
    await made.line("G0X1")
    await peer.send(b"\r\nGrbl 1.1h ['$' for help]\r\n")
    await eventually(lambda: made.pipe._input)
    with pytest.raises(GrblAlarmError) as caught:
        await made.line("G0X2")
    assert caught.value.reason == "restarted"


async def test_a_controller_that_starts_late_is_waited_for(pty_peer):
    controller, heard = Controller(), []

    def answer(data: bytes) -> bytes:
        heard.append(data)
        return b"" if len(heard) < 3 else controller.answer(data)

    pty_peer.answer = answer
    made, report = await open_link(pty_peer.address, 115200, 0.3, 5.0)
    assert report.state == State.IDLE
    await made.pipe.close()


async def test_a_controller_that_never_starts_is_offline(pty_peer):
    with pytest.raises(DeviceOfflineError):
        await open_link(pty_peer.address, 115200, 0.2, 0.6)


@pytest.mark.parametrize("model", [gcode, grbl])
async def test_a_controller_that_tells_work_positions_is_the_technicians_affair(pty_peer, model):
    pty_peer.answer = Controller(b"<Idle|WPos:0.000,0.000,0.000>\r\n").answer
    options = model.DRIVER.Options(address=pty_peer.address)
    with pytest.raises(BadOptionsError, match=r"\$10=1"):
        await model.DRIVER(options).open()


@pytest.mark.parametrize("state", [b"Idle", b"Run", b"Jog", b"Hold:0", b"Alarm", b"Door:0", b"Home"])
async def test_opening_holding_and_closing_a_labeller_send_no_reset_and_no_motion(pty_peer, state):
    controller = Controller(b"<" + state + b"|MPos:0.000,0.000,0.000|FS:0,0>\r\n")
    pty_peer.answer = controller.answer
    driver = grbl.DRIVER(grbl.GrblOptions(address=pty_peer.address, timeout_s=PATIENT_S))
    await driver.open()
    await driver.status()
    await driver.hold()
    await driver.close()
    assert b"\x18" not in pty_peer.got
    assert b"~" not in pty_peer.got
    assert controller.lines == [b"@"]
