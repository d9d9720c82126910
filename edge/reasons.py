"""The sentence for the person who must act, in both languages, for every reason code of a device or a held parcel."""

from wire.plan import Text

SENTENCES: dict[str, Text] = {
    "": Text(),
    "by_hand": Text(en="No machine: done by hand", zh="无设备：由店员手工完成"),
    # cannot be reached
    "offline": Text(en="Cannot be reached: check power and cable", zh="连接不上：请检查电源和数据线"),
    "unplugged": Text(en="Unplugged: plug the cable in again", zh="数据线已断开：请重新插好"),
    "taken": Text(
        en="Another program holds its port: close that program, or tell the technician",
        zh="端口被其他程序占用：请关闭该程序或联系技术员",
    ),
    "no_permission": Text(
        en="Vitrine may not open it: tell the technician (group or password)",
        zh="没有访问权限：请联系技术员（用户组或密码）",
    ),
    "refused": Text(en="Refused the connection: is it switched on?", zh="拒绝连接：请确认设备已开机"),
    "silent": Text(en="Does not answer: switch it off and on", zh="没有回应：请关机后重新开机"),
    "hang_up": Text(en="Broke the connection off: check the cable", zh="连接中断：请检查数据线"),
    "closed": Text(en="Its connection was closed", zh="连接已关闭"),
    "garbled": Text(en="Answers what nobody understands: check cable and model", zh="回应无法识别：请检查数据线和型号"),
    "bad_options": Text(en="Wrongly set up: tell the technician", zh="设置有误：请联系技术员"),
    "bad_address": Text(en="Nothing is at its address: tell the technician", zh="地址有误：请联系技术员"),
    "settings": Text(
        en="The device itself is set up otherwise: tell the technician", zh="设备自身设置不符：请联系技术员"
    ),
    "library_missing": Text(en="Its software is not installed: tell the technician", zh="缺少软件：请联系技术员"),
    # somebody must look
    "outcome_unknown": Text(
        en="It is not known whether it acted: look, then answer", zh="不确定是否已执行：请查看后回答"
    ),
    "attendant_needed": Text(en="Needs you: look at the device", zh="需要您处理：请查看设备"),
    "busy": Text(en="Busy with something else", zh="正在做别的事"),
    "deadline_passed": Text(en="Its time is over: nothing was done", zh="已过期限：没有执行"),
    "clock_unknown": Text(en="Waits until the relay's clock is known again", zh="等待与平台对时，联网后自动继续"),
    "disk_full": Text(
        en="The box's disk is full, nothing new is begun: tell the technician to make room",
        zh="主机磁盘已满，暂停新任务：请联系技术员清理",
    ),
    "taken_over": Text(
        en="The box was replaced: look how the parcel is, then answer", zh="主机已更换：请查看包裹后回答"
    ),
    # printer and labels
    "paper_out": Text(en="Out of labels: put in a new roll", zh="标签纸用完：请换新卷"),
    "ribbon_out": Text(en="Out of ribbon: put in a new one", zh="碳带用完：请更换"),
    "cover_open": Text(en="The cover is open: close it", zh="盖子开着：请合上"),
    "head_hot": Text(en="The print head is hot: wait a minute", zh="打印头过热：请稍等一分钟"),
    "cutter_jam": Text(en="The cutter is stuck: open the cover and free it", zh="切刀卡住：请打开盖子清理"),
    "paused": Text(en="Paused: press the key on the device", zh="设备已暂停：请按设备上的按键"),
    "switched_offline": Text(en="Switched offline: press its online key", zh="打印机处于脱机状态：请按联机键"),
    "printer_error": Text(en="The printer reports an error: switch it off and on", zh="打印机报错：请关机后重新开机"),
    "buffer_not_empty": Text(
        en="Something old waits in the printer: switch it off and on", zh="打印机里有旧任务：请关机后重新开机"
    ),
    "label_waiting": Text(en="An old label hangs at the printer: take it off", zh="打印机口有旧标签：请取下"),
    "bad_label": Text(en="This label cannot be drawn: tell the merchant", zh="标签无法绘制：请告诉商家"),
    "label_none": Text(en="No label can be read on the parcel", zh="包裹上读不到标签"),
    "label_wrong": Text(en="Another parcel's label is on it", zh="贴的是别的包裹的标签"),
    "label_two": Text(en="Two labels are on it", zh="贴了两张标签"),
    # labeller
    "alarm": Text(en="The robot raised an alarm: look, then go on", zh="机械手报警：请查看后继续"),
    "not_homed": Text(en="Finds its home position by itself before the next label", zh="下次贴标前会自动回零"),
    "restarted": Text(en="The robot has restarted: look, then go on", zh="机械手已重启：请查看后继续"),
    "on_hold": Text(en="The robot is on hold: look, then let it go on", zh="机械手已暂停：请查看后继续"),
    "check_mode": Text(
        en="The robot only checks and does not move: tell the technician", zh="机械手处于检查模式：请联系技术员"
    ),
    "asleep": Text(en="The robot sleeps: switch it off and on", zh="机械手休眠：请关机后重新开机"),
    "out_of_reach": Text(
        en="That place is out of the robot's reach: tell the technician", zh="超出机械手范围：请联系技术员"
    ),
    "cup_not_empty": Text(en="A label hangs on the robot: take it off", zh="机械手上还有标签：请取下"),
    "label_not_picked": Text(en="The robot found no label at the printer", zh="机械手没有取到标签"),
    "label_lost": Text(en="The robot lost the label: find it", zh="机械手掉了标签：请找到它"),
    "label_at_cup": Text(en="The label stayed on the robot: take it off", zh="标签还在机械手上：请取下"),
    # packer
    "jam": Text(en="Jammed: clear it, then press start", zh="卡住了：请清理后按开始"),
    "film_out": Text(en="Out of film: put in a new roll", zh="包装膜用完：请换新卷"),
    "door_open": Text(en="The door is open: close it", zh="门开着：请关好"),
    "emergency_stop": Text(
        en="Emergency stop is pressed: make sure nobody is in the way, then release it", zh="急停已按下：确认安全后松开"
    ),
    "given_up": Text(en="The machine gave this parcel up: look inside", zh="机器放弃了这件：请查看内部"),
    "size_out_of_range": Text(en="Too large or too small for the machine", zh="尺寸超出机器范围"),
    # sorter
    "nothing_there": Text(
        en="The sorter found nothing in that location: look there", zh="分拣机在货位上没有找到：请查看"
    ),
    "place_taken": Text(
        en="Something lies where the sorter puts things down: clear it away", zh="分拣机放置处有东西：请清空"
    ),
    "no_such_location": Text(en="The sorter does not reach that location", zh="分拣机到不了这个货位"),
    # tags
    "tag_too_large": Text(
        en="This tag does not fit the roll: load a larger one, or print the sheet as PDF",
        zh="标签放不下：请换更大的标签纸，或改打 PDF",
    ),
    "stopped": Text(en="Stopped: what came out counts", zh="已停止：已打出的有效"),
    # payment terminal
    "broken_off": Text(
        en="Booked, then broken off: ask the terminal what became of it", zh="记账后中断：请向终端查询结果"
    ),
    "cancelled": Text(en="Broken off at the terminal: nothing was taken", zh="已在终端取消：未收款"),
    "card_blocked": Text(en="The card is blocked: nothing was taken", zh="卡已锁定：未收款"),
    "card_expired": Text(en="The card has expired: nothing was taken", zh="卡已过期：未收款"),
    "card_unreadable": Text(en="The card cannot be read: try again or another card", zh="无法读卡：请重试或换卡"),
    "day_not_closed": Text(en="Close the terminal's day first", zh="请先在终端上做日结"),
    "declined": Text(en="Declined: nothing was taken", zh="交易被拒绝：未收款"),
    "no_bank": Text(en="The terminal does not reach its bank: nothing was taken", zh="终端连不上银行：未收款"),
    "no_funds": Text(en="Not enough money on the card: nothing was taken", zh="卡内余额不足：未收款"),
    "not_told": Text(
        en="The terminal does not say what became of it: look at its slip", zh="终端未说明结果：请查看终端小票"
    ),
    "over_limit": Text(en="Above the card's limit: nothing was taken", zh="超过限额：未收款"),
    "slip_paper_out": Text(en="Put paper into the card terminal", zh="请给刷卡终端装纸"),
    "terminal_full": Text(en="The card terminal is full: close its day", zh="刷卡终端存储已满：请做日结"),
    "terminal_not_set_up": Text(
        en="The card terminal wants a diagnosis: tell the technician", zh="刷卡终端需要诊断：请联系技术员"
    ),
    "terminal_out_of_order": Text(
        en="The card terminal is out of order: call its maker", zh="刷卡终端故障：请联系厂商"
    ),
    "wrong_currency": Text(en="The card terminal takes another currency", zh="刷卡终端不支持该币种"),
    # cameras and heads
    "no_signal": Text(en="No picture: check the camera's cable", zh="没有画面：请检查摄像头数据线"),
    "no_picture": Text(en="No picture could be taken: check the camera", zh="拍不到照片：请检查摄像头"),
    "black": Text(en="The picture is black: lens cap, light?", zh="画面全黑：请检查镜头盖和灯光"),
    "frozen": Text(en="The picture stands still: switch the camera off and on", zh="画面静止：请将摄像头关机再开机"),
    "still_failed": Text(en="It took no picture: check the camera", zh="拍照失败：请检查摄像头"),
    "no_camera": Text(en="There is no such camera", zh="没有这台摄像头"),
    "private": Text(en="The privacy switch is on", zh="隐私开关已打开"),
    "standby": Text(en="The head sleeps: switch it on", zh="云台休眠：请开机"),
    "not_understood": Text(en="The head does not understand: tell the technician", zh="云台不支持该指令：请联系技术员"),
    "not_executable": Text(en="The head cannot do that now", zh="云台现在无法执行"),
    "does_not_stop": Text(en="It does not stop: switch it off now", zh="停不下来：请立即断电"),
}
"""Each code stands in some driver or flow; a code without a sentence here fails the test that lists them."""

_UNNAMED = Text(en="Look at the device ({code}) and tell the technician", zh="请查看设备（{code}）并联系技术员")


def sentence_for(code: str) -> Text:
    """Return the sentence for a code; an unknown one (a newer driver's) gets a general sentence that names it."""
    known = SENTENCES.get(code)
    if known is not None:
        return known
    return Text(en=_UNNAMED.en.format(code=code), zh=_UNNAMED.zh.format(code=code))
