"""Documents coming in: photographs only, drawn anew so that nothing else of the file is kept."""

from cloud_relay.catalog.image_check import clean_picture
from cloud_relay.refusals import RefusedError

SIDE_PX_MAX = 2400
"""An A4 page at 200 dots an inch: the small print of a licence stays legible, and a document is under 1.5 MB."""
JPEG, PNG, PDF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%PDF-"
"""First bytes: ITU-T T.81 B.1.1.3 (SOI), PNG 3rd edition 5.2, ISO 32000-1 7.5.2."""
ZIP_END = b"PK\x05\x06"
ZIP_END_BYTES_MAX = 65_557
"""APPNOTE 4.3.16: the end record of 22 bytes and a comment of at most 65 535 lie at the end of a ZIP file."""
HIDDEN = (PDF, b"<script", b"<?php", b"<!doctype html")
"""What makes a picture another file as well. None of these stands in a camera's own metadata."""


def check_file(content: bytes) -> None:
    """Raise RefusedError for anything but a JPEG or PNG, and for one that is another kind of file as well."""
    if content.startswith(PDF):
        raise RefusedError(
            "no_pdf", "PDF files are not taken: photograph the page, or save it as a picture",
            "不接受 PDF：请拍照或另存为图片后上传", 422,
        )  # fmt: skip
    if not content.startswith((JPEG, PNG)):
        raise RefusedError("bad_document", "A JPEG or PNG picture, please", "请上传 JPEG 或 PNG 图片", 422)
    folded = content.lower()
    if any(one.lower() in folded for one in HIDDEN) or ZIP_END in content[-ZIP_END_BYTES_MAX:]:
        raise RefusedError(
            "two_files_in_one", "This picture hides another file in itself: photograph the document again",
            "该图片中夹带其他文件：请重新拍摄证件", 422,
        )  # fmt: skip


async def clean_document(content: bytes, pixels_max: int) -> bytes:
    """Return a document's photograph as a plain JPEG without metadata; RefusedError says why not."""
    check_file(content)
    return await clean_picture(content, pixels_max, SIDE_PX_MAX)
