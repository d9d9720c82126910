"""The verbs of the control socket that touch devices."""

from typing import Any

from edge.control_socket import Talk, TalkingVerb, Verb
from edge.technician import eyes, printing, steering, views
from edge.technician.board import board
from edge.technician.ports import Around


def technician_verbs(around: Around) -> dict[str, Verb | TalkingVerb]:
    """Return `devices`, `look`, `printer_status`, `test_label`, `teach`, `keep_view`, `spot_of` and `hover`."""

    async def devices(_asked: dict[str, Any]) -> Any:
        return board(around)

    async def look(asked: dict[str, Any], _talk: Talk) -> Any:
        return await eyes.look(around, asked)

    async def printer_status(_asked: dict[str, Any], _talk: Talk) -> Any:
        return await printing.printer_status(around)

    async def print_test(_asked: dict[str, Any], talk: Talk) -> Any:
        return await printing.print_test_label(around, talk)

    async def teach(asked: dict[str, Any], talk: Talk) -> Any:
        return await steering.teach(around, asked, talk)

    async def keep_view(asked: dict[str, Any], _talk: Talk) -> Any:
        return await views.keep_view(around, asked)

    async def spot_of(asked: dict[str, Any]) -> Any:
        return await views.spot_of(around, asked)

    async def hover(_asked: dict[str, Any], talk: Talk) -> Any:
        return await steering.hover(around, talk)

    return {
        "devices": devices,
        "look": TalkingVerb(look, eyes.LOOK_S),
        "printer_status": TalkingVerb(printer_status, printing.STATUS_S),
        "test_label": TalkingVerb(print_test, printing.LABEL_S),
        "teach": TalkingVerb(teach, steering.TEACH_S),
        "keep_view": TalkingVerb(keep_view, eyes.LOOK_S),
        "spot_of": spot_of,
        "hover": TalkingVerb(hover, steering.TEACH_S),
    }
