"""Labels drawn for tests, and the bytes that print them, written from the makers' references."""

import base64
import binascii
import io
import zlib

import numpy as np
import segno
import zint
from PIL import Image, ImageDraw, ImageFont

WIDTH, LENGTH = 800, 1200
LINK = "https://vitrine.example/p/7F3K"
GOODS = "[01]09521234543213[21]4711"
SSCC = "[00]395200000000000012"


def drawn_label(number=1):
    """100 × 150 mm at 8 dots/mm with a QR code, a DataMatrix, a GS1-128 and text; grey, 0 or 255."""
    label = Image.new("L", (WIDTH, LENGTH), 255)
    draw = ImageDraw.Draw(label)
    file = io.BytesIO()
    segno.make(f"{LINK}{number}", error="m").save(file, kind="png", scale=8, border=4)
    label.paste(Image.open(file).convert("L"), (40, 40))
    for text, symbology, at, scale in ((GOODS, "DATAMATRIX", (480, 80), 5), (SSCC, "GS1_128", (80, 900), 3)):
        symbol = zint.Symbol()
        symbol.symbology = getattr(zint.Symbology, symbology)
        symbol.input_mode = zint.InputMode.GS1
        symbol.show_text = False
        symbol.height = 50 if symbology == "GS1_128" else 0
        symbol.encode(text)
        symbol.buffer()
        picture = Image.fromarray(np.asarray(symbol.bitmap, np.uint8)[..., 0])
        dots = picture.resize((picture.width * scale // 2, picture.height * scale // 2), Image.Resampling.NEAREST)
        label.paste(dots, at)
    for line, text in enumerate(("To: Wang Xiaoming", "18 Teahouse Lane", "Hangzhou 310000")):
        draw.text((60, 520 + 90 * line), text, fill=0, font=ImageFont.load_default(56))
    return label.point(lambda grey: 255 if grey > 127 else 0)


def packed_rows(label):
    """1 is black, eight dots a byte, rows of whole bytes."""
    return np.packbits(np.asarray(label) < 128, axis=1)


def escpos_label(label):
    """ESC @, GS v 0 (one raster), GS V 0."""
    rows = packed_rows(label)
    head = b"\x1dv0\x00" + rows.shape[1].to_bytes(2, "little") + rows.shape[0].to_bytes(2, "little")
    return b"\x1b@" + head + rows.tobytes() + b"\x1dV\x00"


def zpl_label(label, form="A"):
    """^XA ^FO0,0 ^GFA … ^XZ with plain hexadecimal, B64 or Z64."""
    rows = packed_rows(label)
    raw = rows.tobytes()
    if form == "A":
        data = raw.hex().upper()
    else:
        letters = base64.b64encode(zlib.compress(raw) if form == "Z64" else raw)
        data = f":{form}:{letters.decode()}:{binascii.crc_hqx(letters, 0):04X}"
    return f"^XA^PW{WIDTH}^LL{LENGTH}^FO0,0^GFA,{len(data)},{len(raw)},{rows.shape[1]},{data}^FS^XZ".encode()
