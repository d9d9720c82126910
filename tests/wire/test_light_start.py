"""What a light start leaves out, and that it leaves the interpreter as it found it."""

import subprocess
import sys

SEEN = """
import gc
from wire.light_start import light_start
with light_start():
    print(gc.isenabled())
    import httpx
import sys
print(gc.isenabled(), gc.get_freeze_count() > 0, "rich" in sys.modules, httpx.Client.__name__)
"""


def test_httpx_works_without_its_command_line_and_garbage_is_searched_for_again():
    shown = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "True", "True", "False", "Client"]


def test_it_is_searched_for_again_after_an_error_too():
    failing = (
        "import gc\nfrom wire.light_start import light_start\ntry:\n    with light_start():\n        raise OSError\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", failing + "except OSError:\n    print(gc.isenabled())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip() == "True"
