"""Commands about the daemon itself: run it, check its configuration, enrol the box, say how it is."""

import json
import sys
from typing import Annotated

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_DOWN, AsJson, Config, load, stop
from edge.memory import give_pictures_back

app = typer.Typer()


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

    code, words = run_daemon(load(config), log_level)
    if code and sys.stderr.isatty():
        print(words, file=sys.stderr)
    raise typer.Exit(code)


@app.command()
def check_config(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say everything that is wrong with a configuration, or what it sets up (检查配置文件)."""
    loaded = load(config)
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

    identity = Identity(load(config).shop.data_dir)
    if identity.is_enrolled and not again:
        stop(f"{identity.folder}: this box is enrolled already; use --again to replace that", 1)
    try:
        answer = make_known(identity, parse_claim(claim))
    except EnrolmentError as error:
        stop(f"not enrolled: {error}", 1)
    print(f"enrolled as shop {answer.shop_id}; now: vitrine-edge run --config {config} 登记成功")


@app.command()
def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say how the running daemon is: relay, clock, devices, journal (查看运行状态)."""
    from edge.control_socket import DaemonDownError, ask, socket_path  # noqa: PLC0415  # starts faster without

    try:
        answer = ask(socket_path(load(config).shop.data_dir), "status")
    except DaemonDownError:
        stop("the daemon does not run 未在运行", EXIT_DOWN)
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    print("relay     " + ("within reach 已连接" if answer["is_relay_near"] else "out of reach 未连接"))
    print(f"journal   {answer['journal']}")
    for device in answer["devices"]:
        print(f"{device['device']:<16} {device['health']:<16} {device['text']['en']} {device['text']['zh']}")
