"""Modbus TCP frames (MODBUS Application Protocol 1.1b3, MODBUS Messaging on TCP/IP 1.0b); no socket, no machine."""

from __future__ import annotations

import struct
from typing import Protocol

from drivers.simulators.port import Reply

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE, BUSY = 1, 2, 3, 4, 6
# limits of one request (6.1, 6.3, 6.12)
COILS_MAX, READ_MAX, WRITE_MAX = 2000, 125, 123


class ModbusError(Exception):
    """A request that is answered with this exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class Registers(Protocol):
    """The data model of a machine; each method raises ModbusError."""

    def read_register(self, address: int, *, is_input: bool) -> int: ...
    def write_registers(self, address: int, values: list[int]) -> None: ...
    def read_coil(self, address: int) -> bool: ...
    def write_coil(self, address: int, is_on: bool) -> None: ...
    def drops_reply(self) -> bool: ...


class ModbusSession:
    """One connection: requests in, answers out, in order."""

    def __init__(self, registers: Registers, reply: Reply) -> None:
        self._registers = registers
        self._reply = reply
        self._buffer = bytearray()

    def received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 8:
            transaction, protocol, length, unit = struct.unpack_from(">HHHB", self._buffer)
            if protocol != 0 or not 2 <= length <= 254:
                self._buffer.clear()
                return
            if len(self._buffer) < 6 + length:
                return
            request = bytes(self._buffer[7 : 6 + length])
            del self._buffer[: 6 + length]
            answer = self._answer(request)
            if answer is not None:
                self._reply(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)

    def lost(self) -> None:
        self._buffer.clear()

    def _answer(self, request: bytes) -> bytes | None:
        """The answer to one request; None when the fault drop_reply swallows that of a write."""
        function = request[0]
        try:
            answer = self._serve(function, request[1:])
        except ModbusError as error:
            return bytes([function | 0x80, error.code])
        except struct.error:
            return bytes([function | 0x80, ILLEGAL_VALUE])
        if function in {5, 6, 16} and self._registers.drops_reply():
            return None
        return bytes([function]) + answer

    def _serve(self, function: int, body: bytes) -> bytes:
        first, second = struct.unpack_from(">HH", body)
        if function == 1:
            return self._read_coils(first, second)
        if function in {3, 4}:
            if not 1 <= second <= READ_MAX:
                raise ModbusError(ILLEGAL_VALUE)
            values = [self._registers.read_register(first + at, is_input=function == 4) for at in range(second)]
            return bytes([2 * second]) + struct.pack(f">{second}H", *values)
        if function == 5:
            if second not in {0x0000, 0xFF00}:
                raise ModbusError(ILLEGAL_VALUE)
            self._registers.write_coil(first, second == 0xFF00)
        elif function == 6:
            self._registers.write_registers(first, [second])
        elif function == 16:
            count = body[4] if len(body) > 4 else 0
            if not 1 <= second <= WRITE_MAX or count != 2 * second:
                raise ModbusError(ILLEGAL_VALUE)
            self._registers.write_registers(first, list(struct.unpack_from(f">{second}H", body, 5)))
        else:
            raise ModbusError(ILLEGAL_FUNCTION)
        return body[:4]

    def _read_coils(self, first: int, count: int) -> bytes:
        if not 1 <= count <= COILS_MAX:
            raise ModbusError(ILLEGAL_VALUE)
        packed = bytearray((count + 7) // 8)
        for at in range(count):
            packed[at // 8] |= self._registers.read_coil(first + at) << at % 8
        return bytes([len(packed)]) + bytes(packed)
