"""Children that read foreign files: dead and reaped however their request ends, without our secrets, few that wait."""

import asyncio
import os
import resource

import pytest

from cloud_relay import children
from cloud_relay.catalog import image_check
from cloud_relay.children import WORDS_BYTES_MAX, ChildTalksError, Slots, run_script
from cloud_relay.quotes import clip_check
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.site import jpeg

FOREVER = "import os, pathlib, sys, time\npathlib.Path({place!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n"
ENVIRONMENT = "import json, os, sys\nsys.stdin.buffer.read()\njson.dump(dict(os.environ), sys.stdout)\n"
MP4 = b"\0\0\0\x18ftypmp42"


@pytest.fixture
def forever(tmp_path):
    """A script that never ends, and the file where its process id comes."""
    place = tmp_path / "pid"
    script = tmp_path / "forever.py"
    script.write_text(FOREVER.format(place=str(place)))
    return str(script), place


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_in(place):
    return int(place.read_text() or 0) if place.exists() else 0


READERS = {
    "picture": (image_check, lambda: image_check.clean_picture(jpeg(), 1000)),
    "clip": (clip_check, lambda: clip_check.clean_clip(MP4)),
}


@pytest.mark.parametrize("kind", READERS)
async def test_whoever_goes_away_leaves_no_child_behind(kind, forever, monkeypatch, eventually):
    module, read = READERS[kind]
    script, place = forever
    monkeypatch.setattr(module, "CHILD", script)
    monkeypatch.setattr(module, "_slots", Slots(1, 1))
    monkeypatch.setattr(clip_check, "can_take", lambda: True)
    reading = asyncio.create_task(read())
    pid = await eventually(lambda: pid_in(place))
    assert is_alive(pid)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not is_alive(pid), "killed and reaped"
    async with module._slots.hold():
        pass


@pytest.mark.parametrize("kind", READERS)
async def test_a_child_that_takes_too_long_is_ended_and_its_file_refused(kind, forever, monkeypatch, eventually):
    module, read = READERS[kind]
    script, place = forever
    unbounded = asyncio.timeout
    monkeypatch.setattr(module, "CHILD", script)
    monkeypatch.setattr(module, "_slots", Slots(1, 1))
    monkeypatch.setattr(clip_check, "can_take", lambda: True)
    deadlines = []

    def told(_):
        deadlines.append(unbounded(None))
        return deadlines[-1]

    monkeypatch.setattr(children.asyncio, "timeout", told)
    reading = asyncio.create_task(read())
    pid = await eventually(lambda: pid_in(place))
    deadlines[0].reschedule(asyncio.get_running_loop().time())
    with pytest.raises(RefusedError, match="bad_"):
        await reading
    assert not is_alive(pid)


async def test_a_child_gets_none_of_our_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("VITRINE_DATABASE_URL", "postgresql://secret")
    script = tmp_path / "environment.py"
    script.write_text(ENVIRONMENT)
    found = await run_script(str(script), content=b"x", timeout_s=60, output_bytes_max=100_000, env={"NO_PROXY": "*"})
    assert found.returncode == 0 and b"NO_PROXY" in found.output
    assert b"secret" not in found.output and b"VITRINE" not in found.output


TALKS = "import sys\nwhile True:\n    getattr(sys, sys.argv[1]).write('x' * int(sys.argv[2]))\n"
SAYS = "import sys\nfor name in ('stdout', 'stderr'):\n    getattr(sys, name).write('x' * int(sys.argv[1]))\n"


@pytest.mark.parametrize("pipe", ["stdout", "stderr"])
async def test_a_child_that_goes_on_talking_is_ended(pipe, tmp_path):
    """It would fill the relay's memory with what it says: by its time limit, gigabytes."""
    script = tmp_path / "talks.py"
    script.write_text(TALKS)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ChildTalksError, match=r"talks\.py"):
        await run_script(str(script), pipe, "1000000", content=b"", timeout_s=60, output_bytes_max=100_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 50_000


async def test_the_last_byte_that_it_may_say_is_taken_and_the_next_is_too_much(tmp_path):
    script = tmp_path / "says.py"
    script.write_text(SAYS)
    found = await run_script(str(script), "1000", content=b"", timeout_s=60, output_bytes_max=1000)
    assert (found.returncode, len(found.output), len(found.words)) == (0, 1000, 1000)
    with pytest.raises(ChildTalksError):
        await run_script(str(script), "1001", content=b"", timeout_s=60, output_bytes_max=1000)
    size = str(WORDS_BYTES_MAX)
    found = await run_script(str(script), size, content=b"", timeout_s=60, output_bytes_max=WORDS_BYTES_MAX)
    assert len(found.words) == WORDS_BYTES_MAX
    more = str(WORDS_BYTES_MAX + 1)
    with pytest.raises(ChildTalksError):
        await run_script(str(script), more, content=b"", timeout_s=60, output_bytes_max=WORDS_BYTES_MAX * 2)


async def test_a_child_that_reads_nothing_of_a_large_file_ends_all_the_same(tmp_path):
    script = tmp_path / "deaf.py"
    script.write_text("import sys\nsys.stdout.write('no')\n")
    found = await run_script(str(script), content=b"x" * 5_000_000, timeout_s=60, output_bytes_max=100)
    assert (found.returncode, found.output) == (0, b"no")


@pytest.mark.parametrize("kind", READERS)
async def test_a_reader_that_talks_too_much_refuses_the_file(kind, tmp_path, monkeypatch):
    module, read = READERS[kind]
    script = tmp_path / "talks.py"
    script.write_text("import sys\nwhile True:\n    sys.stdout.write('x' * 1000000)\n")
    monkeypatch.setattr(module, "CHILD", str(script))
    monkeypatch.setattr(module, "_slots", Slots(1, 1))
    monkeypatch.setattr(clip_check, "can_take", lambda: True)
    with pytest.raises(RefusedError, match="bad_"):
        await read()


async def test_so_many_wait_for_a_turn_and_whoever_comes_then_is_told_to_come_again(eventually):
    slots, go = Slots(1, 2), asyncio.Event()
    order = []

    async def work(number):
        async with slots.hold():
            order.append(number)
            await go.wait()

    async with asyncio.TaskGroup() as tasks:
        begun = [tasks.create_task(work(number)) for number in range(3)]
        await eventually(lambda: slots.waiting == 2)
        with pytest.raises(RefusedError, match="busy") as refused:
            await work(9)
        assert refused.value.status == 503
        begun[1].cancel()
        await eventually(lambda: slots.waiting == 1)
        begun.append(tasks.create_task(work(3)))
        go.set()
    assert order == [0, 2, 3], "a turn that nobody waits for any more is the next one's"
    assert slots.waiting == 0
