"""Commands about the daemon itself: run it, check its configuration, enrol the box, say how it is."""

import json
import sys
from typing import Annotated

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_FAILED, AsJson, Config, ask_daemon, load, stop
from edge.cli.language import said, say, teaching
from edge.cli.terminal import GREEN, YELLOW, paint, progress
from wire.light_start import light_start

app = typer.Typer()


@app.command(
    help=teaching(
        """Run the shop daemon until it is told to end.

        It tells systemd when it is ready; its log is JSON lines on standard error. Ends with 78 when the configuration
        or enrolment must be mended first, 75 when another daemon works in the same data directory, 70 when the
        journal is damaged, 1 after a bug.

        Example: vitrine-edge run --config shop.toml""",
        """运行店内主机程序。

        就绪后通知 systemd；日志为标准错误上的 JSON 行。退出码：78 须先修改配置或登记，75 同一数据目录已有守护程序，
        70 流水损坏，1 程序错误。

        例：vitrine-edge run --config shop.toml""",
    )
)
def run(
    config: Config = DEFAULT_CONFIG,
    log_level: Annotated[str, typer.Option(help=say("DEBUG, INFO or WARNING", "日志级别"))] = "INFO",
) -> None:
    """Run the shop daemon."""
    from edge.logs import quiet_libraries
    from edge.memory import give_pictures_back

    quiet_libraries()
    give_pictures_back()
    with light_start():
        from edge.running import run_daemon

    code, words = run_daemon(load(config), log_level)
    if code and sys.stderr.isatty():
        print(words, file=sys.stderr)
    raise typer.Exit(code)


@app.command(
    help=teaching(
        """Say everything that is wrong with a configuration, or what it sets up.

        Example: vitrine-edge check-config --config shop.toml""",
        """检查配置文件，列出全部问题或其设置的设备。

        例：vitrine-edge check-config --config shop.toml""",
    )
)
def check_config(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check a configuration."""
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
    print(f"{config}: " + say("ok", "配置正确"))


@app.command(
    help=teaching(
        """Make this box known to a relay with a one-time claim code.

        The box makes its own key, which never leaves it. The relay's CA is trusted only if it has the fingerprint that
        stands in the claim.

        Example: vitrine-edge enrol 'K7Q4-M2X8@https://mall.example:8443#9f86d0…'""",
        """用一次性认领码登记本机。

        主机自行生成密钥，密钥不离开本机；只有指纹与认领码一致的 CA 才会被信任。

        例：vitrine-edge enrol 'K7Q4-M2X8@https://mall.example:8443#9f86d0…'""",
    )
)
def enrol(
    claim: Annotated[
        str,
        typer.Argument(help=say("CODE@https://host:port#fingerprint, from the merchant's page", "商家网页上的认领码")),
    ],
    config: Config = DEFAULT_CONFIG,
    again: Annotated[
        bool, typer.Option("--again", help=say("Replace an enrolment that exists", "覆盖已有登记"))
    ] = False,
) -> None:
    """Make this box known to a relay."""
    from edge.enrolment import EnrolmentError, parse_claim
    from edge.enrolment import enrol as make_known
    from edge.identity import Identity

    identity = Identity(load(config).shop.data_dir)
    if identity.is_enrolled and not again:
        words = say("this box is enrolled already; use --again to replace that", "本机已登记；如需覆盖请加 --again")
        stop(f"{identity.folder}: {words}", EXIT_FAILED)
    try:
        with progress(say("asking the relay", "正在联系平台")):
            answer = make_known(identity, parse_claim(claim))
    except EnrolmentError as error:
        stop(say(f"not enrolled: {error}", f"登记失败：{error}"), EXIT_FAILED)
    said_so = say(f"enrolled as shop {answer.shop_id}; now", f"登记成功，店铺 {answer.shop_id}；下一步")
    print(f"{said_so}: vitrine-edge run --config {config}")


@app.command(
    help=teaching(
        """Say how the running daemon is: link, clock, devices, journal.

        Example: vitrine-edge status --json""",
        """查看运行状态：连接、时钟、设备、流水。

        例：vitrine-edge status --json""",
    )
)
def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say how the running daemon is."""
    answer = ask_daemon(config, "status")
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    is_near = answer["is_relay_near"]
    link = say("within reach", "已连接") if is_near else say("out of reach", "未连接")
    print(say("relay", "平台") + "     " + paint(link, GREEN if is_near else YELLOW))
    print(say("journal", "流水") + "   " + "  ".join(f"{name}={count}" for name, count in answer["journal"].items()))
    for device in answer["devices"]:
        is_well = device["health"] == "online"
        print(f"{device['device']:<16} {paint(device['health'], '' if is_well else YELLOW)}  {said(device['text'])}")
