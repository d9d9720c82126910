"""The printer as the technician tries it: how it is, and a test label that no parcel can get by mistake."""

import asyncio
import contextlib
from typing import Any

from edge.bench_check.label import draw_test_label, new_code
from edge.control_socket import Talk, VerbRefusedError
from edge.device_host import DeviceHandle
from edge.labels import BadLabelError
from edge.reasons import sentence_for
from edge.technician.ports import Around
from wire.codec import to_json
from wire.plan import Text

STATUS_S = 60.0
"""Somebody may be printing: a label takes up to `print_s`, 20 seconds."""

LABEL_S = 240.0
TAKEN_S = 120.0
"""How long the bench waits for the person to take the test label out of the printer."""

CHECKING = Text(en="A bench check is running: wait for its end", zh="正在进行工作台自检，请等它结束")
BUSY = Text(
    en="A parcel is on the bench: the robot could take the test label for its own. Print when the bench is empty "
    "(vitrine-edge journal orders shows what is in work)",
    zh="工作台上有包裹，机械手可能误取测试标签。请等工作台空出后再打印（vitrine-edge journal orders 可查看在办包裹）",
)

KEPT = Text(
    en="Tags are being printed, or somebody else has the bench: wait until that is done",
    zh="正在打印标签或工作台被占用：请等它结束",
)


def _printer(around: Around) -> DeviceHandle:
    return around.devices.handles[around.config.bench.printer]


async def printer_status(around: Around) -> dict[str, Any]:
    """Ask the bench's printer how it is, now."""
    handle = _printer(around)
    async with handle.use() as printer:
        status, media = await printer.status(), printer.media
    handle.look_soon()
    return {
        "device": handle.name,
        "condition": status.condition.value,
        "reason": status.reason,
        "text": to_json(sentence_for(status.reason)),
        "raw": status.raw,
        "width_mm": media.width_mm,
        "length_mm": media.length_mm,
        "dots_per_mm": media.dots_per_mm,
    }


async def print_test_label(around: Around, talk: Talk) -> dict[str, Any]:
    """Print one test label while the bench is kept clear, and keep it clear until the label was taken away.

    Tells `{"stage": "printed", "code"}`, then waits for a line, for the other side to hang up, or TAKEN_S.
    """
    if around.is_checking():
        raise VerbRefusedError(CHECKING, "checking")
    code, is_kept = new_code(around.random_bytes), bool(around.bench.kept_for)
    async with around.bench.keep_clear() as is_clear:
        if not is_clear:
            raise VerbRefusedError(KEPT if is_kept else BUSY, "busy")
        async with _printer(around).use() as printer:
            try:
                image = await asyncio.to_thread(draw_test_label, code, printer.media, around.face)
            except BadLabelError as error:
                raise VerbRefusedError(Text(en=str(error), zh=f"标签纸太小：{error}"), "bad_label") from None
            await talk.tell({"stage": "printing", "code": code})
            await printer.print_label(image)
        await talk.tell({"stage": "printed", "code": code})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TAKEN_S):
                await talk.hear()
    return {"code": code}
