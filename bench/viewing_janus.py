"""Janus (Debian's package) as a yardstick: its streaming plugin buffers nothing; a page of ours speaks to it."""

import asyncio
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.viewing_page import Watcher
from bench.viewing_peers import Yardstick
from demo.mall import ROOT
from demo.supervisor import Program, Supervisor, port_answers

PAGE = Path(__file__).with_name("viewing_janus.html").read_text(encoding="utf-8")
PAYLOAD_TYPE = 96
FEED_S = 2.0
"""The feed has sent a key frame by then: a viewer who comes later begins with it."""

MAIN = """\
general: {{ log_to_stdout = true debug_level = 3 }}
nat: {{ ignore_mdns = true }}
media: {{ ipv6 = false }}
"""
HTTP = """\
general: {{ json = "compact" base_path = "/janus" http = true port = {http} ip = "127.0.0.1" https = false }}
admin: {{ admin_http = false admin_https = false }}
"""
STREAMING = """\
camera: {{
  type = "rtp"
  id = 1
  media = (
    {{ type = "video" mid = "v" label = "camera" port = {rtp} pt = {payload} codec = "h264"
       fmtp = "profile-level-id=42e01f;packetization-mode=1" bufferkf = true }}
  )
}}
"""
"""The plugin keeps the last key frame and what followed it for whoever joins, and passes every packet on at once."""


def why_no_janus() -> str:
    """Return why Janus cannot be measured here, or nothing."""
    if shutil.which("janus") is None:
        return "janus is not installed (Debian: apt-get install --no-install-recommends janus)"
    return ""


@dataclass(slots=True)
class JanusYardstick(Yardstick):
    """Janus is fed only while it is watched, so that it takes nothing from the others' rounds."""

    feed: tuple[str, ...] = ()

    async def watch(self, watcher: Watcher, seconds: float) -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.janus_feed", *self.feed, cwd=ROOT)
        try:
            await asyncio.sleep(FEED_S)
            await Yardstick.watch(self, watcher, seconds)
        finally:
            process.kill()
            await process.wait()


async def janus(supervisor: Supervisor, camera_url: str, folder: Path, http_port: int, rtp_port: int) -> Yardstick:
    """Start Janus."""
    write_configuration(folder, http_port, rtp_port)

    async def listens() -> bool:
        return await port_answers(http_port)

    await supervisor.start(Program("janus", ["janus", "-F", str(folder)], folder / "janus.log", listens))
    return JanusYardstick("Janus", f"http://127.0.0.1:{http_port}", PAGE, feed=(camera_url, str(rtp_port)))


def write_configuration(folder: Path, http_port: int, rtp_port: int) -> None:
    """Write the three files that Janus reads here; plugins without a file keep to their defaults."""
    folder.mkdir()
    for name, text in {"": MAIN, ".transport.http": HTTP, ".plugin.streaming": STREAMING}.items():
        told = text.format(http=http_port, rtp=rtp_port, payload=PAYLOAD_TYPE)
        (folder / f"janus{name}.jcfg").write_text(told, encoding="utf-8")
