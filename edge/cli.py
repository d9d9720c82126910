"""The technician's commands: run the shop daemon, check its configuration, enrol the box, read its journal."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from edge.config import BadConfigError, EdgeConfig, load_config
from edge.logs import quiet_libraries
from edge.memory import give_pictures_back

EXIT_CONFIG = 78
"""EX_CONFIG of sysexits(3): systemd does not start the daemon again for it (RestartPreventExitStatus)."""

EXIT_RUNNING = 75

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="""The shop box: one daemon that owns the shop's cameras, printer, labeller, packer and scanner.

    A new box: write a configuration (examples lie in config/edge/), check it with `check-config`, get a claim code
    from the merchant's page, `enrol` with it, then `run` (as a service: systemd/vitrine-edge.service).

    店内主机：先写配置文件（示例见 config/edge/），用 check-config 检查，用认领码 enrol，然后 run。""",
)

Config = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="VITRINE_CONFIG", help="The shop's TOML file 配置文件"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines 输出 JSON")]
DEFAULT_CONFIG = Path("/etc/vitrine/edge.toml")


def main() -> None:
    """Run the command line."""
    quiet_libraries()
    app(prog_name="vitrine")


def _stop(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def _load(path: Path) -> EdgeConfig:
    try:
        return load_config(path)
    except BadConfigError as error:
        _stop("\n".join(error.problems), EXIT_CONFIG)


@app.command()
def run(
    config: Config = DEFAULT_CONFIG,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO or WARNING 日志级别")] = "INFO",
) -> None:
    """Run the shop daemon until it is told to end (运行店内主机程序).

    It tells systemd when it is ready; its log is JSON lines on standard error. Ends with 78 when the configuration or
    enrolment must be mended first, 75 when another daemon works in the same data directory, 1 after a bug.
    """
    give_pictures_back()
    from edge.running import run_daemon  # noqa: PLC0415  # loads cameras and codecs, which the other commands don't need

    code, words = run_daemon(_load(config), log_level)
    if code and sys.stderr.isatty():
        print(words, file=sys.stderr)
    raise typer.Exit(code)


@app.command()
def check_config(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say everything that is wrong with a configuration, or what it sets up (检查配置文件)."""
    loaded = _load(config)
    devices = [
        {"device": device.name, "kind": device.kind, "model": device.model, "scale": device.driver.scale}
        for device in loaded.devices.values()
    ]
    if as_json:
        print(json.dumps({"ok": True, "devices": devices, "viewing": sorted(loaded.viewing)}, ensure_ascii=False))
        return
    for line in devices:
        print(f"{line['device']:<16} {line['kind']}.{line['model']}  ({line['scale']})")
    print(f"{config}: ok 配置正确")


@app.command()
def enrol(
    claim: Annotated[str, typer.Argument(help="CODE@https://host:port#fingerprint, from the merchant's page 认领码")],
    config: Config = DEFAULT_CONFIG,
    again: Annotated[bool, typer.Option("--again", help="Replace an enrolment that exists 重新认领")] = False,
) -> None:
    """Make this box known to a relay with a one-time claim code (用一次性认领码登记本机).

    The box makes its own key, which never leaves it. The relay's CA is trusted only if it has the fingerprint that
    stands in the claim.
    """
    from edge.enrolment import EnrolmentError, parse_claim  # noqa: PLC0415  # starts faster without
    from edge.enrolment import enrol as make_known  # noqa: PLC0415
    from edge.identity import Identity  # noqa: PLC0415

    identity = Identity(_load(config).shop.data_dir)
    if identity.is_enrolled and not again:
        _stop(f"{identity.folder}: this box is enrolled already; use --again to replace that", 1)
    try:
        answer = make_known(identity, parse_claim(claim))
    except EnrolmentError as error:
        _stop(f"not enrolled: {error}", 1)
    print(f"enrolled as shop {answer.shop_id}; now: vitrine run --config {config} 登记成功")


@app.command()
def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say how the running daemon is: relay, clock, devices, journal (查看运行状态)."""
    from edge.control_socket import DaemonDownError, ask, socket_path  # noqa: PLC0415  # starts faster without

    try:
        answer = ask(socket_path(_load(config).shop.data_dir), "status")
    except DaemonDownError:
        _stop("the daemon does not run 未在运行", 3)
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    print("relay     " + ("within reach 已连接" if answer["is_relay_near"] else "out of reach 未连接"))
    print(f"journal   {answer['journal']}")
    for device in answer["devices"]:
        print(f"{device['device']:<16} {device['health']:<16} {device['text']['en']} {device['text']['zh']}")


journal = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Read the journal; it is never written. 查看流水记录。"
)
app.add_typer(journal, name="journal")


@journal.command("orders")
def journal_orders(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List parcels, those in work first (列出包裹)."""
    from edge import journal_view  # noqa: PLC0415  # starts faster without

    rows = _look(config, "orders", journal_view.orders)
    _show(rows, as_json, lambda row: f"{row['parcel_id']}  {row['stage']:<20} {row['changed_at']}  {row['piece_id']}")


@journal.command("parcel")
def journal_parcel(
    parcel_id: Annotated[str, typer.Argument(help="par_… 包裹编号")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Tell one parcel's story, entry by entry (查看一个包裹的全过程)."""
    from edge import journal_view  # noqa: PLC0415  # starts faster without

    rows = _look(config, "story", lambda run: journal_view.story(run, parcel_id), parcel_id=parcel_id)
    _show(rows, as_json, lambda row: f"{row['sequence']:>7}  {row.get('at', '')}  {row['what']:<20} {_rest(row)}")


@journal.command("intents")
def journal_intents(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List what devices were told to do and nobody knows whether they did (列出结果未知的动作)."""
    from edge import journal_view  # noqa: PLC0415  # starts faster without

    rows = _look(config, "intents", journal_view.open_intents)
    _show(
        rows, as_json, lambda row: f"{row['intent_id']}  {row['parcel_id']}  {row['act']} {row['device']} {row['at']}"
    )


@journal.command("summary")
def journal_summary(config: Config = DEFAULT_CONFIG) -> None:
    """Count entries, open commands, unconfirmed reports, parcels in work (数量汇总)."""
    from edge import journal_view  # noqa: PLC0415  # starts faster without

    print(json.dumps(_look(config, "summary", journal_view.summary), indent=1))


def _look(config: Path, verb: str, look: Callable[[Any], Any], **facts: str) -> Any:
    """Ask the running daemon, or look into the file of one that does not run."""
    from edge.control_socket import DaemonDownError, VerbFailedError, ask, socket_path  # noqa: PLC0415
    from edge.journal_view import JournalAbsentError, read_file  # noqa: PLC0415  # as in every command

    data_dir = _load(config).shop.data_dir
    try:
        return ask(socket_path(data_dir), verb, **facts)
    except DaemonDownError:
        pass
    except VerbFailedError as error:
        _stop(str(error), 1)
    try:
        return read_file(data_dir / "journal.db", look)
    except (JournalAbsentError, LookupError) as error:
        _stop(str(error.args[0] if error.args else error), 1)


def _show(rows: list[dict[str, Any]], as_json: bool, line: Callable[[dict[str, Any]], str]) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        print(line(row))
    if not rows:
        print("nothing 无")


def _rest(row: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in row.items() if key not in ("sequence", "at", "what"))
