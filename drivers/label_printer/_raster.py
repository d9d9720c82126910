"""What every label printer driver does with a drawn label: checks its size and makes it pure black and white."""

from PIL import Image

from drivers.label_printer import Media


def media_dots(media: Media) -> tuple[int, int]:
    """Return width and height of a label in dots."""
    return round(media.width_mm * media.dots_per_mm), round(media.length_mm * media.dots_per_mm)


def black_on_white(image: Image.Image, media: Media) -> Image.Image:
    """Return the label in mode "1", no dithering (a dithered bar is no bar); raise ValueError when the size differs."""
    if image.size != media_dots(media):
        raise ValueError(f"the label is {image.size} dots, the paper {media_dots(media)}")
    if image.mode == "1":
        return image
    if image.mode != "L":
        flat = image.convert("RGBA")
        white = Image.new("RGBA", flat.size, "white")
        white.alpha_composite(flat)
        image = white.convert("L")
    return image.point([0] * 128 + [255] * 128, "1")


def check_media(width_mm: float, length_mm: float, dots_per_mm: int) -> None:
    """Raise ValueError for media that no label printer has."""
    if not (10 <= width_mm <= 220 and 10 <= length_mm <= 600):
        raise ValueError("width_mm must be 10…220, length_mm 10…600")
    if not 6 <= dots_per_mm <= 24:
        raise ValueError("dots_per_mm must be 6…24 (203 dpi = 8, 300 dpi = 12, 600 dpi = 24)")
