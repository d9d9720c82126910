"""The least TURN client there is (RFC 8656): asks for an allocation and for permissions, and tells the answers."""

import hashlib
import hmac
import ipaddress
import os
import socket
import struct
from dataclasses import dataclass, field

MAGIC = 0x2112A442
ALLOCATE, CREATE_PERMISSION = 0x0003, 0x0008
USERNAME, INTEGRITY, ERROR_CODE, XOR_PEER, REALM, NONCE = 0x0006, 0x0008, 0x0009, 0x0012, 0x0014, 0x0015
FAMILY, TRANSPORT = 0x0017, 0x0019
UDP = struct.pack("!I", 17 << 24)
OK = 0


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def attributes_of(message: bytes) -> dict[int, bytes]:
    found, at = {}, 20
    while at + 4 <= len(message):
        kind, length = struct.unpack_from("!HH", message, at)
        found.setdefault(kind, message[at + 4 : at + 4 + length])
        at += 4 + length + -length % 4
    return found


def xor_address(address: str, transaction: bytes, port: int = 40000) -> bytes:
    """Return an XOR-PEER-ADDRESS (RFC 8489 section 14.2)."""
    peer = ipaddress.ip_address(address)
    mask = struct.pack("!I", MAGIC) + transaction
    hidden = bytes(one ^ other for one, other in zip(peer.packed, mask, strict=False))
    return struct.pack("!BBH", 0, 1 if peer.version == 4 else 2, port ^ MAGIC >> 16) + hidden


@dataclass
class TurnClient:
    """One allocation at a server. Every request returns the error code of its answer, 0 for success."""

    server: tuple[str, int]
    name: str
    word: str
    realm: bytes = b""
    nonce: bytes = b""
    udp: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.server[0] else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.settimeout(5)

    def allocate(self, version: int = 4) -> int:
        """Ask for a relayed address; the first answer only brings realm and nonce."""
        extra = attribute(TRANSPORT, UDP) + attribute(FAMILY, bytes([1 if version == 4 else 2, 0, 0, 0]))
        self.ask(ALLOCATE, lambda _: extra)
        return self.ask(ALLOCATE, lambda _: extra)

    def permit(self, address: str) -> int:
        """Ask that this peer's packets may pass."""
        return self.ask(CREATE_PERMISSION, lambda transaction: attribute(XOR_PEER, xor_address(address, transaction)))

    def ask(self, method: int, body_of) -> int:
        transaction = os.urandom(12)
        body = body_of(transaction)
        if self.nonce:
            who = (USERNAME, self.name.encode()), (REALM, self.realm), (NONCE, self.nonce)
            body += b"".join(attribute(*one) for one in who)
        self.udp.sendto(self.sealed(method, transaction, body), self.server)
        while True:
            answer = self.udp.recv(2048)
            if answer[8:20] == transaction:
                break
        found = attributes_of(answer)
        self.realm, self.nonce = found.get(REALM, self.realm), found.get(NONCE, self.nonce)
        error = found.get(ERROR_CODE)
        return OK if error is None else error[2] * 100 + error[3]

    def sealed(self, method: int, transaction: bytes, body: bytes) -> bytes:
        """Return the message with its integrity (RFC 8489 section 14.5), once the realm is known."""
        if not self.nonce:
            return struct.pack("!HHI", method, len(body), MAGIC) + transaction + body
        key = hashlib.md5(b":".join((self.name.encode(), self.realm, self.word.encode()))).digest()
        text = struct.pack("!HHI", method, len(body) + 24, MAGIC) + transaction + body
        return text + attribute(INTEGRITY, hmac.digest(key, text, "sha1"))

    def close(self) -> None:
        self.udp.close()
