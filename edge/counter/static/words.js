// What stands at the till, in both languages.
export const WORDS = {
  en: {
    other: "中文", otherLang: "zh", leave: "Sign out", till: "Till", who: "Who are you?", pin: "PIN", enter: "Come in",
    nobody: "Nobody has a PIN yet. An owner sets one on the members page of the merchant's account; it arrives with the next connection.",
    wrong: "This is not the PIN.", locked: "Too many wrong PINs. Try again in {s} s.", unreachable: "The shop box does not answer.",
    near: "Internet and relay are there", away: "No internet: go on selling, everything is sent later", waits: "{n} to send",
    sale: "Sale", code: "Scan, or type a code", add: "Add", total: "Total", none: "Scan the first thing.", less: "One less of {what}", more: "One more of {what}", out: "Take {what} out",
    pay: "Pay", cash: "Cash", card: "Card", qr: "QR code", cardByHand: "Card (terminal by hand)", giveUp: "Give this sale up", due: "To pay", given: "Given", change: "Change",
    came: "The money is here", notCame: "It did not come", typed: "Type this amount at the terminal, then answer.",
    asking: "Ask the shopper to hold the card to the terminal", wait: "The terminal talks to its bank …", cardNow: "Waiting for the card", pinNow: "The shopper types the PIN", remove: "Take the card out",
    scanQr: "Let the shopper scan this code, then look at the account.",
    doubt: "Payment in doubt", doubtAsks: "The terminal is asked what became of {amount}. Do not charge again.", doubtPerson: "The terminal cannot say what became of {amount}. Look at its slip or its journal, then answer.",
    paid: "It was paid", unpaid: "It was not paid", again: "Ask the terminal again",
    receipts: "Receipts", noReceipts: "Nothing sold yet.", print: "Print", printAgain: "Print a copy", done: "Paid. Receipt {no}", printed: "printed", person: "said by a person",
    goods: "New goods", titleZh: "Name in Chinese", titleEn: "Name in English", price: "Price", stock: "How many", listingCode: "Code (scan its tag or GTIN)", shoot: "Photograph with {camera}", publish: "Show it to shoppers at once",
    keep: "Keep", kept: "Sent: it stands on the merchant's goods page.", keptHere: "No internet: kept here, sent when it is back.", photo: "The picture for this listing", badPrice: "Write the price as a number.",
    refund: "Give back", refundAsk: "Give {amount} back?", refundStock: "The goods are back and for sale again", refundYes: "Give it back", refundNo: "No", refunded: "given back", refundDone: "Given back. Receipt {no}", refundRuns: "being given back", refundTitle: "Giving back",
    refundDue: "To give back", refundAsking: "The terminal gives the money back", refundByHand: "Give this amount back, then answer.", refundGiven: "It is given back", refundNot: "It was not given", refundLine: "Refund", doubtBack: "Giving back in doubt", wasGiven: "It was given back", notGiven: "It was not given back",
    addShopper: "Another shopper pays too", shopperNo: "Shopper {n}", codeNoted: "code noted", goodsNow: "goods now", noGoods: "no goods yet", removeShopper: "Take {who} out", whose: "Whose is {what}?", usually: "usually {amount}", usual: "Usual price",
    notAdded: "Several promotions are reached: they are not added up, the one that saves most is taken.", lackMoney: "{amount} more for:", lackPieces: "{n} more pieces for:", lackPeople: "{n} more people for:",
    payEach: "Pay each", dueShare: "Share {n} of {of}", together: "Bought together: {amount}", payNow: "Pay this one now", shareOpen: "to pay", shareAsking: "is paying", shareDoubt: "in doubt", sharePaid: "paid", shareUp: "given up",
    takeBack: "Back to the goods", undo: "Undo all of it", undoNo: "No, go on", undoAsk: "Undo the whole sale? Unpaid shares are given up, and every paid one must be given back.", undoing: "Being undone: {amount}", undoRest: "Take the goods back, and give back every share that is paid. An owner or manager does that.",
    shopper: "The shopper's own code is noted.", gone: "The shop box does not answer. Trying again …",
  },
  zh: {
    other: "English", otherLang: "en", leave: "退出", till: "收银台", who: "您是谁？", pin: "密码", enter: "进入",
    nobody: "还没有人设置收银密码。店主可在商户的成员页面设置，联网后即生效。",
    wrong: "密码不正确。", locked: "密码错误次数过多，请 {s} 秒后再试。", unreachable: "主机没有回应。",
    near: "网络和平台正常", away: "网络断开：可继续收银，恢复后自动上传", waits: "待上传 {n}",
    sale: "本单", code: "扫码或输入编号", add: "加入", total: "合计", none: "请扫第一件货品。", less: "减一件{what}", more: "加一件{what}", out: "移出{what}",
    pay: "收款", cash: "现金", card: "刷卡", qr: "扫码付", cardByHand: "刷卡（手动终端）", giveUp: "放弃本单", due: "应收", given: "实收", change: "找零",
    came: "已收到", notCame: "没有收到", typed: "请在终端上输入此金额，然后回答。",
    asking: "请顾客在终端上刷卡", wait: "终端正在联系银行…", cardNow: "等待刷卡", pinNow: "顾客正在输入密码", remove: "请取出卡片",
    scanQr: "请顾客扫此码，然后查看是否到账。",
    doubt: "付款结果不明", doubtAsks: "正在向终端查询 {amount} 的结果，请勿再次收款。", doubtPerson: "终端无法说明 {amount} 的结果。请查看小票或终端流水后回答。",
    paid: "已付款", unpaid: "未付款", again: "再次查询终端",
    receipts: "小票", noReceipts: "还没有售出。", print: "打印", printAgain: "打印副本", done: "已收款，小票号 {no}", printed: "已打印", person: "人工确认",
    goods: "上新货品", titleZh: "中文名称", titleEn: "英文名称", price: "价格", stock: "数量", listingCode: "编号（扫标签或条码）", shoot: "用 {camera} 拍照", publish: "立即展示给买家",
    keep: "保存", kept: "已上传，可在商户货品页查看。", keptHere: "网络断开：已保存在本机，恢复后上传。", photo: "此货品的照片", badPrice: "价格请填数字。",
    refund: "退款", refundAsk: "退还 {amount}？", refundStock: "货品已收回，可再次出售", refundYes: "确认退款", refundNo: "不退", refunded: "已退款", refundDone: "已退款，小票号 {no}", refundRuns: "正在退款", refundTitle: "退款",
    refundDue: "应退", refundAsking: "终端正在退款", refundByHand: "请退还此金额，然后回答。", refundGiven: "已退还", refundNot: "没有退", refundLine: "退款", doubtBack: "退款结果不明", wasGiven: "已退还", notGiven: "未退还",
    addShopper: "还有一位顾客", shopperNo: "顾客 {n}", codeNoted: "已记个人码", goodsNow: "正在扫此人货品", noGoods: "还没有货品", removeShopper: "移出{who}", whose: "{what}是谁的？", usually: "原价 {amount}", usual: "原价",
    notAdded: "已满足多个优惠：优惠不叠加，采用最省的一个。", lackMoney: "再买 {amount} 即可：", lackPieces: "再加 {n} 件即可：", lackPeople: "再加 {n} 人即可：",
    payEach: "各付各的", dueShare: "第 {n}/{of} 份", together: "一起购买：{amount}", payNow: "先付这份", shareOpen: "待付", shareAsking: "正在付款", shareDoubt: "结果不明", sharePaid: "已付", shareUp: "已放弃",
    takeBack: "返回改货品", undo: "全部撤销", undoNo: "不撤销，继续", undoAsk: "撤销整单？未付的份额将放弃，已付的每一份都须退款。", undoing: "正在撤销：{amount}", undoRest: "请收回货品，并退还每一份已付款。由店主或经理操作。",
    shopper: "已记下顾客的个人码。", gone: "主机没有回应，正在重试…",
  },
};

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
export const said = (text, code) => (code === "zh" ? text.zh || text.en : text.en || text.zh);
export function chosen(fallback) {
  return localStorage.getItem("language") || fallback || (navigator.language.startsWith("zh") ? "zh" : "en");
}
export const choose = (code) => localStorage.setItem("language", code);
export function money(minor, digits) {
  const whole = Math.abs(minor).toString().padStart(digits + 1, "0");
  return (minor < 0 ? "-" : "") + (digits ? `${whole.slice(0, -digits)}.${whole.slice(-digits)}` : whole);
}
export function minorOf(text, digits) {
  const found = /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim());
  if (!found || (found[2] ?? "").length > digits) return null;
  return Number(found[1] + (found[2] ?? "").padEnd(digits, "0"));
}
export async function post(path, body) {
  const reply = await fetch(`/till/api/${path}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  return { reply, body: await reply.json().catch(() => ({})) };
}
