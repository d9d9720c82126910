"""A pan-tilt-zoom head that speaks VISCA over serial (Sony EVI-D70/P technical manual, command list)."""

from __future__ import annotations

import asyncio
import time

from drivers.simulators.axis import Axis
from drivers.simulators.port import Reply
from drivers.simulators.world import HeadState, World

# p. 51: 0.075 degrees a unit, so +170° = 08DB and +90° = 04B0
UNITS_PER_DEG = 40 / 3
TERMINATOR = 0xFF
# longest packet of the protocol: header, 14 bytes, terminator (p. 25)
PACKET_MAX = 16
SYNTAX_ERROR = bytes.fromhex("90 60 02 FF")
BUFFER_FULL = bytes.fromhex("90 60 03 FF")
VERSION = bytes.fromhex("90 50 00 20 04 0D 01 00 02 FF")
PAN_CODES, TILT_CODES = 0x18, 0x17
# fastest pan and tilt, degrees a second; the slowest is 1
PAN_FASTEST, TILT_FASTEST = 100.0, 90.0


def drive_speed(code: int, codes: int, fastest: float) -> float:
    """Speed code 1…codes → degrees a second, each code a constant factor above the one before."""
    return float(fastest ** ((min(max(code, 1), codes) - 1) / (codes - 1)))


def nibbles(value: int) -> bytes:
    """Sixteen bits as four bytes 0p 0q 0r 0s."""
    return bytes(value >> shift & 0xF for shift in (12, 8, 4, 0))


def from_nibbles(data: bytes) -> int:
    """Four bytes 0p 0q 0r 0s as a signed 16-bit number."""
    value = 0
    for byte in data:
        value = value << 4 | byte & 0xF
    return value - 0x10000 if value & 0x8000 else value


class ViscaHead:
    """One camera, address 1. Moving orders end at once for drives, on arrival for positions; two sockets."""

    def __init__(self, name: str, world: World, reply: Reply) -> None:
        self._name = name
        self._world = world
        self._reply = reply
        self._buffer = bytearray()
        self._sockets: dict[int, asyncio.TimerHandle] = {}

    @property
    def _head(self) -> HeadState:
        return self._world.heads[self._name]

    def received(self, data: bytes) -> None:
        for byte in data:
            self._buffer.append(byte)
            if byte == TERMINATOR:
                packet, self._buffer = bytes(self._buffer), bytearray()
                self._packet(packet)
            elif len(self._buffer) >= PACKET_MAX:
                self._buffer.clear()
                self._reply(SYNTAX_ERROR)

    def lost(self) -> None:
        self._buffer.clear()

    def _packet(self, packet: bytes) -> None:
        if packet[0] == 0x88:
            self._broadcast(packet)
        elif packet[0] != 0x81 or len(packet) < 3:
            return  # another camera's address: nobody answers
        elif packet[1] & 0xF0 == 0x20:
            self._cancel(packet[1] & 0xF)
        elif packet[1] == 0x09:
            self._inquiry(packet[2:-1])
        elif packet[1] == 0x01:
            self._command(packet[2:-1])
        else:
            self._reply(SYNTAX_ERROR)

    def _broadcast(self, packet: bytes) -> None:
        if packet[1:-1] == b"\x30\x01":
            self._reply(b"\x88\x30\x02\xff")
        elif packet[1:-1] == b"\x01\x00\x01":
            self._clear()
            self._reply(packet)

    def _inquiry(self, body: bytes) -> None:
        now_s = time.monotonic()
        if body == b"\x06\x12":
            pan = round(self._head.pan.at(now_s) * UNITS_PER_DEG) & 0xFFFF
            tilt = round(self._head.tilt.at(now_s) * UNITS_PER_DEG) & 0xFFFF
            self._reply(b"\x90\x50" + nibbles(pan) + nibbles(tilt) + b"\xff")
        elif body == b"\x04\x47":
            self._reply(b"\x90\x50" + nibbles(round(self._head.zoom.at(now_s))) + b"\xff")
        elif body == b"\x04\x00":
            self._reply(b"\x90\x50\x02\xff")
        elif body == b"\x00\x02":
            self._reply(VERSION)
        else:
            self._reply(SYNTAX_ERROR)

    def _command(self, body: bytes) -> None:
        if body == b"\x00\x01":
            self._clear()
            self._reply(b"\x90\x50\xff")
            return
        if len(self._sockets) >= 2:
            self._reply(BUFFER_FULL)
            return
        ends_s = self._obey(body, time.monotonic())
        if ends_s is None:
            self._reply(SYNTAX_ERROR)
            return
        socket = 1 if 1 not in self._sockets else 2
        self._reply(bytes([0x90, 0x40 | socket, 0xFF]))
        wait_s = max(ends_s - time.monotonic(), 0.0)
        self._sockets[socket] = asyncio.get_running_loop().call_later(wait_s, self._completed, socket)

    def _obey(self, body: bytes, now_s: float) -> float | None:
        """Carry out one command; return when it ends (monotonic), None when it is none."""
        if body[:2] == b"\x06\x01" and len(body) == 6:
            return self._drive(body[2], body[3], body[4], body[5], now_s)
        if body[:2] in {b"\x06\x02", b"\x06\x03"} and len(body) == 12:
            pan, tilt = (from_nibbles(body[at : at + 4]) / UNITS_PER_DEG for at in (4, 8))
            if body[1] == 0x03:
                pan, tilt = pan + self._head.pan.at(now_s), tilt + self._head.tilt.at(now_s)
            return self._position(pan, tilt, body[2], body[3], now_s)
        if body == b"\x06\x04":
            return self._position(0.0, 0.0, PAN_CODES, TILT_CODES, now_s)
        if body[:2] == b"\x04\x07" and len(body) == 3:
            return self._zoom(body[2], now_s)
        if body[:2] == b"\x04\x47" and len(body) == 6:
            self._head.zoom = self._head.zoom.go_to(from_nibbles(body[2:]), zoom_speed(7), now_s)
            return self._head.zoom.arrives_s()
        return None

    def _drive(self, pan_code: int, tilt_code: int, pan: int, tilt: int, now_s: float) -> float | None:
        if pan not in {1, 2, 3} or tilt not in {1, 2, 3}:
            return None
        head = self._head
        head.pan = _moved(head.pan, {1: -1, 2: 1, 3: 0}[pan] * drive_speed(pan_code, PAN_CODES, PAN_FASTEST), now_s)
        head.tilt = _moved(
            head.tilt, {1: 1, 2: -1, 3: 0}[tilt] * drive_speed(tilt_code, TILT_CODES, TILT_FASTEST), now_s
        )
        self._world.truth.write(self._name, "head_stopped" if pan == tilt == 3 else "head_driven", pan=pan, tilt=tilt)
        return now_s

    def _position(self, pan: float, tilt: float, pan_code: int, tilt_code: int, now_s: float) -> float:
        head = self._head
        head.pan = head.pan.go_to(pan, drive_speed(pan_code, PAN_CODES, PAN_FASTEST), now_s)
        head.tilt = head.tilt.go_to(tilt, drive_speed(tilt_code, TILT_CODES, TILT_FASTEST), now_s)
        self._world.truth.write(self._name, "head_sent", pan_deg=round(pan, 2), tilt_deg=round(tilt, 2))
        return max(head.pan.arrives_s(), head.tilt.arrives_s())

    def _zoom(self, how: int, now_s: float) -> float | None:
        if how == 0x00:
            self._head.zoom = self._head.zoom.stop(now_s)
        elif how in {0x02, 0x03} or how & 0xF0 in {0x20, 0x30}:
            speed = zoom_speed(how & 0x7 if how & 0xF0 else 4)
            is_tele = how == 0x02 or how & 0xF0 == 0x20
            self._head.zoom = self._head.zoom.drive(speed if is_tele else -speed, now_s)
        else:
            return None
        return now_s

    def _completed(self, socket: int) -> None:
        self._sockets.pop(socket, None)
        self._reply(bytes([0x90, 0x50 | socket, 0xFF]))

    def _cancel(self, socket: int) -> None:
        timer = self._sockets.pop(socket, None)
        if timer is None:
            self._reply(bytes([0x90, 0x60 | socket, 0x05, 0xFF]))
            return
        timer.cancel()
        self._stop_all()
        self._reply(bytes([0x90, 0x60 | socket, 0x04, 0xFF]))

    def _clear(self) -> None:
        """IF_Clear: forget what is under way and stand still."""
        for timer in self._sockets.values():
            timer.cancel()
        self._sockets.clear()
        self._stop_all()

    def _stop_all(self) -> None:
        now_s = time.monotonic()
        head = self._head
        head.pan, head.tilt, head.zoom = head.pan.stop(now_s), head.tilt.stop(now_s), head.zoom.stop(now_s)


def zoom_speed(code: int) -> float:
    """Zoom speed code 0…7 → position units a second."""
    return 0x1000 * (code + 1) / 4


def _moved(axis: Axis, speed: float, now_s: float) -> Axis:
    """Drive, or stop at speed 0."""
    return axis.drive(speed, now_s) if speed else axis.stop(now_s)
