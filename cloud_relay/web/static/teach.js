/** Teaching a piece: steer its camera, keep the view as the spot's first view or as a face, take a picture for the listing. */

import { Refusal, api, language, say, t } from "./api.js";
import { deed, show as showProblem } from "./forms.js";
import { Steering } from "./steering.js";
import { openStream } from "./stills.js";

const page = document.getElementById("teach");
const choose = document.querySelector("[data-choose]");

/** Another camera begins a new spot: what was taught for the old one says nothing about the new. */
choose?.addEventListener("compose", (event) => {
  const camera = choose.querySelector("[data-camera]").value, kind = choose.querySelector("[data-kind-of-spot]").value;
  const own = page ? JSON.parse(page.dataset.spot) : null;
  event.detail.spot = own?.camera === camera ? { ...own, kind } : { camera, kind };
});

const SENTENCES = {
  asked: ["Asking the shop…", "正在询问店铺……"], steering: ["You steer the camera", "镜头由您操控"], watching: ["You are watching", "正在观看"],
  waiting: ["Somebody else steers; you are in line", "有人正在操控，您在排队"], being_brought: ["Bring the piece to the turntable and scan its tag", "请把货品放上转台并扫描吊牌"],
  closed: ["The shop is closed: open it in its hours, or take the holiday out", "店铺休息中：请在营业时间示教，或取消假期"], camera_offline: ["The camera is not reachable: see the shop's devices", "镜头无法连接，请查看店铺设备"],
  not_offered: ["The shop does not know this spot yet; ask again in a moment", "店铺还不知道这个位置，请稍后再试"], piece_gone: ["The shop does not know this piece yet; ask again in a moment", "店铺还没有这件单件，请稍后再试"],
  private: ["The shop has paused its cameras", "店铺已暂停镜头"], full: ["Too many are looking", "观看人数已满"], ended: ["The viewing has ended", "看货已结束"],
};
const pick = (name) => page.querySelector(`[data-part="${name}"]`);
let session = null, opened = null, steering = null, events = null, isLeaving = false, timer = 0;
let spot = page && JSON.parse(page.dataset.spot), version = page && Number(page.dataset.version);
const earlier = [];

function show() {
  const state = session.state === "refused" ? session.answer : session.state, isOver = ["refused", "ended"].includes(session.state);
  pick("status").className = `pill ${{ steering: "now", watching: "now", waiting: "queued", being_brought: "queued", asked: "" }[state] ?? "bad"}`;
  pick("status").textContent = t(...(SENTENCES[state] ?? [state, state]));
  pick("controls").hidden = state !== "steering";
  pick("again").hidden = !isOver;
  pick("take").hidden = !["waiting", "watching"].includes(state);
  for (const button of page.querySelectorAll("[data-keep]")) button.disabled = state !== "steering";
  const picture = page.querySelector("[data-picture]");
  for (const one of [picture, page.querySelector("[data-card=begin]")]) if (one) one.disabled = !["steering", "watching"].includes(state);
  page.dataset.state = state;
}

function take(update) {
  session = { ...session, ...update };
  steering.turnNo = session.state === "steering" ? session.turn_no : 0;
  show();
  if (["steering", "watching", "waiting", "being_brought"].includes(session.state) && !opened) look();
  if (session.state === "steering") readSoon();
  if (session.state === "ended") endStream();
}

async function look() {
  opened = { way: "opening", stream: null };
  const hooks = {
    onMessage: (message) => message.type === "ViewingChanged" && take(message.data), onFirstFrame: () => {},
    onLost: () => { endStream(); if (!isLeaving) setTimeout(() => !opened && session.state !== "ended" && look(), 300); },
  };
  try {
    opened = await openStream(session.session_id, { video: pick("video"), image: pick("image") }, hooks, sessionStorage.getItem("vitrine-way"));
  } catch (error) {
    opened = null;
    return say(error.message || t("No picture just now", "暂时没有画面"), "error");
  }
  page.dataset.way = opened.way;
  pick("video").hidden = opened.way !== "webrtc";
  pick("image").hidden = opened.way === "webrtc";
}

function endStream() { opened?.stream?.close(); opened = null; }

async function ask() {
  endStream();
  try {
    session = await api("POST", "/api/viewing", { piece_id: page.dataset.piece }, crypto.randomUUID());
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    session = { state: "ended" };
    show();
    pick("words").textContent = error.problem.title ?? "";
    return;
  }
  steering ??= new Steering((wish, isMotion) => opened?.stream?.send(wish, isMotion), {
    pan: session.can_pan !== false, zoom: session.can_zoom !== false, turn: Boolean(session.can_turn),
  });
  bind();
  events?.close();
  events = new EventSource(`/api/events?channels=session:${session.session_id}`);
  events.onmessage = (message) => { const event = JSON.parse(message.data); if (event.kind === "viewing") take(event.data); };
  take({});
}

let isBound = false;
function bind() {
  pick("turn").hidden = !session.can_turn;
  pick("pan").hidden = session.can_pan === false;
  pick("zoom").hidden = session.can_zoom === false;
  if (isBound) return;
  isBound = true;
  steering.bindPicture(pick("stage"), (axis) => axis === "out" && page.querySelector("[data-keep]").focus());
  steering.bindButtons(page);
  for (const end of ["pointerup", "keyup", "wheel"]) page.addEventListener(end, readSoon);
}

/** Where head and table stand, read once they have come to rest. */
function readSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => session?.state === "steering" && readPosition().catch(() => {}), 700);
}
async function readPosition() {
  const { position } = await api("GET", `/api/viewing/${session.session_id}/position`);
  for (const cell of page.querySelectorAll("[data-at]")) cell.textContent = position[cell.dataset.at].toFixed(1);
  return position;
}

function goTo(position) {
  steering.motion = null;
  steering.onTheWayUntil = performance.now() + 6000; // beats keep the shop's dead-man quiet on the way
  steering.emit({ kind: "go_to", position }, false);
  setTimeout(readSoon, 2500);
}

function line(name, position, remove) {
  const row = Object.assign(document.createElement("div"), { className: "face-line" });
  const go = Object.assign(document.createElement("button"), { type: "button", textContent: t("Go there", "转到"), ariaLabel: `${t("Go to", "转到")} ${name}` });
  go.addEventListener("click", () => goTo(position));
  row.append(Object.assign(document.createElement("b"), { textContent: name }), go);
  if (remove) {
    const out = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: t("Remove", "删除"), ariaLabel: `${t("Remove", "删除")} ${name}` });
    out.addEventListener("click", remove);
    row.append(out);
  }
  const words = `${t("pan", "水平")} ${position.pan_deg.toFixed(1)}° · ${t("tilt", "俯仰")} ${position.tilt_deg.toFixed(1)}° · ${t("zoom", "变焦")} ${position.zoom.toFixed(1)}× · ${t("table", "转台")} ${position.table_deg.toFixed(1)}°`;
  row.append(Object.assign(document.createElement("span"), { className: "small soft number", textContent: words }));
  return row;
}
const known = (name) => [...page.querySelectorAll("[data-face-name] option")].find((one) => one.value === name);
const nameOf = (face) => face.title?.[language] || face.title?.en || face.title?.zh || known(face.name)?.dataset[language] || face.name;

function showTaught() {
  pick("taught").replaceChildren(line(t("First view", "起始画面"), spot.home),
    ...spot.faces.map((face) => line(nameOf(face), face.position, () => keep({ ...spot, faces: spot.faces.filter((one) => one.name !== face.name) }))));
  page.querySelector("[data-undo]").hidden = !earlier.length;
  showSize();
}

async function keep(next, isUndo) {
  const place = page.querySelector("[data-errors]");
  place.hidden = true;
  try {
    const answer = await api("PATCH", `/api/pieces/${page.dataset.piece}`, { spot: next, version }, crypto.randomUUID());
    if (!isUndo) earlier.push(spot);
    spot = answer.spot;
    version = answer.version;
    showTaught();
    say(t("Kept; the shop is told.", "已保存并通知店铺。"), "good");
  } catch (error) { refused(error); }
}

async function keepView(makeNext) {
  try { await keep(makeNext(await readPosition())); } catch (error) { refused(error); }
}

function refused(error) {
  if (!(error instanceof Refusal)) throw error;
  showProblem(page.querySelector("[data-errors]").parentElement, error.problem);
}

/** A face of one's own gets a short name for the wire and a title in both languages for people. */
function faceOf(position) {
  const chosen = page.querySelector("[data-face-name]"), option = chosen.selectedOptions[0];
  if (chosen.value) return { name: chosen.value, position, title: { en: option.dataset.en, zh: option.dataset.zh } };
  const title = { en: page.querySelector("[data-face-en]").value.trim(), zh: page.querySelector("[data-face-zh]").value.trim() };
  if (!title.en && !title.zh) throw new Refusal({ title: t("Name the face in one language at least", "请至少填写一种语言的名称"), status: 422 });
  const slug = title.en.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 30);
  const free = (base, number = 1) => { const name = number > 1 ? `${base}_${number}` : base; return spot.faces.some((one) => one.name === name && one.title?.en !== title.en) ? free(base, number + 1) : name; };
  return { name: slug || free("face"), position, title };
}

/** True size: a line over a known length; the zoom is read in the same moment. */
let measure = null;
function showSize() {
  const width = spot.view_width_mm;
  pick("size-now").textContent = width ? t(`The picture is ${Math.round(width)} mm wide at zoom 1: ${(1280 / width).toFixed(2)} px in a millimetre.`, `变焦 1 倍时画面宽 ${Math.round(width)} 毫米：每毫米 ${(1280 / width).toFixed(2)} 像素。`)
    : t("Not measured: shoppers see no ruler.", "尚未测量，买家看不到标尺。");
  page.querySelector("[data-measure=forget]").hidden = !width;
}
async function beginMeasure() {
  const { Measure } = await import("./measure.js");
  const form = page.querySelector("[data-measure-form]");
  steering?.stop();
  measure ??= new Measure(pick("stage"), () => (pick("video").hidden ? pick("image") : pick("video")), () => page.querySelector("[data-length-mm]").focus());
  form.hidden = false;
  measure.open();
}
async function keepSize(event) {
  event.preventDefault();
  const { viewWidthMm } = await import("./measure.js");
  const place = page.querySelector("[data-length-mm]");
  try {
    const { zoom } = await readPosition();
    await new Promise((rested) => setTimeout(rested, 500));
    if (Math.abs((await readPosition()).zoom / zoom - 1) > 0.005) throw new Refusal({ title: t("The camera still zooms: wait until it rests, then keep the size", "镜头仍在变焦：请等它停稳后再保存"), status: 409 });
    const width = viewWidthMm(measure.ends, Number(place.value), zoom, measure.shape);
    if (!width) throw new Refusal({ title: t("Draw the line from one end to the other first", "请先把线从一端画到另一端"), status: 422 });
    await keep({ ...spot, view_width_mm: Number(width.toFixed(2)) });
    measure.close();
    event.target.hidden = true;
  } catch (error) { refused(error); }
}
function bindMeasure() {
  page.querySelector("[data-measure=begin]").addEventListener("click", beginMeasure);
  page.querySelector("[data-measure=forget]").addEventListener("click", () => keep({ ...spot, view_width_mm: null }));
  page.querySelector("[data-measure-form]").addEventListener("submit", keepSize);
}

/** True colour: a still of the card is marked and read; nothing of it is needed until somebody begins. */
let card = null;
function showColour(correction) {
  pick("colour-now").textContent = correction ? t(`Corrected: ΔE ${correction.error_mean} on average (worst ${correction.error_max}), ${correction.error_before} without.`, `已校正：平均 ΔE ${correction.error_mean}（最大 ${correction.error_max}），校正前 ${correction.error_before}。`)
    : t("No card yet: shoppers see the camera's own colours.", "尚未校正，买家看到的是镜头原色。");
  page.querySelector("[data-card=forget]").hidden = !correction;
}
async function cardDeed(work) {
  const { ColourCard } = await import("./card.js");
  card ??= new ColourCard(pick("true-colour"), () => ({ sessionId: session.session_id }), page.dataset.piece, (correction) => { showColour(correction); say(t("Kept; shoppers see it at once.", "已保存，买家立即可见。"), "good"); });
  pick("true-colour").querySelector("[data-errors]").hidden = true;
  try { await work(card); } catch (error) { showProblem(pick("true-colour"), error instanceof Refusal ? error.problem : { title: error.message }); }
  page.querySelector("[data-card=keep]").hidden = card.pane.hidden;
}
function bindCard() {
  for (const [name, work] of Object.entries({ begin: (one) => one.open(), keep: (one) => one.keep(), forget: (one) => one.forget() })) {
    page.querySelector(`[data-card=${name}]`).addEventListener("click", () => cardDeed(work));
  }
  showColour(JSON.parse(pick("true-colour").dataset.colour));
}

function bindKeeping() {
  page.querySelector("[data-keep=home]").addEventListener("click", () => keepView((position) => ({ ...spot, home: position })));
  page.querySelector("[data-face-form]").addEventListener("submit", (event) => {
    event.preventDefault();
    keepView((position) => { const face = faceOf(position); return { ...spot, faces: [...spot.faces.filter((one) => one.name !== face.name), face] }; });
  });
  page.querySelector("[data-face-name]").addEventListener("change", (event) => { page.querySelector("[data-own-name]").hidden = Boolean(event.target.value); });
  page.querySelector("[data-undo]").addEventListener("click", () => keep(earlier.pop(), true));
  pick("again").addEventListener("click", ask);
  pick("take").addEventListener("click", () => {
    const reason = t("The shop teaches its camera", "店铺正在示教镜头");
    deed(pick("take"), `POST /api/shops/${page.dataset.shop}/cameras/${session.camera}/take`, { reason, session_id: session.session_id });
  });
  page.querySelector("[data-picture]")?.addEventListener("click", takePicture);
}

async function takePicture(event) {
  const button = event.currentTarget;
  button.setAttribute("aria-busy", "true");
  try {
    const { picture_sha256 } = await api("POST", `/api/listings/${page.dataset.listing}/camera-pictures`, { session_id: session.session_id }, crypto.randomUUID());
    const image = Object.assign(document.createElement("img"), { src: `/pictures/${picture_sha256}`, alt: t("The new picture", "新图片"), width: 160, height: 120 });
    const item = document.createElement("li");
    item.append(image);
    pick("pictures").append(item);
    say(t("It is the listing's last picture now.", "已添加为货品的最后一张图片。"), "good");
  } catch (error) { refused(error); } finally { button.removeAttribute("aria-busy"); }
}

if (page) {
  bindKeeping();
  bindMeasure();
  bindCard();
  showTaught();
  ask();
  addEventListener("pagehide", () => {
    isLeaving = true;
    endStream();
    if (session?.session_id) api("POST", `/api/viewing/${session.session_id}/leave`, {}).catch(() => {});
  });
}
