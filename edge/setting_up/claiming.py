"""Two ways of a claim: out, as a label for the merchant's phone; in, from the phone by the shop's scanner or camera."""

import asyncio
from typing import Any

from cryptography.hazmat.primitives import serialization

from drivers.base import BadOptionsError, DeviceError, Driver
from drivers.registry import build_options, find_driver
from edge.enrolment import CLAIM
from edge.identity import Identity
from edge.labels import find_typeface
from edge.labels.note import draw_note
from edge.reading import BadPictureError, read_codes
from wire.box_code import box_code

READ_S = 120.0
LOOK_S = 0.5


def code_of(identity: Identity) -> str:
    """Return this box's short name; its key is made if there is none yet."""
    public = identity.private_key().public_key()
    return box_code(public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


async def print_box_label(printer: dict[str, Any], mall: str, code: str) -> str:
    """Print the label that the merchant scans; returns the address on it. Raises DeviceError or BadLabelError."""
    url = f"{mall.rstrip('/')}/merchant/box?code={code}"
    driver: Any = _driver(printer)
    await driver.open()
    try:
        words = ("Let this box in 接入主机", f"Box 主机 {code}", mall)
        image = await asyncio.to_thread(draw_note, url, words, driver.media, find_typeface())
        await driver.print_label(image)
    finally:
        await driver.close()
    return url


async def read_claim(devices: dict[str, dict[str, Any]]) -> str:
    """Wait for a claim before the scanner or the bench camera; returns it, or "" when none came in time."""
    watching = [asyncio.create_task(_scan(devices["scanner"]))] if "scanner" in devices else []
    watching.append(asyncio.create_task(_look(devices["bench_camera"])))
    try:
        async with asyncio.timeout(READ_S):
            for done in asyncio.as_completed(watching):
                text = await done
                if text:
                    return text
    except TimeoutError:
        pass
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return ""


async def _scan(device: dict[str, Any]) -> str:
    driver: Any = _driver(device)
    try:
        await driver.open()
        while True:
            text = str((await driver.next_scan()).text)
            if CLAIM.fullmatch(text.strip()):
                return text
    except DeviceError:
        return ""
    finally:
        await driver.close()


async def _look(device: dict[str, Any]) -> str:
    driver: Any = _driver(device)
    try:
        await driver.open()
        while True:
            jpeg = (await driver.still()).jpeg
            for code in await asyncio.to_thread(_codes, jpeg):
                if CLAIM.fullmatch(code.strip()):
                    return code
            await asyncio.sleep(LOOK_S)
    except DeviceError:
        return ""
    finally:
        await driver.close()


def _codes(jpeg: bytes) -> list[str]:
    try:
        return [code.text for code in read_codes(jpeg)]
    except BadPictureError:
        return []


def _driver(table: dict[str, Any]) -> Driver:
    options = {key: value for key, value in table.items() if key not in ("kind", "model")}
    driver_class = find_driver(table["kind"], table["model"], "setup")
    try:
        return driver_class(build_options(driver_class, options, "setup"))  # type: ignore[call-arg]  # each takes its own
    except BadOptionsError as error:
        raise DeviceError(str(error), "bad_options") from None
