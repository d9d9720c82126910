// The bench check's page: begins one, shows each step as it ends, and the cards before it.
import { choose, language, pick } from "./words.js";

const WORDS = {
  en: {
    other: "中文", otherLang: "zh", back: "To the bench", begin: "Check the bench now", running: "The check runs …",
    about: "Devices test each other: a code is printed, stuck on a test card, read by camera and scanner; the turntable turns, the packing machine answers, the relay echoes. Nothing is moved while a parcel is on the bench.",
    todo: "There is something for you to do on the bench page.", passed: "Passed: the shop can be live", paperless: "Passed (without paper)",
    failed: "Not passed: mend what is red, then check again", never: "Never checked", earlier: "Earlier checks", seconds: "s", byHand: "by hand",
    setup: "at setup", asked: "asked for", merchant: "asked for by the merchant", nightly: "at night", waits: "waits", picture: "Picture of this step",
  },
  zh: {
    other: "English", otherLang: "en", back: "回到工作台", begin: "现在自检", running: "正在自检……",
    about: "设备互相检验：打印测试码，贴到测试卡上，由摄像头和扫码枪读取；转台转动，打包机应答，平台回应。工作台上有包裹时不会动作。",
    todo: "工作台页面上有需要您做的事。", passed: "通过：店铺可以开通", paperless: "通过（未用纸）",
    failed: "未通过：请处理红色项目后重新自检", never: "尚未自检", earlier: "历史记录", seconds: "秒", byHand: "人工",
    setup: "安装时", asked: "手动", merchant: "商家发起", nightly: "夜间", waits: "等待", picture: "本步骤的照片",
  },
};
const MARKS = { passed: "✓", failed: "✗", skipped: "–", waits: "…" };
const $ = (id) => document.getElementById(id);
let code = "en";
let shown = null;

function make(tag, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
}

function stepLine(step, words) {
  const line = make("li", `step ${step.result}`);
  line.append(make("span", "mark", MARKS[step.result]));
  const body = make("div");
  const device = [step.device, step.is_by_hand ? words.byHand : ""].filter(Boolean).join(", ");
  body.append(make("b", "", pick(step.title, code) + (device ? ` (${device})` : "")));
  const took = step.result === "waits" ? words.waits : `${step.took_s} ${words.seconds}`;
  body.append(make("p", step.result === "failed" ? "hint" : "", step.result === "failed" ? pick(step.hint, code) : pick(step.text ?? {}, code)));
  body.append(make("small", "", took));
  line.append(body);
  if (step.picture_sha256) {
    const picture = make("img");
    picture.src = `/api/pictures/${step.picture_sha256}`;
    picture.alt = words.picture;
    picture.width = 640;
    picture.height = 360;
    picture.loading = "lazy";
    line.append(picture);
  }
  return line;
}

function verdictOf(card, words) {
  if (!card.is_passed) return words.failed;
  return card.is_whole ? words.passed : words.paperless;
}

function show() {
  if (!shown) return;
  const words = WORDS[code];
  document.documentElement.lang = code === "zh" ? "zh-Hans" : "en";
  $("back").textContent = words.back;
  $("language").textContent = words.other;
  $("language").lang = words.otherLang;
  $("about").textContent = words.about;
  $("begin").textContent = words.begin;
  $("earlier-title").textContent = (shown.bench_check?.cards ?? []).length > 1 ? words.earlier : "";
  const state = shown.bench_check, running = state?.running, cards = state?.cards ?? [];
  $("begin").disabled = !state || Boolean(running) || state.is_clearing;
  $("todo").textContent = shown.tasks.some((task) => /_test_(card|label)$/.test(task.kind)) ? words.todo : "";
  const card = running ?? cards[0];
  $("verdict").textContent = running ? words.running : card ? verdictOf(card, words) : words.never;
  const known = new Map((card?.steps ?? []).map((step) => [step.step, step]));
  const steps = (state?.steps ?? []).filter((step) => running || known.has(step.step)).map((step) => known.get(step.step) ?? { ...step, result: "waits" });
  $("steps").replaceChildren(...steps.map((step) => stepLine(step, words)));
  $("earlier").replaceChildren(...cards.slice(running ? 0 : 1).map((one) => {
    const when = new Date(one.ended_at).toLocaleString(code === "zh" ? "zh-CN" : "en-GB");
    const failed = one.steps.filter((step) => step.result === "failed").map((step) => pick(step.title, code)).join(", ");
    return make("li", "", `${when} · ${words[one.occasion] ?? one.occasion} · ${verdictOf(one, words)}${failed ? `: ${failed}` : ""}`);
  }));
}

$("begin").addEventListener("click", async () => {
  $("begin").disabled = true;
  const reply = await fetch("/api/bench-check", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ occasion: "asked" }),
  });
  if (reply.status === 401) location.assign("/sign-in");
  const said = await reply.json().catch(() => ({}));
  $("said").textContent = reply.ok ? "" : pick(said.text ?? {}, code);
  show();
});
$("language").addEventListener("click", () => {
  code = WORDS[code].otherLang;
  choose(code);
  show();
});

code = await language();
const events = new EventSource("/api/events");
events.addEventListener("state", (event) => {
  shown = JSON.parse(event.data);
  show();
});
events.addEventListener("error", () => fetch("/api/state").then((reply) => reply.status === 401 && location.assign("/sign-in")).catch(() => {}));
