"""A program that runs pytest again and again, each time in a fork: it has loaded other people's libraries by then.

It reads one line for each run, `[file for what is said, word…]`, and answers each with a line: pytest's exit code.
Nothing of ours is loaded before the fork, so that each run meets the code as it is then.
"""

import importlib
import json
import os
import sys
from typing import Any

PRELOADED = (
    "alembic.command", "anyio", "argon2", "asyncio", "cryptography.x509", "email.message", "fastapi", "httpx",
    "hypothesis", "ifaddr", "jinja2", "numpy", "PIL.Image", "psycopg", "pydantic", "pytest", "pytest_asyncio.plugin",
    "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite", "uvicorn",
    "xdist.scheduler",
)  # fmt: skip
"""What most runs need and what takes long to load."""


def _run_forked(out: str, words: list[str]) -> int:
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 70  # EX_SOFTWARE of sysexits.h: pytest itself could not run
    try:
        said = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        pytest: Any = importlib.import_module("pytest")
        code = int(pytest.main(words))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)  # what the parent would do at its end is not the child's


def main() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        out, *words = json.loads(line)
        print(_run_forked(out, words), flush=True)


if __name__ == "__main__":
    main()
