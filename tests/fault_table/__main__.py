"""`python -m tests.fault_table` runs every cell; with `--write` it writes docs/faults.md from the table."""

import sys
from pathlib import Path

import pytest

from tests.fault_table.document import PATH, document

HERE = Path(__file__).parent


def main(words: list[str]) -> int:
    """Return the exit code; other words go to pytest (`-k printer`)."""
    if words == ["--write"]:
        PATH.write_text(document(), encoding="utf-8")
        return 0
    return int(pytest.main([str(HERE), "-q", "-p", "no:cacheprovider", "--sweep", "full", *words]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
