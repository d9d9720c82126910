"""Starts programs, says when one dies and starts it again, and leaves none behind."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""prctl(2): the child gets a signal when its parent dies, so that not even SIGKILL of the demo leaves a process."""

STOP_S = 8.0
"""How long a program may take to end after SIGTERM; the shop stops motion and streams in less than two seconds."""

LOOK_S = 0.02
"""How often a program that starts is looked at: several wait for one another, and each pause would be added."""

RESTART_S = 1.0
RESTARTS_MAX = 20
"""A program that dies this often will die again; the demo says so and ends."""


class ProgramFailedError(RuntimeError):
    """A program did not become ready, or died too often; the message names its log."""


@dataclass(slots=True)
class Program:
    """One program: `is_ready` is asked until it says yes; `log` takes everything it prints."""

    name: str
    arguments: list[str]
    log: Path
    is_ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_s: float = 150.0
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Owns the programs of one mall. `say` tells the person at the terminal."""

    def __init__(self, say: Callable[[str], None], folder: Path) -> None:
        self._say, self._folder = say, folder
        self._programs: list[Program] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._ended: set[str] = set()
        self._is_stopping = False
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def restarts(self) -> int:
        """How often anything died and was started again."""
        return sum(program.restarts for program in self._programs)

    async def start(self, program: Program) -> None:
        """Start a program, wait until it is ready, and keep it running from then on."""
        self._programs.append(program)
        await self._launch(program)
        watcher = asyncio.create_task(self._keep(program), name=program.name)
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _launch(self, program: Program) -> None:
        with program.log.open("ab") as log:
            program.process = await asyncio.create_subprocess_exec(
                *program.arguments, cwd=self._folder, env={**os.environ, **program.environment},
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=_die_with_parent,
            )  # fmt: skip
        deadline = asyncio.get_running_loop().time() + program.ready_s
        while not await program.is_ready():
            if program.process.returncode is not None:
                raise ProgramFailedError(f"{program.name} ended at once; see {program.log}{_tail(program.log)}")
            if asyncio.get_running_loop().time() > deadline:
                raise ProgramFailedError(
                    f"{program.name} was not ready after {program.ready_s:.0f} s; see {program.log}{_tail(program.log)}"
                )
            await asyncio.sleep(LOOK_S)

    async def _keep(self, program: Program) -> None:
        while not self._is_stopping:
            assert program.process is not None
            code = await program.process.wait()
            if self._is_stopping or program.name in self._ended:
                return
            program.restarts += 1
            self._say(f"{program.name} died ({_meaning(code)}); starting it again. Its log: {program.log}")
            try:
                if program.restarts > RESTARTS_MAX:
                    raise ProgramFailedError(f"{program.name} died {program.restarts} times")
                await asyncio.sleep(RESTART_S)
                await self._launch(program)
            except ProgramFailedError as error:
                if not self.failure.done():
                    self.failure.set_exception(error)
                return
            self._say(f"{program.name} is back")

    async def stop(self) -> None:
        """End every program, the last started first; what does not end in time is killed."""
        self._is_stopping = True
        for program in reversed(self._programs):
            await _end(program)
        for watcher in list(self._watchers):
            await watcher
        if self.failure.done():
            self.failure.exception()

    async def end(self, name: str) -> None:
        """End one program and leave it ended."""
        program = self.program(name)
        self._ended.add(name)
        await _end(program)

    def program(self, name: str) -> Program:
        """Return a program by name."""
        return next(program for program in self._programs if program.name == name)


async def _end(program: Program) -> None:
    process = program.process
    if process is None:
        return
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_S)
    # The whole session goes, whatever the program itself started.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def run_once(arguments: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed; raise ProgramFailedError with its words otherwise."""
    process = await asyncio.create_subprocess_exec(
        *arguments, cwd=folder, env={**os.environ, **(environment or {})}, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    if process.returncode:
        raise ProgramFailedError(f"{' '.join(arguments[1:4])} failed ({process.returncode}):\n{text[-2000:]}")
    return text


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command line of one of our own programs under this very interpreter."""
    return [sys.executable, "-m", module, *arguments]


async def port_answers(port: int) -> bool:
    """Return whether something listens on a loopback port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _tail(log: Path, lines: int = 12) -> str:
    text = log.read_text(errors="replace").splitlines()[-lines:]
    return "".join(f"\n    {line}" for line in text)


def _meaning(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
