"""The attendant's serial scanner: what it reads goes out as the code's bytes and a suffix."""

from __future__ import annotations

from drivers.simulators.port import Reply
from drivers.simulators.truth import TruthLog


class SerialScanner:
    """Sends codes; ignores what it is sent."""

    def __init__(self, name: str, truth: TruthLog, suffix: str, reply: Reply) -> None:
        self._name = name
        self._truth = truth
        self._suffix = suffix.encode()
        self._reply = reply

    def scan(self, text: str) -> None:
        """A code came before the window: beep and send."""
        self._truth.write(self._name, "scanned", text=text)
        self._reply(text.encode() + self._suffix)

    def received(self, data: bytes) -> None:
        """Set-up codes sent by serial line are not part of this model."""

    def lost(self) -> None:
        """Nothing to forget."""
