"""Clips of goods coming in: known by their first bytes, read and written anew by a limited child process."""

import asyncio
import importlib.util
from pathlib import Path

from cloud_relay.children import ChildTalksError, Slots, run_script
from cloud_relay.quotes.rules import CLIP_BYTES_MAX, CLIP_S_MAX
from cloud_relay.refusals import RefusedError

CHILD = str(Path(__file__).with_name("clip_child.py"))
CHILD_TIMEOUT_S = 20.0
CHILDREN_MAX = 1
"""One at a time: a child may take as much memory as two pictures, and clips are rare."""
WAITING_MAX = 4
"""Clips that wait for it, 12 MB of memory each: longer than four times CHILD_TIMEOUT_S nobody waits at a page."""
SLACK_S = 0.5
"""A camera that was told to stop after so many seconds ends with the frame after."""
COPY_BYTES_MAX = CLIP_BYTES_MAX + 1024 * 1024
"""The copy has the same picture without the rest; its own tables may be a little larger than those before."""
PIXELS_MAX = 3840 * 2160
"""4K, the most that phones record; a frame of it is decoded."""
EBML = b"\x1a\x45\xdf\xa3"
"""First bytes of WebM (RFC 8794, 11.2.1). MP4 and QuickTime begin with a box `ftyp` (ISO/IEC 14496-12, 4.3)."""
_slots = Slots(CHILDREN_MAX, WAITING_MAX)


def can_take() -> bool:
    """Return whether the decoder is installed here: the extra `clips` (requirements/clips.txt)."""
    return importlib.util.find_spec("av") is not None


def kind_of(content: bytes) -> str:
    """Return mp4 or webm by a clip's first bytes; RefusedError for anything else and for too many bytes."""
    if len(content) > CLIP_BYTES_MAX:
        size = CLIP_BYTES_MAX // (1024 * 1024)
        raise RefusedError(
            "clip_too_large", f"At most {size} MB: make it shorter, or record in 720p",
            f"视频不得超过 {size} MB：请缩短时长，或改用 720p 拍摄", 422,
        )  # fmt: skip
    if content[4:8] == b"ftyp":
        return "mp4"
    if content.startswith(EBML):
        return "webm"
    raise RefusedError("bad_clip", "A clip in MP4 or WebM, please", "请上传 MP4 或 WebM 视频", 422)


async def clean_clip(content: bytes) -> tuple[bytes, str]:
    """Return (bytes, media type) of a clip with nothing but its picture; RefusedError says why it is not taken."""
    if not can_take():
        raise RefusedError(
            "no_clips", "This market takes no clips: show the goods live instead", "本市场暂不接受视频，请使用实时看货"
        )
    kind = await asyncio.to_thread(kind_of, content)
    async with _slots.hold():
        args = (kind, str(CLIP_S_MAX + SLACK_S), str(PIXELS_MAX))
        try:
            child = await run_script(
                CHILD, *args, content=content, timeout_s=CHILD_TIMEOUT_S, output_bytes_max=COPY_BYTES_MAX
            )
        except ChildTalksError:
            raise _refused("broken: grows when it is copied") from None
        except TimeoutError:
            raise _refused("broken: takes too long to read") from None
    if child.returncode != 0:
        raise _refused(child.words.decode(errors="replace")[:200])
    return child.output, f"video/{kind}"


def _refused(said: str) -> RefusedError:
    word, _, why = said.partition(": ")
    if word == "long":
        return RefusedError(
            "clip_too_long", f"At most {CLIP_S_MAX} seconds: cut it, or show the rest live",
            f"视频最长 {CLIP_S_MAX} 秒：请剪短，其余可实时展示", 422,
        )  # fmt: skip
    if word == "codec":
        return RefusedError(
            "clip_codec", "Not every browser plays this clip: record it in H.264 (on iPhones “Most Compatible”)",
            "部分浏览器无法播放此视频：请以 H.264 拍摄（iPhone 选择“兼容性最佳”）", 422, detail=why,
        )  # fmt: skip
    return RefusedError(
        "bad_clip", "This clip cannot be read: record it again, as MP4 or WebM", "视频无法读取，请重新拍摄 (MP4、WebM)",
        422, detail=why or "the decoder gave up",
    )  # fmt: skip
