"""The sentence for the person who must act, in both languages, for every reason code of a device or a held parcel."""

from wire.plan import Text

SENTENCES: dict[str, Text] = {
    "": Text(en="", zh=""),
    "by_hand": Text(en="No machine: done by hand", zh="无设备：由店员手工完成"),
    "offline": Text(en="Cannot be reached: check power and cable", zh="连接不上：请检查电源和数据线"),
    "unreachable": Text(en="Cannot be reached: check power and cable", zh="连接不上：请检查电源和数据线"),
    "unplugged": Text(en="Unplugged: plug the cable in again", zh="数据线已断开：请重新插好"),
    "port_missing": Text(en="Its port is not there: plug the cable in", zh="找不到端口：请插好数据线"),
    "port_taken": Text(
        en="Another program holds its port: close that program, or tell the technician",
        zh="端口被其他程序占用：请关闭该程序或联系技术员",
    ),
    "port_denied": Text(
        en="Vitrine may not open its port: tell the technician (group dialout)",
        zh="没有权限打开端口：请联系技术员（dialout 组）",
    ),
    "refused": Text(en="Refused the connection: is it switched on?", zh="拒绝连接：请确认设备已开机"),
    "silent": Text(en="Does not answer: switch it off and on", zh="没有回应：请关机后重新开机"),
    "hung_up": Text(en="Broke the connection off: check the cable", zh="连接中断：请检查数据线"),
    "garbage": Text(
        en="Answers what nobody understands: check cable and model", zh="回应无法识别：请检查数据线和型号设置"
    ),
    "bad_options": Text(en="Wrongly set up: tell the technician", zh="设置有误：请联系技术员"),
    "package_missing": Text(en="Its software is not installed: tell the technician", zh="缺少软件：请联系技术员"),
    "outcome_unknown": Text(
        en="It is not known whether it acted: look at it and answer the question",
        zh="不确定是否已执行：请查看并回答问题",
    ),
    "attendant_needed": Text(en="Needs you: look at the device", zh="需要您处理：请查看设备"),
    "paper_out": Text(en="Out of labels: put in a new roll", zh="标签纸用完：请换新卷"),
    "paper_low": Text(en="Few labels left: have a new roll ready", zh="标签纸将用完：请准备新卷"),
    "paper_jam": Text(en="Labels are jammed: open, take them out, close", zh="标签卡纸：请打开、取出、合上"),
    "ribbon_out": Text(en="Out of ribbon: put in a new one", zh="碳带用完：请更换"),
    "cover_open": Text(en="The cover is open: close it", zh="盖子开着：请合上"),
    "head_hot": Text(en="The print head is hot: wait a minute", zh="打印头过热：请稍等一分钟"),
    "cutter_error": Text(en="The cutter is stuck: open the cover and free it", zh="切刀卡住：请打开盖子清理"),
    "paused": Text(en="Paused at the device: press its start key", zh="设备已暂停：请按设备上的开始键"),
    "printer_error": Text(en="The printer reports an error: switch it off and on", zh="打印机报错：请关机后重新开机"),
    "not_printed": Text(en="No label came out", zh="没有打出标签"),
    "jam": Text(en="Jammed: clear it, then press start", zh="卡住了：请清理后按开始"),
    "film_out": Text(en="Out of film: put in a new roll", zh="包装膜用完：请换新卷"),
    "door_open": Text(en="The door is open: close it", zh="门开着：请关好"),
    "emergency_stop": Text(
        en="Emergency stop is pressed: make sure nobody is in the way, then release it", zh="急停已按下：确认安全后松开"
    ),
    "alarm": Text(en="The robot raised an alarm: look, then home it", zh="机械手报警：请查看，然后回零"),
    "not_homed": Text(en="The robot does not know where it is: home it", zh="机械手未回零：请回零"),
    "hold": Text(en="The robot is on hold: look, then let it go on", zh="机械手已暂停：请查看后继续"),
    "limit": Text(en="The robot ran to its end stop: look, then home it", zh="机械手碰到限位：请查看后回零"),
    "head_occupied": Text(en="A label hangs on the robot: take it off", zh="机械手上还有标签：请取下"),
    "no_label": Text(en="The robot found no label", zh="机械手没有取到标签"),
    "machine_fault": Text(en="The machine reports a fault: read its display", zh="机器故障：请查看机器显示屏"),
    "busy": Text(en="Busy with something else", zh="正在做别的事"),
    "no_picture": Text(en="No picture: check the camera's cable", zh="没有画面：请检查摄像头数据线"),
    "no_signal": Text(en="No picture: check the camera's cable", zh="没有画面：请检查摄像头数据线"),
    "black": Text(en="The picture is black: lens cap, light?", zh="画面全黑：请检查镜头盖和灯光"),
    "frozen": Text(en="The picture stands still: switch the camera off and on", zh="画面静止：请将摄像头关机再开机"),
    "still_failed": Text(en="It took no picture: check the camera", zh="拍照失败：请检查摄像头"),
    "wrong_camera": Text(en="Another camera is plugged in here", zh="此处插的是另一台摄像头"),
    "not_reached": Text(en="It did not get where it was sent", zh="没有到达指定位置"),
    "private": Text(en="The privacy switch is on", zh="隐私开关已打开"),
}
"""Each code stands in some driver or flow; a code without a sentence here fails the test that lists them."""

_UNNAMED = Text(en="Look at the device ({code}) and tell the technician", zh="请查看设备（{code}）并联系技术员")


def sentence_for(code: str) -> Text:
    """Return the sentence for a code; an unknown one (a newer driver's) gets a general sentence that names it."""
    known = SENTENCES.get(code)
    if known is not None:
        return known
    return Text(en=_UNNAMED.en.format(code=code), zh=_UNNAMED.zh.format(code=code))
