"""Every sentence of a bench check, in both languages. Pure."""

from wire.plan import Text

TITLES = {
    "print": Text(en="Print a code", zh="打印测试码"),
    "apply": Text(en="Stick it on the test card", zh="贴到测试卡上"),
    "look": Text(en="Bench camera reads it", zh="工作台摄像头读码"),
    "scan": Text(en="Scanner reads it", zh="扫码枪读码"),
    "turn": Text(en="Turntable turns, the picture changes", zh="转台转动，画面变化"),
    "pack": Text(en="Packing machine answers", zh="打包机应答"),
    "sort": Text(en="Sorter goes to an empty location", zh="分拣机去空货位"),
    "echo": Text(en="Relay echoes", zh="平台回应"),
}
"""The steps in the order in which a person reads them."""

ASK = {
    "lay_test_card": Text(
        en="Bench check. Take old labels off the printer, and put the test card where parcels lie: an empty, closed "
        "carton of your usual size",
        zh="工作台自检。请取走打印机上的旧标签，把测试卡（一个平时用的、封好的空纸箱）放到放包裹的位置",
    ),
    "stick_test_label": Text(
        en="Bench check. Take the test label from the printer and stick it on the test card",
        zh="工作台自检。请取下测试标签，贴到测试卡上",
    ),
    "scan_test_label": Text(
        en="Bench check. Scan the square code on the test card", zh="工作台自检。请用扫码枪扫测试卡上的方形码"
    ),
    "take_test_card": Text(
        en="Bench check is over. Take the test card away, peel the test label off and tear it up",
        zh="自检结束。请拿走测试卡，撕下测试标签并销毁",
    ),
}

BUTTONS = {
    "laid": Text(en="It lies there", zh="已放好"),
    "no_card": Text(en="Not now", zh="现在不行"),
    "stuck": Text(en="Stuck on", zh="已贴好"),
    "no_label": Text(en="No label came out", zh="没有打出标签"),
    "cannot_scan": Text(en="The scanner does not read it", zh="扫不出来"),
    "taken": Text(en="Taken away", zh="已拿走"),
}
"""Each answer of a bench check's questions."""

SEEN = {
    "printed": Text(en="The printer took a label with the code {code}", zh="打印机已打印测试码 {code}"),
    "applied": Text(en="The robot pressed the label on", zh="机械手已贴好标签"),
    "stuck": Text(en="Stuck on by hand", zh="已手工贴好"),
    "read": Text(en="The camera read the code {code}", zh="摄像头读到 {code}"),
    "scanned": Text(en="The scanner read the code {code}", zh="扫码枪读到 {code}"),
    "turned": Text(en="It turned 90°; {percent} % of the picture changed", zh="转了 90°，画面有 {percent}% 发生变化"),
    "packer": Text(en="It answers; its last job was {job}", zh="应答正常，最近一次任务号 {job}"),
    "sorter": Text(en="It answers; its last job was {job}", zh="应答正常，最近一次任务号 {job}"),
    "went": Text(
        en="It went to {location}, found it empty as the shop's book says, and brought nothing",
        zh="到过 {location}，与账面一致为空，未取出任何东西",
    ),
    "echoed": Text(en="There and back in {ms} ms", zh="往返 {ms} 毫秒"),
    "picture": Text(en="A picture came", zh="拍到画面"),
}
"""What a step saw when it passed."""

SKIPS = {
    "by_hand": Text(en="No such device here: it is done by hand", zh="没有该设备：由人工完成"),
    "no_device": Text(en="There is none in this shop", zh="本店没有该设备"),
    "night": Text(en="Ready; no paper is used and nobody is asked at night", zh="正常；夜间不用纸，也不打扰店员"),
    "not_reached": Text(en="Not tried: the step before it failed", zh="未进行：前一步没有通过"),
    "watched": Text(en="Not tried: a shopper is looking through this camera", zh="未进行：有顾客正在看"),
    "no_session": Text(en="Not tried: the privacy switch is on", zh="未进行：隐私开关已打开"),
}
"""Why a step was skipped."""

HINTS = {
    "nobody_came": Text(
        en="Nobody answered at the bench. Somebody must stand there: run the check again",
        zh="没有人在工作台应答。请安排人在场后重新自检",
    ),
    "no_card": Text(en="Run the check again when the bench is free", zh="工作台空出来后请重新自检"),
    "no_label": Text(
        en="Nothing came out although the printer said yes: open it, check the roll, print side out",
        zh="打印机答复成功但没有出纸：请打开检查纸卷，打印面朝外",
    ),
    "unread": Text(
        en="The camera sees no readable code: is the label in the picture, sharp and lit? Turn its focus, add light",
        zh="摄像头读不到码：标签是否在画面内、清晰、光线足够？请调焦或补光",
    ),
    "cannot_scan": Text(
        en="Hold the scanner a hand's breadth away; scan its set-up sheet: QR codes on, suffix CR",
        zh="扫码枪离标签约 15 厘米；请扫设置码：开启二维码，后缀为回车",
    ),
    "unchanged": Text(
        en="The picture stayed the same: is this camera over this turntable? Put something on it and check again",
        zh="画面没有变化：摄像头是否对着这个转台？请放上一件物品后重新自检",
    ),
    "not_there": Text(
        en="The table did not reach its angle: is something in its way, is its belt loose?",
        zh="转台没有转到位：是否被挡住，皮带是否松动？",
    ),
    "brought_something": Text(
        en="The sorter brought something from {location}, which the shop's book says is empty: take it off, see what "
        "it is, correct that location",
        zh="账面上 {location} 为空，分拣机却取来了东西：请取下查看，并更正该货位",
    ),
    "no_echo": Text(
        en="The relay was silent: check the internet, then run doctor", zh="平台没有回应：请检查网络，再运行 doctor"
    ),
    "interrupted": Text(
        en="The shop box stopped in the middle: look at printer and robot, take the test label away, check again",
        zh="自检中途主机停止：请查看打印机和机械手，取走测试标签后重新自检",
    ),
}
"""What to do next, for what no device reports by itself."""

REFUSALS = {
    "running": Text(en="A bench check runs already", zh="自检正在进行"),
    "parcel": Text(en="A parcel is on the bench: check when it is handed over", zh="工作台上有包裹：请交寄后再自检"),
    "tags": Text(en="Tags are being printed: check when they are taken away", zh="正在打印标签：请取走标签后再自检"),
    "carrying": Text(
        en="The sorter is bringing a piece to the bench: check when it lies there",
        zh="分拣机正在把货品送到工作台：请等送到后再自检",
    ),
    "technician": Text(
        en="The technician has the bench: check when they are done", zh="技术员正在用工作台：请稍后再自检"
    ),
    "watched": Text(en="Somebody looks through a camera now: check later", zh="有顾客正在看货：请稍后再自检"),
    "private": Text(
        en="The privacy switch is on and no picture may be taken: switch it off first", zh="隐私开关已打开：请先关闭"
    ),
}
"""Why a check cannot begin now."""


def filled(text: Text, **values: object) -> Text:
    """Return the sentence with its places filled."""
    return Text(en=text.en.format(**values), zh=text.zh.format(**values))
