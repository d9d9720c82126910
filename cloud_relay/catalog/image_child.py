"""Decodes one foreign picture in a process of its own and writes a clean JPEG. A script; it imports nothing of ours.

Usage: image_child.py PIXELS_MAX SIDE_MAX < picture > jpeg; exit 3 and a word on stderr when the picture is refused.
"""

import io
import resource
import sys
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

MEMORY_BYTES_MAX = 900 * 1024 * 1024
"""25 million pixels decode to 75 MB; twice that while turning, and Pillow with Python on top."""
CPU_S_MAX = 10
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 88


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def _clean(content: bytes, pixels_max: int, side_max: int) -> bytes:
    """Return the picture as a plain JPEG: turned as its EXIF says, and nothing else of it kept."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > pixels_max:
            raise ValueError(f"{image.width} x {image.height} pixels, at most {pixels_max}")
        image.draft("RGB", (side_max, side_max))
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("RGBA", "LA", "PA", "P"):
            coloured = upright.convert("RGBA")
            flat = Image.new("RGB", coloured.size, "white")
            flat.paste(coloured, mask=coloured.getchannel("A"))
        else:
            flat = upright.convert("RGB")
        flat.thumbnail((side_max, side_max), Image.Resampling.LANCZOS)
        plain = Image.frombytes("RGB", flat.size, flat.tobytes())
        out = io.BytesIO()
        plain.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
        return out.getvalue()


def main() -> int:
    """Read, limit, clean, write."""
    pixels_max, side_max = int(sys.argv[1]), int(sys.argv[2])
    content = sys.stdin.buffer.read()
    _limit()
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        cleaned = _clean(content, pixels_max, side_max)
    except (
        ValueError,
        OSError,
        SyntaxError,
        MemoryError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
    ) as error:
        sys.stderr.write(f"{type(error).__name__}: {str(error)[:200]}")
        return 3
    except Image.DecompressionBombWarning as error:
        sys.stderr.write(str(error)[:200])
        return 3
    sys.stdout.buffer.write(cleaned)
    return 0


if __name__ == "__main__":
    sys.exit(main())
