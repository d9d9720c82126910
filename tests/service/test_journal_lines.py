"""What the journal is told: a priority before each line where systemd takes it, plain JSON lines elsewhere."""

import json
import os
import re
import subprocess
import sys
import tempfile

import pytest

SAY = """
import logging
from {module} import {begin} as begin
begin()
log = logging.getLogger("{logger}")
log.info("opened\\nin two lines", extra={{"device": "front"}})
log.warning("late")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a bug")
log.critical("ended")
"""
PROGRAMS = [("edge.logs", "log_to_stderr", "edge.x"), ("cloud_relay.logs", "begin", "cloud_relay.x")]
LINE = re.compile(r"<(\d)>(\{.*\})")


def lines_of(module, begin, logger, *, is_journal):
    """Run a program whose standard error is a file, named as the journal's stream or not; return its lines."""
    with tempfile.TemporaryFile() as error:
        status = os.fstat(error.fileno())
        stream = f"{status.st_dev}:{status.st_ino}" if is_journal else f"{status.st_dev}:{status.st_ino + 1}"
        code = SAY.format(module=module, begin=begin, logger=logger)
        environment = {**os.environ, "JOURNAL_STREAM": stream}
        subprocess.run([sys.executable, "-c", code], stderr=error, env=environment, check=True, timeout=60)
        error.seek(0)
        return error.read().decode().splitlines()


@pytest.mark.parametrize(("module", "begin", "logger"), PROGRAMS)
def test_the_journal_gets_one_line_an_event_with_its_priority(module, begin, logger):
    found = [LINE.fullmatch(line).groups() for line in lines_of(module, begin, logger, is_journal=True)]
    assert [priority for priority, _ in found] == ["6", "4", "3", "2"]
    events = [json.loads(body) for _, body in found]
    assert [event["message"] for event in events] == ["opened\nin two lines", "late", "a bug", "ended"]
    assert events[0]["device"] == "front"


@pytest.mark.parametrize(("module", "begin", "logger"), PROGRAMS)
def test_anywhere_else_a_line_is_json_alone(module, begin, logger):
    lines = lines_of(module, begin, logger, is_journal=False)
    assert [json.loads(line)["level"] for line in lines] == ["info", "warning", "error", "critical"]
