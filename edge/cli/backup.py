"""`vitrine-edge backup` and `vitrine-edge restore`: journal and identity in one sealed file, and back."""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.asking import DEFAULT_CONFIG, Config, load, stop
from edge.cli.language import say

app = typer.Typer()

NewPassphrase = Annotated[
    str,
    typer.Option(
        envvar="VITRINE_BACKUP_PASSPHRASE", prompt=say("Passphrase", "口令"), hide_input=True, confirmation_prompt=True,
        help=say("At least 12 characters; better by the prompt or the environment", "至少 12 个字符"),
    ),
]  # fmt: skip
Passphrase = Annotated[
    str,
    typer.Option(
        envvar="VITRINE_BACKUP_PASSPHRASE", prompt=say("Passphrase", "口令"), hide_input=True,
        help=say("As when it was made", "备份时的口令"),
    ),
]  # fmt: skip


@app.command(
    help=say(
        """Copy journal, identity and configuration into one file, sealed with a passphrase.

        The daemon may run: the copy is of one moment. Whoever has file and passphrase can speak for the shop: keep them
        apart. For a planned move stop the daemon and take the last backup with --last; this box will not run again.

        Example: sudo vitrine-edge backup --to /media/usb/shop.sealed""",
        """备份流水、身份和配置到一个用口令加密的文件。

        主机可以继续运行。口令与文件请分开保管。计划更换主机时，先停止程序，再用 --last 做最后一次备份，本机不再运行。

        例：sudo vitrine-edge backup --to /media/usb/shop.sealed""",
    )
)
def backup(
    passphrase: NewPassphrase,
    config: Config = DEFAULT_CONFIG,
    to: Annotated[Path | None, typer.Option("--to", help=say("The file to write", "输出文件"))] = None,
    last: Annotated[
        bool,
        typer.Option(
            "--last", help=say("This box ends here; another goes on from this backup", "最后一次备份，由新主机继续")
        ),
    ] = False,
) -> None:
    """Make a backup."""
    from edge.care import backup as care
    from edge.care.replacing import DaemonRunsError, hold

    now, loaded = datetime.now(UTC), load(config)
    data_dir = loaded.shop.data_dir
    path = to or Path(f"vitrine-backup-{now:%Y%m%d-%H%M%S}.sealed")
    try:
        with hold(data_dir, is_needed=last):
            sealed, about = care.make_backup(data_dir, config, passphrase, now, secrets.token_bytes, is_last=last)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(sealed)
                os.fsync(file.fileno())
            if last:
                (data_dir / care.MOVED_AWAY).write_text(about.made_at + "\n")
    except (care.BackupError, DaemonRunsError) as error:
        stop(f"no backup: {error}", 1)
    except OSError as error:
        stop(f"no backup: {error.filename or path}: {error.strerror}", 1)
    size, entries = len(sealed), about.entries
    print(say(f"{path}  {size} bytes, journal to entry {entries}", f"{path}  {size} 字节，流水到第 {entries} 条"))
    if last:
        print(say("this box will not run again; restore the file on the new one", "本机不再运行，请在新主机上恢复"))


@app.command(
    help=say(
        """Put a backup back.

        A backup made with --last comes into force whole: run the daemon and it goes on. Any other may be older than the
        last label, so it is only laid beside the data for reading; the box gets its work with `replace-box`.

        Example: sudo vitrine-edge restore /media/usb/shop.sealed""",
        """恢复备份。

        只有 --last 的备份会直接生效；其他备份可能早于最后一张标签，仅供查看，请用 replace-box 让新主机接手。

        例：sudo vitrine-edge restore /media/usb/shop.sealed""",
    )
)
def restore(
    file: Annotated[Path, typer.Argument(help=say("What `backup` wrote", "备份文件"))],
    passphrase: Passphrase,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Put a backup back."""
    from edge.care import backup as care

    data_dir = load(config).shop.data_dir
    try:
        files, about = care.open_backup(file.read_bytes(), passphrase)
        folder = care.put_back(files, about, data_dir)
    except care.BackupError as error:
        stop(f"not restored: {error}", 1)
    except OSError as error:
        stop(f"not restored: {error.filename or file}: {error.strerror}", 1)
    of = f"{about.shop_id}, {about.entries}, {about.made_at}"
    print(say(f"{folder}: shop, journal entries, made at: {of}", f"{folder}：店铺、流水条数、备份时间：{of}"))
    if not about.is_last:
        command = f"vitrine-edge replace-box CLAIM --config {config}"
        print(
            say(
                "The old box may have gone on after this backup, so nothing of it is in force. Next: get a claim on\n"
                f"the merchant's page and run: {command}",
                f"备份之后旧主机可能还在工作，故不直接生效。请在商家页面取认领码，然后运行：{command}",
            )
        )
