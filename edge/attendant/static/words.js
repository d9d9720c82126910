// What stands on the page, in both languages, and which of them the person chose.

export const WORDS = {
  en: {
    other: "中文", otherLang: "zh", leave: "Sign out", pin: "PIN", enter: "Come in", wrong: "This is not the PIN.",
    locked: "Too many wrong PINs. Try again in {s} s.", unreachable: "The shop box does not answer.",
    near: "Internet and relay are there", away: "No internet: keep working, everything is sent later",
    gone: "The shop box does not answer. Trying again …",
    soundOn: "Turn the bell on", soundIs: "Bell is on", privacyOff: "Privacy: off", privacyOn: "Privacy: on. No picture leaves the shop",
    code: "Scan, or type a code", send: "Enter", questions: "Questions from shoppers", noQuestions: "Nobody asks.",
    answer: "Answer", answerHint: "What you see, in a few words", looking: "At the cameras", nobody: "Nobody is looking.",
    looks: "A shopper is looking", waits: "{n} waiting", parcels: "On the bench", noParcels: "No parcel in work.",
    devices: "Devices", quiet: "All quiet", quietMore: "The bell rings when somebody wants to look or an order arrives.",
    next: "Then", scanFirst: "Scan it first", scanNow: "Scan to answer", scanned: "Scanned", onceOnly: "Shown once: let the courier photograph it now.",
    newTask: "Something for you to do", newQuestion: "A shopper asks", newLook: "Somebody wants to look", newTrouble: "A device needs you",
    pieceAt: "Place", sayAgain: "That went wrong. Try again.", by_hand: "By hand", online: "Works", needs_attendant: "Needs you",
    offline: "Offline", unknown: "Not asked yet", photo: "Photo",
    home: "Send {name} home", taken: "Taken for the shop: {why}", giveBack: "Give the camera back to the shoppers",
    check: "Bench check", checkNever: "Never checked.", checkPassed: "Passed", checkFailed: "Failed", checkRuns: "A check is running …", checkOpen: "Open the bench check",
    kinds: {
      bring_piece: "Bring to the turntable", fetch_piece: "Fetch", pack_by_hand: "Pack", pack_in_doubt: "Was it packed?",
      taken_over: "Left by the old box",
      set_aside: "Put aside", bring_back: "Bring back to the bench", stick_label: "Stick the label on", label_in_doubt: "Label in doubt", read_label: "Read the label",
      destroy_label: "Destroy the label", tend_device: "A device needs you", tend_sorter: "The sorter needs you", unpack: "Unpack", put_back: "Put back",
      hand_over: "Hand over", collect: "To be collected", show_courier_link: "For the courier", note: "Note", question: "A question",
      lay_test_card: "Lay the test card", stick_test_label: "Stick the test label on", scan_test_label: "Scan the test label",
      take_test_card: "Take the test card away", take_tags: "Take the tags", tags_in_doubt: "A tag in doubt", tend_tags: "Tags wait",
    },
  },
  zh: {
    other: "English", otherLang: "en", leave: "退出", pin: "密码", enter: "进入", wrong: "密码不对。",
    locked: "错误次数过多，请 {s} 秒后再试。", unreachable: "店内主机没有回应。",
    near: "网络和平台都正常", away: "没有网络：请照常工作，稍后自动补传",
    gone: "店内主机没有回应，正在重试……",
    soundOn: "打开铃声", soundIs: "铃声已开", privacyOff: "隐私：关", privacyOn: "隐私：开，画面不会离开本店",
    code: "扫描或输入条码", send: "确定", questions: "顾客提问", noQuestions: "没有人提问。",
    answer: "回答", answerHint: "用几句话说说您看到的", looking: "摄像头前", nobody: "没有人在看。",
    looks: "有顾客在看", waits: "{n} 人在等", parcels: "工作台上", noParcels: "没有在处理的包裹。",
    devices: "设备", quiet: "一切安静", quietMore: "有人想看货或有订单时会响铃。",
    next: "接下来", scanFirst: "请先扫描", scanNow: "扫描即可回答", scanned: "已扫描", onceOnly: "只显示一次：请快递员现在拍下。",
    newTask: "有事要做", newQuestion: "有顾客提问", newLook: "有人想看货", newTrouble: "有设备需要您",
    pieceAt: "位置", sayAgain: "没有成功，请再试一次。", by_hand: "手工", online: "正常", needs_attendant: "需要您",
    offline: "离线", unknown: "尚未查询", photo: "照片",
    home: "{name} 回零", taken: "店铺占用中：{why}", giveBack: "把摄像头还给顾客",
    check: "工作台自检", checkNever: "从未自检。", checkPassed: "通过", checkFailed: "未通过", checkRuns: "正在自检……", checkOpen: "打开自检",
    kinds: {
      bring_piece: "请拿到转台", fetch_piece: "请取货", pack_by_hand: "请打包", pack_in_doubt: "打包好了吗？",
      taken_over: "旧主机留下的",
      set_aside: "请放到一旁", bring_back: "请拿回工作台", stick_label: "请贴标签", label_in_doubt: "标签存疑", read_label: "请读取标签",
      destroy_label: "请销毁标签", tend_device: "设备需要您", tend_sorter: "分拣机需要您", unpack: "请拆包", put_back: "请放回原处",
      hand_over: "请交给快递", collect: "等待自取", show_courier_link: "给快递员", note: "提示", question: "提问",
      lay_test_card: "请放测试卡", stick_test_label: "请贴测试标签", scan_test_label: "请扫测试标签", take_test_card: "请拿走测试卡",
      take_tags: "请取走标签", tags_in_doubt: "标签存疑", tend_tags: "标签等待打印",
    },
  },
};

export function chosenLanguage() {
  const kept = localStorage.getItem("language");
  return kept in WORDS ? kept : null;
}

export async function language() {
  const kept = chosenLanguage();
  if (kept) return kept;
  const answer = await fetch("/healthz").then((reply) => reply.json()).catch(() => ({}));
  return answer.language in WORDS ? answer.language : "en";
}

export function choose(code) {
  localStorage.setItem("language", code);
  document.documentElement.lang = code;
}

export function fill(text, parts) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in parts ? String(parts[name]) : whole));
}

// A text that came with both languages.
export function pick(text, code) {
  if (!text) return "";
  return code === "zh" ? text.zh || text.en : text.en || text.zh;
}
