"""VISCA's bytes: frames, commands, replies and the lens table. Pure.

Source: Sony EVI-D70/D70P technical manual, "VISCA/RS-232C Command List"; section names stand beside the bytes. Frames
are equal to those of the independent encoder visca-over-ip 0.5.2 (tests/captures).
"""

from dataclasses import dataclass
from itertools import pairwise

END = b"\xff"
ADDRESS_SET = b"\x88\x30\x01\xff"
IF_CLEAR = b"\x01\x00\x01"
POWER_INQUIRY = b"\x09\x04\x00"
POSITION_INQUIRY = b"\x09\x06\x12"
ZOOM_INQUIRY = b"\x09\x04\x47"
DRIVE_STOP = b"\x01\x06\x01\x01\x01\x03\x03"
ZOOM_STOP = b"\x01\x04\x07\x00"
# lens table of the manual, "Zoom ratio and zoom position": 1× … 18×, straight lines between
EVI_D70_LENS = (
    0x0000, 0x1606, 0x2151, 0x2860, 0x2CB5, 0x3060, 0x32D3, 0x3545, 0x3727, 0x38A9,
    0x3A42, 0x3B4B, 0x3C85, 0x3D75, 0x3E4E, 0x3EF7, 0x3FA0, 0x4000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ack:
    """The head took the command into this socket."""

    socket: int


@dataclass(frozen=True, slots=True)
class Done:
    """The command in this socket has ended."""

    socket: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The head refused a command, or ended it early (`code` 4: cancelled)."""

    socket: int
    code: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What an inquiry asked for."""

    data: bytes


Reply = Ack | Done | Refused | Answer


def encode_frame(head_number: int, payload: bytes) -> bytes:
    """Return header, payload, terminator ("Packet structure"): sender 0, receiver 1…7."""
    return bytes([0x80 | head_number]) + payload + END


def encode_drive(pan: float, tilt: float, pan_speed_max: int = 24, tilt_speed_max: int = 23) -> bytes:
    """Return Pan-tiltDrive for shares −1…1 of the fastest speed; right and up are positive."""
    pan_way = 3 if pan == 0 else 2 if pan > 0 else 1
    tilt_way = 3 if tilt == 0 else 1 if tilt > 0 else 2
    return bytes([1, 6, 1, _speed(pan, pan_speed_max), _speed(tilt, tilt_speed_max), pan_way, tilt_way])


def encode_zoom(zoom: float) -> bytes:
    """Return CAM_Zoom for a share −1…1 of the fastest speed: tele is positive, eight speeds, 0 stops."""
    if zoom == 0:
        return ZOOM_STOP
    return bytes([1, 4, 7, (0x20 if zoom > 0 else 0x30) | min(7, int(abs(zoom) * 8))])


def encode_absolute(pan_units: int, tilt_units: int, pan_speed: int = 24, tilt_speed: int = 23) -> bytes:
    """Return Pan-tiltDrive AbsolutePosition: signed 16-bit units, one hexadecimal digit a byte."""
    return bytes([1, 6, 2, pan_speed, tilt_speed]) + _nibbles(pan_units) + _nibbles(tilt_units)


def encode_zoom_direct(position: int) -> bytes:
    """Return CAM_Zoom Direct."""
    return b"\x01\x04\x47" + _nibbles(position)


def encode_limit(corner: int, pan_units: int, tilt_units: int) -> bytes:
    """Return Pan-tiltLimitSet: corner 1 is up and right, 0 down and left."""
    return bytes([1, 6, 7, 0, corner]) + _nibbles(pan_units) + _nibbles(tilt_units)


def parse_reply(frame: bytes, head_number: int = 1) -> Reply | None:
    """Return what a frame up to its terminator says, or None for noise and frames of another head."""
    if len(frame) < 3 or frame[-1:] != END or frame[0] != 0x80 | head_number << 4:
        return None
    kind, socket = frame[1] >> 4, frame[1] & 0x0F
    if kind == 4 and len(frame) == 3:
        return Ack(socket)
    if kind == 5:
        return Done(socket) if len(frame) == 3 else Answer(frame[2:-1])
    if kind == 6 and len(frame) == 4:
        return Refused(socket, frame[2])
    return None


def parse_position(data: bytes) -> tuple[int, int]:
    """Return signed pan and tilt units of a Pan-tiltPosInq answer; raise ValueError."""
    if len(data) != 8:
        raise ValueError("a position answer has 8 bytes")
    return _signed(_number(data[:4])), _signed(_number(data[4:]))


def parse_zoom(data: bytes) -> int:
    """Return the zoom position of a CAM_ZoomPosInq answer; raise ValueError."""
    if len(data) != 4:
        raise ValueError("a zoom answer has 4 bytes")
    return _number(data)


def zoom_to_position(zoom: float, lens: tuple[int, ...]) -> int:
    """Return the zoom position of a magnification."""
    step = min(max(int(zoom), 1), len(lens) - 1)
    share = min(max(zoom - step, 0.0), 1.0)
    return round(lens[step - 1] + share * (lens[step] - lens[step - 1]))


def position_to_zoom(position: int, lens: tuple[int, ...]) -> float:
    """Return the magnification of a zoom position."""
    for step, (low, high) in enumerate(pairwise(lens), start=1):
        if position <= high:
            return step + max(0.0, (position - low) / (high - low))
    return float(len(lens))


def _speed(share: float, fastest: int) -> int:
    return max(1, round(min(abs(share), 1.0) * fastest))


def _nibbles(value: int) -> bytes:
    return bytes((value >> shift) & 0x0F for shift in (12, 8, 4, 0))


def _number(data: bytes) -> int:
    if any(byte > 0x0F for byte in data):
        raise ValueError("each byte of a number carries one hexadecimal digit")
    return data[0] << 12 | data[1] << 8 | data[2] << 4 | data[3]


def _signed(value: int) -> int:
    return value - 0x10000 if value & 0x8000 else value
