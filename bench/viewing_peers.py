"""The yardsticks of live viewing: programs of other people that read the same camera port."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.viewing_pace import Course
from bench.viewing_page import IMAGE_PAGE, OFFER_PAGE, Watcher
from demo.supervisor import Program, Supervisor, port_answers, python_module


@dataclass(slots=True)
class Yardstick:
    """One peer: what it is called, the page that shows its picture, and what it showed."""

    name: str
    origin: str
    html: str
    course: Course = field(default_factory=Course)
    first_ms: list[float] = field(default_factory=list)

    async def watch(self, watcher: Watcher, seconds: float) -> None:
        """Look at it for some time, and leave."""
        self.first_ms.append(await watcher.show(self.origin, self.html))
        self.course.windows.append(await watcher.window(seconds))
        await watcher.leave()


def plain_mjpeg(cameras_url: str, camera: str) -> Yardstick:
    """The camera's own stream in an img: what a browser makes of it without anybody's help."""
    return Yardstick("plain MJPEG in an img", cameras_url, IMAGE_PAGE.format(path=f"/{camera}/stream"))


async def stock_aiortc(supervisor: Supervisor, camera_url: str, port: int, log: Path) -> Yardstick:
    """Start the yardstick's server."""

    async def listens() -> bool:
        return await port_answers(port)

    arguments = python_module("bench.stock_aiortc", camera_url, str(port))
    await supervisor.start(Program("stock aiortc", arguments, log, listens))
    return Yardstick("stock aiortc", f"http://127.0.0.1:{port}", OFFER_PAGE)
