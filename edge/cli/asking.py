"""What every command shares: which configuration, how it ends with words and an exit code, how it asks the daemon."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from edge.cli.language import said, say

if TYPE_CHECKING:
    from edge.config import EdgeConfig
    from edge.control_client import Conversation, DaemonDownError, VerbFailedError

EXIT_FAILED = 1
"""What was asked could not be done; the sentence says why."""

EXIT_USAGE = 2
"""The command line itself is wrong (Click's own code)."""

EXIT_DOWN = 3
"""No daemon runs (as `systemctl status` says it, LSB)."""

EXIT_CONFIG = 78
"""EX_CONFIG of sysexits(3): systemd does not start the daemon again for it (RestartPreventExitStatus)."""

Config = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="VITRINE_CONFIG", help=say("The shop's TOML file", "店铺配置文件 (TOML)")),
]
AsJson = Annotated[bool, typer.Option("--json", help=say("Print JSON instead of lines", "输出 JSON"))]
DEFAULT_CONFIG = Path("/etc/vitrine/edge.toml")


def stop(message: str, code: int) -> NoReturn:
    """End the command with a sentence on standard error."""
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def load(path: Path) -> "EdgeConfig":
    """Return the checked configuration; ends the command with 78 and every problem found."""
    from edge.config import BadConfigError, load_config
    from edge.logs import quiet_libraries

    quiet_libraries()
    try:
        return load_config(path)
    except BadConfigError as error:
        stop("\n".join(error.problems), EXIT_CONFIG)


def read_tables(path: Path) -> dict[str, Any]:
    """Return the configuration as plain tables, unchecked and without loading a driver; ends with 78 if unreadable."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        stop(
            say(
                f"{path}: cannot be read: {error.strerror}; name the shop's file with --config or VITRINE_CONFIG",
                f"{path}：无法读取（{error.strerror}）；请用 --config 或 VITRINE_CONFIG 指定配置文件",
            ),
            EXIT_CONFIG,
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        stop(say(f"{path}: is not TOML: {error}", f"{path}：不是有效的 TOML：{error}"), EXIT_CONFIG)


def data_dir_of(path: Path) -> Path:
    """Return the data directory of the box, where its daemon listens; a relative one counts from the file."""
    shop = read_tables(path).get("shop")
    data_dir = shop.get("data_dir") if isinstance(shop, dict) else None
    if not isinstance(data_dir, str) or not data_dir:
        stop(
            say(
                f"{path}: shop.data_dir: is missing; see check-config",
                f"{path}：缺少 shop.data_dir；请运行 check-config",
            ),
            EXIT_CONFIG,
        )
    return (path.parent / data_dir).absolute()


def ask_daemon(config: Path, verb: str, **facts: Any) -> Any:
    """Return the daemon's answer; ends the command with words when there is none."""
    return converse(config, verb, lambda talk: talk.finish(), **facts)


def converse(
    config: Path, verb: str, work: Callable[["Conversation"], Any], *, reply_s: float = 10.0, **facts: Any
) -> Any:
    """Return what `work` makes of a conversation with the daemon; ends the command with words when that fails."""
    from edge.control_client import Conversation, DaemonDownError, VerbFailedError, socket_path

    path = socket_path(data_dir_of(config))
    try:
        with Conversation(path, verb, reply_s=reply_s, **facts) as talk:
            return work(talk)
    except VerbFailedError as error:
        stop(failure(error), EXIT_FAILED)
    except DaemonDownError as error:
        stop_down(config, error)


def failure(error: "VerbFailedError") -> str:
    """Return the daemon's words: the sentence for a person first, then what the device said."""
    sentence = said(error.text)
    if str(error) in error.text.values():
        return sentence
    return (sentence or str(error)) if not error.reason or sentence in ("", str(error)) else f"{sentence}\n  {error}"


def stop_down(config: Path, error: "DaemonDownError") -> NoReturn:
    """End a command that needs the running daemon: say so, and what to do."""
    from edge.control_client import NoPermissionError

    if isinstance(error, NoPermissionError):
        stop(
            say(
                f"this account may not speak to the daemon ({error}); run the command with sudo",
                f"当前账户无权连接守护程序（{error}）；请用 sudo 运行",
            ),
            EXIT_DOWN,
        )
    stop(
        say(
            f"the daemon does not run ({error})\n"
            "  It alone opens the devices. Start it: sudo systemctl start vitrine-edge\n"
            f"  (by hand: vitrine-edge run --config {config}); if it ends again: vitrine-edge logs, then doctor",
            f"守护程序未在运行（{error}）\n"
            "  设备只由它打开。请启动：sudo systemctl start vitrine-edge\n"
            f"  （手动：vitrine-edge run --config {config}）；若再次退出，请看 vitrine-edge logs 和 doctor",
        ),
        EXIT_DOWN,
    )
