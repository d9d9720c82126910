"""The technician's commands. One file per group, each with a Typer `app`; a new file is added to GROUPS below."""

import typer

from edge.cli import bundle, daemon, doctor, journal
from edge.logs import quiet_libraries

GROUPS = (daemon, journal, doctor, bundle)
"""Each file's `app` is joined into the one command line, in this order; `@app.command()` makes a command of it."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="""The shop box: one daemon that owns the shop's cameras, printer, labeller, packer and scanner.

    A new box: write a configuration (examples lie in config/edge/), check it with `check-config`, get a claim code
    from the merchant's page, `enrol` with it, then `run` (as a service: systemd/vitrine-edge.service).

    店内主机：先写配置文件（示例见 config/edge/），用 check-config 检查，用认领码 enrol，然后 run。""",
)
for group in GROUPS:
    app.add_typer(group.app)


def main() -> None:
    """Run the command line."""
    quiet_libraries()
    app(prog_name="vitrine-edge")
