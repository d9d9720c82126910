"""`vitrine-edge replace-box`: this box takes a dead one's place."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from edge.cli.asking import DEFAULT_CONFIG, Config, load, stop
from edge.cli.language import say

app = typer.Typer()


@app.command(
    "replace-box",
    help=say(
        """Take a dead box's place with a new claim: open orders come here, the old box is shut out.

        The key is made here and now. The relay takes the old box's certificates back: broker and door refuse it from
        then on. It sends this box the plan and every open parcel; for each the attendant is asked how it is, before
        any machine moves: a label that may exist is looked for, never printed beside. Switch the old box off all the
        same.

        Example: sudo vitrine-edge replace-box 'CODE@https://relay.example:8443#fingerprint'""",
        """新主机用新认领码接手：未完成的订单转到本机，旧主机的证书立即吊销。

        每个未完成的包裹都会先请店员确认，设备才会动作，不会重复打印标签。请务必关闭旧主机。

        例：sudo vitrine-edge replace-box 'CODE@https://relay.example:8443#fingerprint'""",
    ),
)
def replace_box(
    claim: Annotated[
        str,
        typer.Argument(help=say("CODE@https://host:port#fingerprint, from the merchant's page", "商家页面上的认领码")),
    ],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Take a dead box's place."""
    from edge.care import replacing
    from edge.enrolment import EnrolmentError, parse_claim

    data_dir = load(config).shop.data_dir
    try:
        answer, aside = replacing.replace_box(data_dir, parse_claim(claim), datetime.now(UTC))
    except (EnrolmentError, replacing.DaemonRunsError) as error:
        stop(f"not replaced: {error}", 1)
    if aside is not None:
        print(say(f"what lay here before is in {aside}", f"原有数据已移到 {aside}"))
    shop = answer.shop_id
    print(say(f"this box is shop {shop} now; the old one is shut out", f"本机已接手店铺 {shop}，旧主机已停用"))
    print(
        say(
            "next: systemctl start vitrine-edge, then answer the page's questions about open parcels",
            "下一步：systemctl start vitrine-edge，然后在店员页面回答未完成包裹的问题",
        )
    )
