/** The viewing page: ask, wait, look, steer, ask the attendant, confirm this very piece. */

import { Refusal, api, language, say, t } from "./api.js";
import { keepFirst, letGo, prepare } from "./connection.js";
import { Steering } from "./steering.js";
import { Ladder, chosenByHand, keepChoice } from "./ladder.js";

const page = document.getElementById("look");
const pick = (name) => page.querySelector(`[data-part="${name}"]`);
const places = { video: pick("video"), image: pick("image") };
const status = pick("status"), words = pick("words"), confirmButton = pick("confirm");
let session = null, ladder = null, steering = null, events = null;
let wished = null; // the kind of picture that was chosen before the shop answered

const SENTENCES = {
  now: ["You are looking live", "正在实时看货"], steering: ["You steer the camera", "镜头由您操控"],
  watching: ["You are watching live", "正在实时观看"], waiting: ["In line", "排队中"], queued: ["In line", "排队中"],
  being_brought: ["The piece is being brought", "店员正在取货"], asked: ["Asking the shop…", "正在询问店铺……"],
  not_offered: ["This piece is not shown live", "这件货品不提供实时看货"], closed: ["The shop is closed", "店铺已打烊"],
  camera_offline: ["The shop's camera is not reachable", "店铺镜头暂时无法连接"], piece_gone: ["This piece is gone", "这件货品已不在"],
  private: ["The shop has paused its cameras", "店铺已暂停镜头"], full: ["Too many are looking; try again soon", "观看人数已满，请稍后再试"],
  ended: ["The viewing has ended", "看货已结束"],
};
const REASONS = {
  silent: ["We lost contact with you", "与您的连接中断"], time: ["Your turn is over; others were waiting", "时间到了，还有其他人在等"],
  replaced: ["You opened another viewing", "您打开了另一个看货页面"], taken_over: ["The shop needs the camera", "店铺需要使用镜头"],
};
const FAULTS = { // of the picture, while the camera goes on
  frozen: ["The picture stands still: the shop's camera may hang. Ask the attendant.", "画面定格，店铺摄像头可能卡住，请询问店员。"],
  black: ["The picture is black: the shop's camera may be covered, or the light is off. Ask the attendant.", "画面全黑，镜头可能被遮住或没有灯光，请询问店员。"],
};
const say2 = (pair) => (pair ? t(...pair) : "");

function show() {
  const state = session.state === "refused" ? session.answer : session.state;
  status.className = `pill ${{ steering: "now", watching: "now", now: "now", waiting: "queued", being_brought: "being_brought" }[state] ?? (state === "asked" ? "" : "bad")}`;
  status.textContent = say2(SENTENCES[state]) || state;
  const minutes = Math.max(1, Math.round((session.wait_s ?? 0) / 60));
  const lines = [];
  if (state === "waiting") lines.push(t(`You are number ${session.place} in line, about ${minutes} min.`, `您排在第 ${session.place} 位，约 ${minutes} 分钟。`));
  if (state === "being_brought") lines.push(t(`The attendant brings it to the turntable, about ${minutes} min. Stay on this page.`, `店员正把它放上转台，约 ${minutes} 分钟，请留在本页。`));
  if (session.text?.[language] && !["steering", "watching", "being_brought"].includes(state)) lines.push(session.text[language]);
  if (!["ended", "refused"].includes(session.state) && FAULTS[session.reason]) lines.push(say2(FAULTS[session.reason]));
  if (state === "ended") lines.push(say2(REASONS[session.reason]) || session.reason || "");
  if (session.turn_s && state === "steering") lines.push(t("Others are waiting; your turn ends in ", "还有其他人在等，您的时间剩余 ") + Math.round(session.turn_s) + " s");
  words.textContent = lines.join(" ");
  const isOver = ["ended", "refused"].includes(session.state);
  pick("again").hidden = !isOver;
  pick("loupe").hidden = isOver;
  if (pick("spin")) {
    pick("spin").hidden = session.state === "steering"; // the real one turns
    pick("spin-title").textContent = isOver ? t("Turn it all the same", "仍可转动查看") : t("Turn it meanwhile", "先转动看看");
    if (!pick("spin").hidden) import("./spin.js");
  }
  if (pick("ruler")) pick("ruler").hidden = isOver;
  if (pick("colour")) pick("colour").hidden = isOver;
  const canMove = session.can_turn || session.can_pan !== false || session.can_zoom !== false || session.faces?.length;
  pick("controls").hidden = session.state !== "steering" || !canMove;
  confirmButton.disabled = isOver || !["steering", "watching"].includes(session.state);
  if (session.state === "steering" && page.dataset.state !== "steering" && document.activeElement === document.body) pick("stage").focus({ preventScroll: true });
  page.dataset.state = session.state;
}

function take(update) {
  session = { ...session, ...update };
  for (const button of page.querySelectorAll("[data-handoff=remote]")) {
    button.dataset.subject = session.session_id;
    button.hidden = session.state !== "steering";
  }
  if (steering) steering.turnNo = session.state === "steering" ? session.turn_no : 0;
  show();
  // who waits watches meanwhile: the shop keeps a place in line only for a browser it hears of
  if (["steering", "watching", "waiting", "being_brought"].includes(session.state) && !ladder) look();
  if (session.state === "ended") endStream();
}

function look() {
  if (wished !== null) keepChoice(session.shop_id, wished || null);
  wished = null;
  ladder = new Ladder(session.session_id, session.shop_id, places, {
    onMessage: (message) => message.type === "ViewingChanged" && take(message.data),
    onPicture: (way, ms) => {
      if (way !== "still") page.dataset.firstFrameMs = ms;
      pick("poster").hidden = true;
      places.image.hidden = way === "webrtc"; // it lies above the video, which must be drawn to tell of its pictures
    },
    onWords: (way, text, isLate) => {
      page.dataset.way = way;
      pick("way").classList.toggle("late", isLate);
      if (pick("way").textContent !== text) pick("way").textContent = text;
    },
  });
  showChoice();
}

function endStream() {
  ladder?.close();
  ladder = null;
}

function showChoice() {
  const chosen = wished ?? chosenByHand(session?.shop_id) ?? "";
  for (const button of page.querySelectorAll("[data-rung]")) button.setAttribute("aria-pressed", String(button.dataset.rung === chosen));
}

function follow() {
  events?.close();
  const channels = [`session:${session.session_id}`, ...(together?.id ? [`together:${together.id}`] : [])];
  const own = (events = new EventSource(`/api/events?channels=${channels}`));
  events.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.channel.startsWith("together:")) return together?.take(event);
    if (event.kind === "viewing") take(event.data);
    if (event.kind === "question_answered") questions().then((known) => known.answered(page, event.data));
  };
  events.onopen = () => together?.catchUp();
  askNow(own);
}

/** Some networks hold event streams back: then how the session stands is asked for, often while no stream is open. */
async function askNow(own) {
  for (let quiet = 0; own === events; quiet += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    if (own !== events || session.state === "ended") return;
    if (ladder?.way === "webrtc" || (own.readyState === EventSource.OPEN && quiet % 5)) continue;
    const now = await api("GET", `/api/viewing/${session.session_id}`).catch(() => null);
    if (now && own === events && (now.state !== session.state || now.turn_no !== session.turn_no || now.place !== session.place)) take(now);
  }
}

async function ask() {
  const wanted = { piece_id: page.dataset.piece, waits: !invitation, first_picture: true };
  document.dispatchEvent(new CustomEvent("asking", { detail: wanted })); // the click that led here may have asked (ask.js)
  const answering = wanted.answer ?? api("POST", "/api/viewing", wanted);
  prepare(); // while the shop is asked: it takes a tenth of a second on a small machine
  try {
    session = await answering;
  } catch (error) {
    letGo();
    session = { state: "ended", reason: error.message };
    return show();
  }
  keepFirst(session);
  hasLeft = false;
  steering = steering ?? new Steering((wish, isMotion) => ladder?.send(wish, isMotion), {
    pan: session.can_pan !== false, zoom: session.can_zoom !== false, turn: Boolean(session.can_turn),
  });
  bind();
  follow();
  take({});
  if (["refused", "ended"].includes(session.state)) return letGo();
  if (together) together.again();
  else if (invitation) lookTogether(invitation);
  else if (group) lookTogether("", group);
}

/** Who comes by an invitation watches with the others and stands in no line. */
const invitation = new URLSearchParams(location.search).get("with") ?? "", group = new URLSearchParams(location.search).get("group");
let together = null;
async function lookTogether(id, forGroup) {
  const { Together } = await import("./together.js");
  together ??= new Together(page, () => session, follow);
  await together.open(id);
  if (forGroup && together.id) together.inviteGroup(forGroup);
}
pick("invite")?.addEventListener("click", () => lookTogether(""));

let isBound = false;
function bind() {
  pick("turn").hidden = !session.can_turn;
  pick("pan").hidden = session.can_pan === false;
  pick("zoom").hidden = session.can_zoom === false;
  const faces = pick("faces");
  faces.replaceChildren(...(session.faces ?? []).map((face) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.face = face.name;
    button.textContent = face.title?.[language] || face.title?.en || face.title?.zh || say2(FACES[face.name]) || face.name;
    return button;
  }));
  faces.hidden = !session.faces?.length;
  if (!isBound) steering.bindPicture(pick("stage"), axisChanged);
  steering.bindButtons(isBound ? faces : page);
  isBound = true;
}
/** OK walks through what the arrows do; after the last it leads out of the picture, for remote controls without Escape. */
function axisChanged(axis) {
  if (axis === "out") confirmButton.focus();
  say({ look: t("Arrows look around", "方向键：移动"), zoom: t("Up and down zoom", "上下键：缩放"), turn: t("Left and right turn the piece", "左右键：转动货品"),
    out: t("Arrows choose a button", "方向键：选择按钮") }[axis]);
}
const FACES = { front: ["Front", "正面"], back: ["Back", "背面"], left: ["Left", "左侧"], right: ["Right", "右侧"], top: ["Top", "顶部"], bottom: ["Base", "底部"], label: ["Mark", "款识"], flaw: ["Flaw", "瑕疵"] };

page.querySelector("form[data-part=question]").addEventListener("submit", (event) => { event.preventDefault(); question("text", event.target.elements.text.value, event.target); });
for (const button of page.querySelectorAll("[data-ask]")) button.addEventListener("click", () => question(button.dataset.ask, "", button));

async function question(kind, text, from) {
  if (!session?.session_id) return say(t("The shop has not answered yet. Ask again in a moment.", "店铺尚未回应，请稍后再问。"));
  try {
    await (await questions()).ask(page, session.session_id, kind, text, from);
    if (from.reset) from.reset();
  } catch (error) { refused(error); }
}
const questions = () => import("./questions.js");

confirmButton.addEventListener("click", async () => {
  confirmButton.disabled = true;
  steering.stop();
  try {
    const reservation = await api("POST", "/api/reservations", { piece_id: page.dataset.piece, session_id: session.session_id }, confirmKey);
    location.assign(`/checkout/${reservation.parcel_id}`);
  } catch (error) { confirmButton.disabled = false; refused(error); }
});
const confirmKey = crypto.randomUUID();

/** What a phone presses moves the camera by this page's own turn; without a fresh press it stands still. */
const REMOTE_MS = 600;
let remoteEnd;
document.addEventListener("remote", ({ detail: { kind, face, ...motion } }) => {
  clearTimeout(remoteEnd);
  if (!steering || session.state !== "steering") return;
  if (kind === "face") return steering.face(face);
  if (kind === "stop") return steering.stop();
  steering.hold(motion);
  remoteEnd = setTimeout(() => steering.stop(), REMOTE_MS);
});

function refused(error) {
  if (!(error instanceof Refusal)) throw error;
  if (error.problem.status === 401) return location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  say([error.problem.title, error.problem.detail].filter(Boolean).join(" — "), "error");
}

// a tool box that is there already opens within the press: what is pressed next is meant for it
let toolBox = null;
const tools = { page, stop: () => steering?.stop(), seen: () => ({ opened: ladder, sessionId: session?.session_id, picture: ladder?.way === "webrtc" ? places.video : places.image }) };
page.querySelector(".tools").addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-part]");
  if (!button || button.classList.contains("tools")) return;
  if (!toolBox) toolBox = await import("./tools.js");
  toolBox.open(button, tools);
});
pick("again").addEventListener("click", () => { endStream(); ask(); });
for (const button of page.querySelectorAll("[data-rung]")) {
  button.addEventListener("click", () => {
    if (ladder) ladder.choose(button.dataset.rung || null);
    else wished = button.dataset.rung;
    showChoice();
  });
}
let hasLeft = false;
function leave() {
  if (hasLeft || !session?.session_id) return;
  hasLeft = true;
  endStream();
  api("POST", `/api/viewing/${session.session_id}/leave`, {}).catch(() => {});
}
// a request begun while a page goes away is sometimes lost with it: who follows a link is known to go a moment before
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (link && !link.target && link.pathname !== location.pathname && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) leave();
});
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => event.persisted && location.reload());

ask();
