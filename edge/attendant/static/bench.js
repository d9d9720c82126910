// The bench page: shows the state that the shop box pushes, sends the person's answers. Words from outside are only text.
import * as bell from "./bell.js";
import { WORDS, choose, fill, language, pick } from "./words.js";

const $ = (id) => document.getElementById(id);
let code = "en";
let state = null;
let known = null;
let bellTimer = 0;
let bellWords = null;
const refused = new Map(); // why an answer did not count, by task: it stays on the card when the state is pushed again

function make(tag, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
}

async function post(path, body) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (reply.status === 401) location.assign("/sign-in");
  return { ok: reply.ok, body: await reply.json().catch(() => ({})) };
}

function say(text, isGood) {
  $("scanned").textContent = text;
  $("scanned").className = isGood ? "good" : "bad";
}

async function press(button, path, body) {
  button.disabled = true;
  const card = button.closest("article");
  refused.delete(card?.dataset.task);
  const words = WORDS[code];
  const { ok, body: said } = await post(path, body).catch(() => ({ ok: false, body: {} }));
  const text = pick(said.text, code) || (ok ? "" : said.detail || words.sayAgain);
  if (text) say(text, ok);
  if (!ok && card) {
    if (card.dataset.task) { // the card may be another one by now: the answer's own push came first
      refused.set(card.dataset.task, said.text || { en: text, zh: text });
      showTasks();
      return;
    }
    let line = card.querySelector(".said");
    if (!line) card.append((line = make("p", "said bad")));
    line.textContent = text;
    button.disabled = false;
  }
}

function photo(sha256) {
  const picture = make("img", "photo");
  picture.src = `/api/pictures/${encodeURIComponent(sha256)}`;
  picture.alt = WORDS[code].photo;
  return picture;
}

function showTask(task, isFirst) {
  const words = WORDS[code];
  const card = make("article", isFirst ? "task first" : "task");
  card.dataset.task = task.task_id;
  card.dataset.kind = task.kind;
  card.append(make(isFirst ? "h2" : "h3", "", words.kinds[task.kind] || task.kind));
  card.append(make("p", "ask", pick(task.text, code)));
  if (task.piece) {
    const line = make("p", "piece");
    line.append(make("b", "", task.piece.code), make("span", "", pick(task.piece.title, code)));
    if (task.piece.location) line.append(make("span", "place", `${words.pieceAt}: ${task.piece.location}`));
    card.append(line);
  }
  if (task.link) {
    const drawing = make("img", "link");
    drawing.src = `/api/tasks/${encodeURIComponent(task.task_id)}/link.svg`;
    drawing.alt = words.kinds.show_courier_link;
    card.append(drawing, make("p", "hint", words.onceOnly));
  }
  if (task.picture_sha256) card.append(photo(task.picture_sha256));
  if (task.scanned) card.append(make("p", "scanned", `${words.scanned}: ${task.scanned}`));
  const mustScan = task.needs_scan && !task.scanned;
  if (mustScan) card.append(make("p", "hint scan", task.answers.length ? words.scanFirst : words.scanNow));
  const row = make("div", "answers");
  for (const choice of task.answers) {
    const button = make("button", "answer", pick(choice.text, code));
    button.type = "button";
    button.dataset.answer = choice.answer;
    button.addEventListener("click", () =>
      press(button, `/api/tasks/${encodeURIComponent(task.task_id)}/answer`, { answer: choice.answer }));
    row.append(button);
  }
  card.append(row);
  if (refused.has(task.task_id)) card.append(make("p", "said bad", pick(refused.get(task.task_id), code)));
  return card;
}

function showTasks() {
  const words = WORDS[code];
  const parts = [];
  state.tasks.forEach((task, place) => {
    if (place === 1) parts.push(make("h2", "then", words.next));
    parts.push(showTask(task, place === 0));
  });
  if (!parts.length) {
    const card = make("article", "calm");
    card.append(make("h2", "", words.quiet), make("p", "", words.quietMore));
    parts.push(card);
  }
  $("now").replaceChildren(...parts);
}

// Cards of questions are kept, so that nothing that is being typed is lost when the state is pushed again.
function showQuestions() {
  const words = WORDS[code];
  const box = $("questions");
  const kept = new Map([...box.querySelectorAll("article")].map((card) => [card.dataset.question, card]));
  const cards = state.questions.map((question) => {
    const old = kept.get(question.question_id);
    if (old && old.dataset.language === code) return old;
    const card = make("article", "question");
    card.dataset.question = question.question_id;
    card.dataset.language = code;
    card.append(make("h3", "", pick(question.kind_text, code)));
    if (question.text) card.append(make("p", "ask", question.text));
    const form = make("form");
    const box2 = make("textarea");
    box2.rows = 2;
    box2.maxLength = 300;
    box2.required = true;
    box2.placeholder = words.answerHint;
    box2.setAttribute("aria-label", words.answer);
    if (old) box2.value = old.querySelector("textarea").value;
    const button = make("button", "", words.answer);
    form.append(box2, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      press(button, `/api/questions/${encodeURIComponent(question.question_id)}/answer`, { text: box2.value });
    });
    card.append(form);
    return card;
  });
  const same = cards.length === box.children.length && cards.every((card, place) => box.children[place] === card);
  if (!same || !cards.length) box.replaceChildren(...(cards.length ? cards : [make("p", "none", words.noQuestions)]));
}

function showLooking() {
  const words = WORDS[code];
  const lines = [];
  for (const device of state.devices) {
    const camera = device.camera;
    if (!camera || !(camera.session_id || camera.waiting || camera.spectators)) continue;
    const line = make("p", "looking");
    line.append(make("b", "", device.device), make("span", "", words.looks));
    if (camera.waiting) line.append(make("span", "waits", fill(words.waits, { n: camera.waiting })));
    lines.push(line);
  }
  $("looking").replaceChildren(...(lines.length ? lines : [make("p", "none", words.nobody)]));
}

function showParcels() {
  const words = WORDS[code];
  const cards = state.parcels.map((parcel) => {
    const card = make("article", "parcel");
    card.dataset.parcel = parcel.parcel_id;
    card.dataset.stage = parcel.stage;
    card.append(make("h3", "", pick(parcel.title, code) || parcel.parcel_id));
    card.append(make("p", "stage", pick(parcel.stage_text, code)));
    const reason = pick(parcel.reason_text, code);
    if (reason) card.append(make("p", "bad", reason));
    if (parcel.picture_sha256) card.append(photo(parcel.picture_sha256));
    return card;
  });
  $("parcels").replaceChildren(...(cards.length ? cards : [make("p", "none", words.noParcels)]));
}

function tool(text, path, body) {
  const button = make("button", "quiet", text);
  button.type = "button";
  button.addEventListener("click", () => press(button, path, body).then(() => { button.disabled = false; }));
  return button;
}

// Buttons are kept while their names stay, so that a push never takes the one away that is being pressed.
function showMachines() {
  const words = WORDS[code];
  const homes = state.machines.homes;
  const name = `${code} ${homes.join(" ")}`;
  if ($("homes").dataset.name !== name) {
    $("homes").dataset.name = name;
    $("homes").replaceChildren(...homes.map((machine) => tool(fill(words.home, { name: machine }), "/api/machines/home", { machine })));
  }
  for (const [camera, why] of Object.entries(state.machines.taken)) {
    const line = make("p", "looking taken");
    line.append(make("b", "", camera), make("span", "", fill(words.taken, { why })));
    $("looking").append(line, tool(words.giveBack, "/api/cameras/give-back", { camera }));
    if ($("looking").querySelector(".none")) $("looking").querySelector(".none").remove();
  }
}

function showCheck() {
  const words = WORDS[code];
  const check = state.bench_check;
  const card = check && check.cards[0];
  const parts = [];
  if (check && check.running) parts.push(make("p", "", words.checkRuns));
  else if (!card) parts.push(make("p", "none", words.checkNever));
  else {
    const at = new Date(card.ended_at).toLocaleString(code === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });
    parts.push(make("p", card.is_passed ? "good" : "bad", `${card.is_passed ? words.checkPassed : words.checkFailed} · ${at}`));
    for (const step of card.steps.filter((one) => one.result === "failed")) {
      parts.push(make("p", "", `${pick(step.title, code)}: ${pick(step.hint, code) || pick(step.text, code)}`));
    }
  }
  const way = make("a", "button quiet", words.checkOpen);
  way.href = "/check";
  parts.push(way);
  $("check").replaceChildren(...parts);
}

function showDevices() {
  const words = WORDS[code];
  $("devices").replaceChildren(...state.devices.map((device) => {
    const line = make("p", `device ${device.health}`);
    const sentence = pick(device.text, code);
    line.append(make("b", "", device.device), make("span", "", sentence || words[device.health]));
    return line;
  }));
}

function showFrame() {
  const words = WORDS[code];
  document.documentElement.lang = code;
  $("shop").textContent = (state && pick(state.shop.name, code)) || (state && state.shop.shop_id) || "Vitrine";
  const labels = {
    leave: words.leave, "code-label": words.code, "code-send": words.send, "questions-title": words.questions,
    "looking-title": words.looking, "parcels-title": words.parcels, "devices-title": words.devices, "check-title": words.check, language: words.other,
  };
  for (const [id, text] of Object.entries(labels)) $(id).textContent = text;
  $("language").lang = words.otherLang;
  $("sound").textContent = bell.isOn() ? words.soundIs : words.soundOn;
  $("sound").classList.toggle("wanted", !bell.isOn());
  if (!state) return;
  $("relay").textContent = state.is_relay_near ? words.near : words.away;
  $("relay").className = state.is_relay_near ? "chip good" : "chip bad";
  $("privacy").textContent = state.is_private ? words.privacyOn : words.privacyOff;
  $("privacy").setAttribute("aria-pressed", String(state.is_private));
  const scan = state.last_scan;
  if (scan) say(pick(scan.text, code), scan.accepted);
}

// What a bell is worth: a new task, question, shopper at a camera, device that needs somebody. The words are kept as
// functions, so that a bell that still shows changes its language with the page.
function reasonsToRing() {
  const now = new Map();
  for (const device of state.devices) {
    if (device.health === "needs_attendant") now.set(`d ${device.device} ${device.reason}`, (words) => words.newTrouble);
    const camera = device.camera;
    if (camera && camera.session_id) now.set(`l ${device.device} ${camera.session_id}`, (words) => words.newLook);
    for (let place = 1; camera && place <= camera.waiting; place += 1) {
      now.set(`w ${device.device} ${place}`, (words) => words.newLook);
    }
  }
  for (const task of state.tasks) {
    now.set(`t ${task.task_id}`, (words) => `${words.newTask}: ${words.kinds[task.kind] || task.kind}`);
  }
  for (const question of state.questions) now.set(`q ${question.question_id}`, (words) => words.newQuestion);
  return now;
}

function showBell() {
  $("bell").hidden = bellWords === null;
  if (bellWords) $("bell").textContent = bellWords(WORDS[code]);
}

function ringIfNew() {
  const now = reasonsToRing();
  const fresh = [...now].filter(([key]) => known === null || !known.has(key));
  known = now;
  if (!fresh.length) return;
  bell.ring();
  bellWords = fresh[fresh.length - 1][1];
  showBell();
  clearTimeout(bellTimer);
  bellTimer = setTimeout(() => { bellWords = null; showBell(); }, 8000);
}

function show() {
  showFrame();
  showBell();
  if (!state) return;
  showTasks();
  showQuestions();
  showLooking();
  showMachines();
  showParcels();
  showDevices();
  showCheck();
}

function listen() {
  const source = new EventSource("/api/events");
  source.addEventListener("state", (event) => {
    const scanned = JSON.stringify(state?.last_scan);
    state = JSON.parse(event.data);
    if (state.last_scan?.accepted && JSON.stringify(state.last_scan) !== scanned) refused.clear();
    show();
    ringIfNew();
  });
  source.onerror = async () => {
    $("relay").textContent = WORDS[code].gone;
    $("relay").className = "chip bad";
    if (source.readyState !== EventSource.CLOSED) return;
    const reply = await fetch("/api/devices").catch(() => null);
    if (reply && reply.status === 401) location.assign("/sign-in");
    else setTimeout(listen, 1000);
  };
}

$("scan").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("code").value.trim();
  $("code").value = "";
  if (!text) return;
  const { ok, body } = await post("/api/scan", { text }).catch(() => ({ ok: false, body: {} }));
  say(pick(body.text, code) || body.detail || WORDS[code].sayAgain, ok);
});
$("sound").addEventListener("click", async () => { await bell.turnOn(); bell.ring(); showFrame(); });
$("privacy").addEventListener("click", () => press($("privacy"), "/api/privacy", { switch: state.is_private ? "off" : "on" })
  .then(() => { $("privacy").disabled = false; }));
$("language").addEventListener("click", () => { code = WORDS[code].otherLang; choose(code); show(); });
$("leave").addEventListener("click", async () => { await post("/api/sign-out", {}); location.assign("/sign-in"); });
document.addEventListener("pointerdown", () => bell.turnOn().then(showFrame), { once: true });

code = await language();
showFrame();
listen();
