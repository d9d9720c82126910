"""The devices of the first bench, the faults they can have, and why a device cannot have a fault. Pure."""

from enum import StrEnum


class Device(StrEnum):
    """The devices a job meets, by role. BOX is the shop's PC itself. Heads and turntable serve viewing only."""

    FRONT = "front"
    CAMERA = "camera"
    PACKER = "packer"
    PRINTER = "printer"
    LABELLER = "labeller"
    SCANNER = "scanner"
    SORTER = "sorter"
    BOX = "box"


class Fault(StrEnum):
    """What can be wrong. Where a reason code names the same trouble, the word is the same."""

    SILENT = "silent"
    SLOW = "slow"
    GARBLED = "garbled"
    HANG_UP = "hang_up"
    UNPLUGGED = "unplugged"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    PRINTED_TWICE = "printed_twice"
    LABEL_LOST = "label_lost"
    WRONG_LABEL = "wrong_label"
    DOUBLE_LABEL = "double_label"
    ALARM = "alarm"
    EMERGENCY_STOP = "emergency_stop"
    JAM = "jam"
    FILM_OUT = "film_out"
    DOOR_OPEN = "door_open"
    LOST_REPLY = "lost_reply"
    BLACK = "black"
    FROZEN = "frozen"
    SCANNER_GARBAGE = "scanner_garbage"
    DISK_FULL = "disk_full"
    CLOCK_WRONG = "clock_wrong"


D, F = Device, Fault

FAULT_WORDS = {
    F.SILENT: "silent",
    F.SLOW: "slow",
    F.GARBLED: "garbled: noise instead of answers",
    F.HANG_UP: "hang-up half way, and back at once",
    F.UNPLUGGED: "unplugged",
    F.PAPER_OUT: "paper out",
    F.COVER_OPEN: "cover open",
    F.PRINTED_TWICE: "printed twice",
    F.LABEL_LOST: "label lost",
    F.WRONG_LABEL: "wrong label",
    F.DOUBLE_LABEL: "double label: two on the parcel",
    F.ALARM: "alarm",
    F.EMERGENCY_STOP: "emergency stop",
    F.JAM: "jam",
    F.FILM_OUT: "film out",
    F.DOOR_OPEN: "door open",
    F.LOST_REPLY: "reply lost after the machine obeyed",
    F.BLACK: "black",
    F.FROZEN: "frozen",
    F.SCANNER_GARBAGE: "scanner garbage: codes that are none, others' codes, four thousand characters",
    F.DISK_FULL: "disk full",
    F.CLOCK_WRONG: "clock wrong by an hour",
}
DEVICE_WORDS = {
    D.FRONT: "viewing camera",
    D.CAMERA: "bench camera",
    D.PACKER: "packer",
    D.PRINTER: "label printer",
    D.LABELLER: "labelling robot",
    D.SCANNER: "scanner",
    D.SORTER: "sorter",
    D.BOX: "the box itself",
}

_LINE = frozenset({F.SILENT, F.SLOW, F.GARBLED, F.HANG_UP, F.UNPLUGGED})
HAS = {
    D.FRONT: _LINE | {F.BLACK, F.FROZEN},
    D.CAMERA: _LINE | {F.BLACK, F.FROZEN},
    D.PACKER: _LINE | {F.JAM, F.FILM_OUT, F.DOOR_OPEN, F.EMERGENCY_STOP, F.LOST_REPLY},
    D.PRINTER: _LINE | {F.PAPER_OUT, F.COVER_OPEN, F.PRINTED_TWICE},
    D.LABELLER: _LINE | {F.ALARM, F.EMERGENCY_STOP, F.LABEL_LOST, F.WRONG_LABEL, F.DOUBLE_LABEL},
    D.SCANNER: _LINE | {F.SCANNER_GARBAGE},
    D.SORTER: _LINE | {F.JAM, F.DOOR_OPEN, F.EMERGENCY_STOP, F.LOST_REPLY},
    D.BOX: frozenset({F.DISK_FULL, F.CLOCK_WRONG}),
}

_NEEDS = {
    F.PAPER_OUT: "it has no paper",
    F.COVER_OPEN: "it has no cover that stops it",
    F.PRINTED_TWICE: "it prints nothing",
    F.LABEL_LOST: "it carries no label",
    F.WRONG_LABEL: "it carries no label",
    F.DOUBLE_LABEL: "it sticks no label on",
    F.ALARM: "it has no motion controller",
    F.EMERGENCY_STOP: "it has no motion to stop",
    F.JAM: "nothing runs through it",
    F.FILM_OUT: "it has no film",
    F.DOOR_OPEN: "it has no guard door",
    F.LOST_REPLY: "it has no register that starts a job",
    F.BLACK: "it takes no pictures",
    F.FROZEN: "it takes no pictures",
    F.SCANNER_GARBAGE: "it reads no codes for the bench",
    F.DISK_FULL: "it stores nothing of ours",
    F.CLOCK_WRONG: "no deadline goes by its clock",
}
_BOX = "the box is the one that speaks; a fault of its line is the other device's fault"


def why_never(device: Device, fault: Fault) -> str:
    """Return why this device cannot have this fault at all, or "" when it can."""
    if fault in HAS[device]:
        return ""
    return _BOX if device is D.BOX and fault in _LINE else _NEEDS[fault]
