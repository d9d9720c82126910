"""What every command shares: which configuration, how it ends with words and an exit code, how it asks the daemon."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from edge.config import EdgeConfig

EXIT_CONFIG = 78
"""EX_CONFIG of sysexits(3): systemd does not start the daemon again for it (RestartPreventExitStatus)."""

EXIT_DOWN = 3
"""No daemon runs (as `systemctl status` says it, LSB)."""

Config = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="VITRINE_CONFIG", help="The shop's TOML file 配置文件"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines 输出 JSON")]
DEFAULT_CONFIG = Path("/etc/vitrine/edge.toml")


def stop(message: str, code: int) -> NoReturn:
    """End the command with a sentence on standard error."""
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def load(path: Path) -> "EdgeConfig":
    """Return the checked configuration; ends the command with 78 and every problem found."""
    from edge.config import BadConfigError, load_config  # noqa: PLC0415  # loads drivers, which most commands don't need

    try:
        return load_config(path)
    except BadConfigError as error:
        stop("\n".join(error.problems), EXIT_CONFIG)
