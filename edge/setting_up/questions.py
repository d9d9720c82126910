"""Every question of setup: what is asked, why, and what is taken when nobody answers. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from wire.plan import Text

NONE = "none"
"""The answer for a device that there is not: a person does its work."""


def anything(_answer: str) -> str:
    """Take any answer."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `why` explains it when `?` is typed; `fault` returns why an answer cannot be, or ""."""

    key: str
    text: Text
    why: Text
    default: str = ""
    fault: Callable[[str], str] = anything
    is_secret: bool = False


def _pin_fault(answer: str) -> str:
    is_good = answer.isascii() and answer.isdigit() and 4 <= len(answer) <= 12
    return "" if is_good else "4 to 12 digits 4 到 12 位数字"


def _millimetres(answer: str) -> str:
    try:
        return "" if 10 <= float(answer) <= 600 else "10 to 600 mm"
    except ValueError:
        return "a number of millimetres 毫米数"


def _start(answer: str) -> str:
    return "" if answer in ("service", "background", "running") else "service, background or running"


LANGUAGE = Question(
    key="language",
    text=Text(en="Language of the attendant's page (en or zh)", zh="店员页面的语言（en 或 zh）"),
    why=Text(
        en="Everybody can switch on the page; this is what it begins with.", zh="页面上可随时切换；这是初始语言。"
    ),
    default="zh",
    fault=lambda answer: "" if answer in ("en", "zh") else "en or zh",
)
DATA_DIR = Question(
    key="data_dir",
    text=Text(en="Folder for journal, key and pictures", zh="流水、密钥和图片的存放目录"),
    why=Text(
        en="The journal is the shop's memory of every parcel: put it on a good disk. Installed: keep the default.",
        zh="流水记录每个包裹：请放在可靠的磁盘上。已安装的主机请保留默认值。",
    ),
    default="/var/lib/vitrine-edge",
)
PIN = Question(
    key="pin",
    text=Text(en="PIN of the attendant's page", zh="店员页面的密码"),
    why=Text(
        en="Whoever stands at the bench types it once a day. The page is on this machine only.",
        zh="工作台的人每天输入一次。页面只能在本机打开。",
    ),
    fault=_pin_fault,
    is_secret=True,
)
PAGE_PORT = Question(
    key="page_port",
    text=Text(en="Port of the attendant's page", zh="店员页面的端口"),
    why=Text(
        en="The page is at http://127.0.0.1:PORT; change it only if another program has it.",
        zh="页面地址为 http://127.0.0.1:端口；仅在被占用时更改。",
    ),
    default="8321",
    fault=lambda answer: "" if answer.isdigit() and 0 < int(answer) < 65536 else "1 to 65535",
)
LABEL_WIDTH = Question(
    key="label_width_mm",
    text=Text(en="Width of the labels in mm", zh="标签宽度（毫米）"),
    why=Text(
        en="Measure the printable width. Codes are drawn dot by dot for it; a wrong width cuts them off.",
        zh="请量可打印宽度。条码按点绘制，宽度不对会被截断。",
    ),
    default="100",
    fault=_millimetres,
)
LABEL_LENGTH = Question(
    key="label_length_mm",
    text=Text(en="Length of the labels in mm", zh="标签长度（毫米）"),
    why=Text(en="From gap to gap, without the gap.", zh="两个间隙之间的长度，不含间隙。"),
    default="150",
    fault=_millimetres,
)
VIEWING = Question(
    key="viewing",
    text=Text(
        en="Names of the cameras that shoppers look through, with spaces between; empty for none",
        zh="供买家看货的摄像头名称，空格分隔；没有则留空",
    ),
    why=Text(
        en="As named on the merchant's page, for example: front table. The bench camera is asked for by itself.",
        zh="与商家页面上的名称一致，例如：front table。工作台摄像头另外询问。",
    ),
)
MALL = Question(
    key="mall",
    text=Text(en="Address of the mall's pages, for the label that the merchant scans; empty for no label",
              zh="商城网址，用于打印给商家扫描的标签；留空则不打印"),
    why=Text(
        en="A label with a QR code comes out of the printer. The merchant scans it with the phone, lets exactly this "
        "box in, and holds the phone with the claim code before the shop's scanner or camera.",
        zh="打印机会打出带二维码的标签。商家用手机扫描，准许这台主机接入，再把手机上的认领码给扫码枪或摄像头看。",
    ),
)  # fmt: skip
CLAIM = Question(
    key="claim",
    text=Text(
        en="Claim code from the merchant's page: type it, or press Enter and hold the phone before scanner or camera",
        zh="商家页面上的认领码：可输入，或直接回车后把手机对准扫码枪或摄像头",
    ),
    why=Text(
        en="It holds ten minutes and works once. It names the relay and its certificate, so that this box trusts no "
        "other; and it can be made for this box alone, so that nobody else can use it.",
        zh="认领码十分钟内有效，只能用一次。它写明平台及其证书，主机只信任它；还可限定只供本机使用。",
    ),
    is_secret=True,
)
START = Question(
    key="start",
    text=Text(
        en="Start the daemon: service (systemd), background (now, without a service) or running (it runs already)",
        zh="启动守护程序：service（systemd 服务）、background（现在后台运行）或 running（已在运行）",
    ),
    why=Text(
        en="An installed box has the service: it starts with the machine and is watched. background is for trying.",
        zh="已安装的主机用 service：随机启动并受监护。background 仅供试用。",
    ),
    default="service",
    fault=_start,
)
