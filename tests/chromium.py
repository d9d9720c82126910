"""Which Chromium the tests drive: the one without windows where it is installed, which needs a third less processor."""

import shutil

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
"""Debian's packages, the first two of one source: the same pages, scripts, pictures and connections."""
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
