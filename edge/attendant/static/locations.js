// What lies where, and counting it: a count carries the version that was seen, so that nothing is lost between two people.
import { choose, fill, language, pick } from "./words.js";

const WORDS = {
  en: {
    other: "中文", otherLang: "zh", back: "To the bench", title: "Locations",
    about: "Which pieces lie where. To put something away, scan the place's tag, then the piece. Correct a location by the codes of what you found there, one a line.",
    wanted: "Find or add a location, such as A-3-12", empty: "Nothing lies here.", none: "No location yet: type one above.",
    away: "At the bench: {codes}", kept: "Something is being taken from here now.", codes: "Codes found here", why: "Why it differs",
    save: "Correct", saved: "{location}: corrected.", failed: "That did not work. Please try again.",
  },
  zh: {
    other: "English", otherLang: "en", back: "回到工作台", title: "货位",
    about: "每个货位上有哪些货品。上架时先扫货位标签，再扫货品。更正时填写找到的编号，每行一个。",
    wanted: "查找或新增货位，例如 A-3-12", empty: "这里没有货品。", none: "还没有货位：请在上方输入。",
    away: "在工作台：{codes}", kept: "正在从这里取货。", codes: "这里找到的编号", why: "差异原因",
    save: "更正", saved: "{location}：已更正。", failed: "没有成功，请再试一次。",
  },
};
const $ = (id) => document.getElementById(id);
let code = "en";
let locations = [];

function make(tag, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
}

function say(text, isGood) {
  $("said").textContent = text;
  $("said").className = isGood ? "good" : "bad";
}

async function correct(one, form) {
  const words = WORDS[code];
  const [codes, why] = [form.querySelector("textarea"), form.querySelector("input")];
  const body = {
    location: one.location, version: one.version, reason: why.value.trim(),
    codes: codes.value.split(/[\s,]+/).filter(Boolean),
  };
  const reply = await fetch("/api/locations", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  }).catch(() => null);
  const said = reply ? await reply.json().catch(() => ({})) : {};
  if (reply && reply.ok) say(fill(words.saved, { location: said.location }), true);
  else say(pick(said.text, code) || said.detail || words.failed, false);
  await load();
}

function card(one) {
  const words = WORDS[code];
  const item = make("li");
  item.dataset.location = one.location;
  item.append(make("h2", "", one.location));
  for (const piece of one.pieces) item.append(make("p", "", `${piece.code} ${pick(piece.title, code)}`));
  if (!one.pieces.length) item.append(make("p", "none", words.empty));
  if (one.away.length) item.append(make("p", "hint", fill(words.away, { codes: one.away.map((piece) => piece.code).join(", ") })));
  if (one.is_kept) {
    item.append(make("p", "bad", words.kept));
    return item;
  }
  const form = make("form");
  const codes = make("label", "", words.codes);
  const box = make("textarea");
  box.rows = Math.max(2, one.pieces.length);
  box.value = one.pieces.map((piece) => piece.code).join("\n");
  codes.append(box);
  const why = make("label", "", words.why);
  const reason = make("input");
  reason.maxLength = 200;
  why.append(reason);
  form.append(codes, why, make("button", "quiet", words.save));
  form.addEventListener("submit", (event) => { event.preventDefault(); correct(one, form); });
  item.append(form);
  return item;
}

function show() {
  const words = WORDS[code];
  document.documentElement.lang = code;
  const labels = { title: words.title, about: words.about, back: words.back, language: words.other, "wanted-label": words.wanted };
  for (const [id, text] of Object.entries(labels)) $(id).textContent = text;
  $("language").lang = words.otherLang;
  const wanted = $("wanted").value.trim().toUpperCase();
  const fits = (one) => one.location.toUpperCase().includes(wanted) || one.pieces.some((piece) => piece.code.toUpperCase() === wanted);
  const found = locations.filter((one) => !wanted || fits(one));
  const isNew = wanted && !locations.some((one) => one.location.toUpperCase() === wanted);
  if (isNew && !found.length) found.push({ location: $("wanted").value.trim(), version: 0, pieces: [], away: [], is_kept: false });
  $("list").replaceChildren(...(found.length ? found.map(card) : [make("li", "none", words.none)]));
}

async function load() {
  const reply = await fetch("/api/locations").catch(() => null);
  if (reply && reply.status === 401) location.assign("/sign-in");
  if (reply && reply.ok) locations = (await reply.json()).locations;
  show();
}

$("find").addEventListener("submit", (event) => event.preventDefault());
$("wanted").addEventListener("input", show);
$("language").addEventListener("click", () => { code = WORDS[code].otherLang; choose(code); show(); });

code = await language();
await load();
