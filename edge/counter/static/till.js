// The till: what is sold, how it is paid, what became of it. The shop box holds the truth; this only shows it.
import { lineOwner, savingLines, shopperHead, showJoints, showShares } from "./together.js";
import { WORDS, choose, chosen, fill, minorOf, money, post, said } from "./words.js";

const byId = (id) => document.getElementById(id);
let code = chosen("");
let state = null;
let picture = "";
let lastPaid = null;
let asked = ""; // the sale whose refund a person is asked about
let chosenPart = ""; // the share that somebody wants to pay before the others

const words = () => WORDS[code];
const page = { words, make, deed, amount, say: (text) => said(text, code), choosePart };

function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  const { dataset, ...rest } = properties;
  Object.assign(node, rest);
  Object.assign(node.dataset, dataset ?? {});
  node.append(...children);
  return node;
}

function tell(text) {
  byId("said").textContent = text ? said(text, code) : "";
}

async function deed(path, body) {
  try {
    const { reply, body: answer } = await post(path, body);
    if (reply.status === 401) location.assign("/till/sign-in");
    tell(reply.ok ? null : answer.text);
    return reply.ok ? answer : null;
  } catch {
    tell({ en: WORDS.en.unreachable, zh: WORDS.zh.unreachable });
    return null;
  }
}

function showFixed() {
  document.documentElement.lang = code;
  document.title = `Vitrine · ${words().till}`;
  const fixed = {
    "sale-title": "sale", "code-label": "code", "code-send": "add", "receipts-title": "receipts", "goods-title": "goods",
    "add-shopper": "addShopper", "show-goods": "goods", leave: "leave", language: "other",
  };
  for (const [id, word] of Object.entries(fixed)) byId(id).textContent = words()[word];
  byId("language").lang = words().otherLang;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = words()[node.dataset.word];
}

function amount(sale, minor) {
  return `${money(minor, sale.digits)}\u00a0${sale.currency}`; // never broken between number and currency
}

function showLine(sale, line, place) {
  const title = said(line.title, code);
  const set = (quantity) => deed("quantity", { sale_id: sale.sale_id, line_no: place, quantity });
  const may = sale.stage === "open" && !sale.part_no;
  const many = make("span", { className: "many" });
  if (may) many.append(make("button", { type: "button", textContent: line.piece_id ? "✕" : "−", ariaLabel: fill(line.piece_id ? words().out : words().less, { what: title }), onclick: () => set(line.quantity - 1) }));
  many.append(make("output", { textContent: line.quantity }));
  if (may && !line.piece_id) many.append(make("button", { type: "button", textContent: "+", ariaLabel: fill(words().more, { what: title }), onclick: () => set(line.quantity + 1) }));
  const usual = line.price_minor * line.quantity;
  const price = make("b", { textContent: money(usual - line.saving_minor, sale.digits) });
  if (line.saving_minor) price.prepend(make("s", { textContent: money(usual, sale.digits), ariaLabel: fill(words().usually, { amount: money(usual, sale.digits) }) }), " ");
  const row = make("li", {}, make("span", { textContent: title }), many, price);
  if (may && sale.shoppers.length > 1) many.prepend(lineOwner(page, sale, line, place));
  return row;
}

function choosePart(saleId) {
  chosenPart = saleId;
  show();
  byId("pay").querySelector("button")?.focus();
}

function inHand() {
  const parts = state.joints.flatMap((joint) => joint.parts);
  const other = state.sale?.part_no && state.sale.stage === "open" ? parts.find((one) => one.sale_id === chosenPart && one.stage === "open") : null;
  return other ?? state.sale;
}

function showSale() {
  const sale = inHand();
  const lines = sale ? sale.lines : [];
  const several = sale && sale.stage === "open" && sale.shoppers.length > 1;
  const focused = document.activeElement?.dataset.keep; // a person at the keyboard stays where they are
  const rows = lines.map((line, place) => [line.whose, showLine(sale, line, place)]);
  const places = several ? sale.shoppers.map((_one, place) => [shopperHead(page, sale, place), ...rows.filter(([own]) => own === place).map(([, row]) => row)]).flat() : rows.map(([, row]) => row);
  byId("lines").replaceChildren(...places);
  if (!lines.length) byId("lines").append(make("li", { className: "none", textContent: words().none }));
  if (focused) byId("lines").querySelector(`[data-keep="${CSS.escape(focused)}"]`)?.focus();
  byId("savings").replaceChildren(...(lines.length ? savingLines(page, sale) : []));
  byId("total").textContent = lines.length ? `${words().total} ${amount(sale, sale.total_minor)}` : "";
  if (sale?.is_known_shopper && !several) byId("total").append(make("small", { textContent: words().shopper }));
  byId("add-shopper").hidden = !(sale && sale.stage === "open" && !sale.part_no && !sale.is_refund);
}

function wayWord(way) {
  if (way.way === "card" && way.by_hand) return words().cardByHand;
  return words()[way.way];
}

function showWays(sale) {
  const due = sale.part_no ? fill(words().dueShare, { n: sale.part_no, of: sale.part_count }) : words().due;
  const parts = [make("p", { className: "due", textContent: `${due} ${amount(sale, sale.total_minor)}` })];
  if (sale.shoppers.length > 1) return [...parts, ...showShares(page, sale)];
  if (said(sale.reason, code)) parts.push(make("p", { className: "bad", role: "status", textContent: said(sale.reason, code) }));
  for (const way of state.ways) {
    const key = make("button", { type: "button", className: "way", textContent: wayWord(way), dataset: { way: way.way, name: way.name } });
    key.addEventListener("click", () => deed("pay", { sale_id: sale.sale_id, device: way.name, shown_minor: sale.total_minor }));
    parts.push(key);
    if (!way.is_well) parts.push(make("p", { className: "bad", textContent: said(way.text, code) }));
  }
  if (sale.part_no) return parts;
  parts.push(make("button", { type: "button", className: "quiet", id: "give-up", textContent: words().giveUp, onclick: () => deed("give-up", { sale_id: sale.sale_id }) }));
  return parts;
}

function showWaiting(sale) {
  const parts = [make("p", { className: "due", textContent: `${words().due} ${amount(sale, sale.asked_minor)}` })];
  const answer = (word, tendered) => deed("answer", { sale_id: sale.sale_id, answer: word, tendered_minor: tendered });
  let tendered = () => 0;
  if (sale.way === "cash") {
    const given = make("input", { id: "given", inputMode: "decimal", maxLength: 16 });
    const change = make("p", { className: "change", role: "status" });
    tendered = () => minorOf(given.value, sale.digits) ?? 0;
    given.addEventListener("input", () => {
      change.textContent = tendered() >= sale.asked_minor ? `${words().change} ${amount(sale, tendered() - sale.asked_minor)}` : "";
    });
    parts.push(make("label", { htmlFor: "given", textContent: words().given }), given, change);
  } else if (sale.way === "qr") {
    parts.push(make("p", { textContent: words().scanQr }), make("img", { className: "qr", alt: words().qr, src: `/till/api/qr.svg?sale_id=${sale.sale_id}` }));
  } else {
    parts.push(make("p", { textContent: words().typed }));
  }
  parts.push(make("button", { type: "button", className: "way", id: "came", textContent: words().came, onclick: () => answer("came", tendered()) }));
  parts.push(make("button", { type: "button", className: "quiet", id: "not-came", textContent: words().notCame, onclick: () => answer("did_not_come", 0) }));
  return parts;
}

function showGivingBack(sale) {
  const parts = [make("h2", { textContent: words().refundTitle }), make("p", { className: "due", textContent: `${words().refundDue} ${amount(sale, sale.asked_minor)}` })];
  if (sale.stage === "asking") return [...parts, make("p", { role: "status", textContent: words().refundAsking })];
  const answer = (word) => deed("answer", { sale_id: sale.sale_id, answer: word, tendered_minor: 0 });
  if (said(sale.reason, code)) parts.push(make("p", { className: "bad", role: "status", textContent: said(sale.reason, code) }));
  parts.push(make("p", { textContent: words().refundByHand }));
  parts.push(make("button", { type: "button", className: "way", id: "given-back", textContent: words().refundGiven, onclick: () => answer("came") }));
  parts.push(make("button", { type: "button", className: "quiet", id: "not-given", textContent: words().refundNot, onclick: () => answer("did_not_come") }));
  return parts;
}

function askRefund(sale, place) {
  const stock = make("input", { type: "checkbox", checked: true });
  const yes = make("button", { type: "button", className: "way", textContent: words().refundYes, onclick: async () => { asked = ""; await deed("refund", { sale_id: sale.sale_id, is_restocked: stock.checked }); showReceipts(); } });
  const no = make("button", { type: "button", className: "quiet", textContent: words().refundNo, onclick: () => { asked = ""; showReceipts(); } });
  place.replaceChildren(make("p", { textContent: fill(words().refundAsk, { amount: amount(sale, sale.asked_minor) }) }), make("label", { className: "check" }, stock, make("span", { textContent: words().refundStock })), yes, no);
  yes.focus();
}

function showPay() {
  const sale = inHand();
  const place = byId("pay");
  const key = sale ? JSON.stringify([sale.sale_id, sale.stage, sale.total_minor, sale.shoppers, sale.part_no, sale.reason, sale.shows, state.ways, code]) : `${code} ${lastPaid}`;
  if (place.dataset.key === key) return; // what a person is typing stays
  place.dataset.key = key;
  const parts = [];
  if (!sale || !sale.lines.length) {
    if (lastPaid !== null) parts.push(make("p", { className: "done", role: "status", textContent: fill(state.receipts[0]?.is_refund ? words().refundDone : words().done, { no: lastPaid }) }));
  } else if (sale.is_refund) {
    parts.push(...showGivingBack(sale));
  } else if (sale.stage === "asking") {
    const shows = { card: "cardNow", pin: "pinNow", wait: "wait", remove: "remove" }[sale.shows] ?? "asking";
    parts.push(make("p", { className: "due", textContent: `${words().due} ${amount(sale, sale.asked_minor)}` }), make("p", { role: "status", textContent: words()[shows] }));
  } else {
    parts.push(...(sale.stage === "waiting" ? showWaiting(sale) : showWays(sale)));
  }
  place.replaceChildren(...parts);
}

function showDoubts() {
  byId("doubts").replaceChildren(...state.in_doubt.map((sale) => {
    const sum = amount(sale, sale.asked_minor);
    const answer = (word) => deed("answer", { sale_id: sale.sale_id, answer: word, tendered_minor: 0 });
    const [title, was, not] = sale.is_refund ? ["doubtBack", "wasGiven", "notGiven"] : ["doubt", "paid", "unpaid"];
    const box = make("article", {}, make("h2", { textContent: words()[title] }), make("p", { textContent: fill(sale.is_sensed ? words().doubtPerson : words().doubtAsks, { amount: sum }) }));
    if (said(sale.reason, code)) box.append(make("p", { textContent: said(sale.reason, code) }));
    for (const [word, text] of [["sense_again", "again"], ["person_paid", was], ["person_unpaid", not]]) {
      if (word === "sense_again" && !sale.is_sensed) continue;
      box.append(make("button", { type: "button", className: "quiet", textContent: words()[text], dataset: { answer: word }, onclick: () => answer(word) }));
    }
    return box;
  }));
}

function showReceipts() {
  if (asked && state.receipts.some((sale) => sale.sale_id === asked && !sale.refund)) return; // what a person is asked stays
  asked = "";
  const rows = state.receipts.map((sale) => {
    const line = make("li", {}, make("b", { textContent: `№ ${sale.receipt_no}` }), make("span", { textContent: amount(sale, sale.asked_minor) }), make("span", { textContent: words()[sale.way] }));
    if (state.has_printer) line.append(make("button", { type: "button", className: "quiet", textContent: sale.receipt === "printed" ? words().printAgain : words().print, onclick: () => deed("receipt", { sale_id: sale.sale_id }) }));
    if (state.may_refund && !sale.is_refund && !sale.refund) {
      const place = make("div", { className: "ask-refund" });
      line.append(make("button", { type: "button", className: "quiet", dataset: { refund: sale.receipt_no }, textContent: words().refund, onclick: (event) => {
        if (asked) return;
        asked = sale.sale_id;
        event.target.remove();
        line.append(place);
        askRefund(sale, place);
      } }));
    }
    const about = sale.is_refund ? words().refundLine : { runs: words().refundRuns, done: words().refunded }[sale.refund];
    if (about) line.append(make("span", { className: "note", textContent: about }));
    const note = sale.receipt === "printed" ? words().printed : said(sale.receipt_text, code);
    line.append(make("span", { className: "note", textContent: [sale.lines.map((one) => `${one.quantity} × ${said(one.title, code)}`).join(", "), note].filter(Boolean).join(" · ") }));
    return line;
  });
  byId("receipts").replaceChildren(...(rows.length ? rows : [make("li", { className: "none", textContent: words().noReceipts })]));
}

function show() {
  if (!state) return;
  const newest = state.receipts[0]?.receipt_no ?? 0;
  if (show.newest !== undefined && newest > show.newest) lastPaid = newest;
  if (state.sale?.lines.length) lastPaid = null;
  show.newest = newest;
  const waiting = Object.values(state.waiting).reduce((sum, one) => sum + one, 0);
  byId("shop").textContent = said(state.shop, code) || "Vitrine";
  byId("relay").textContent = (state.is_relay_near ? words().near : words().away) + (waiting ? ` · ${fill(words().waits, { n: waiting })}` : "");
  byId("relay").className = `chip ${state.is_relay_near ? "good" : "bad"}`;
  byId("publish-row").hidden = !state.may_publish;
  showCameras();
  showSale();
  showDoubts();
  showTogether();
  showPay();
  showReceipts();
  if (said(state.said, code)) tell(state.said);
}

function showTogether() {
  const place = byId("joints");
  const key = JSON.stringify([state.joints, inHand()?.sale_id, code]);
  if (place.dataset.key === key) return; // the key under a finger stays
  place.dataset.key = key;
  drawTogether();
}

function drawTogether() {
  byId("joints").replaceChildren(...showJoints(page, state, inHand(), drawTogether));
}

function showCameras() {
  byId("cameras").replaceChildren(...state.cameras.map((camera) => {
    const key = make("button", { type: "button", className: "quiet", textContent: fill(words().shoot, { camera }) });
    key.addEventListener("click", async () => {
      const taken = await deed("picture", { camera });
      if (!taken) return;
      picture = taken.picture_sha256;
      Object.assign(byId("shot"), { src: `/till/api/pictures/${picture}`, alt: words().photo, hidden: false });
    });
    return key;
  }));
}

byId("scan").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = byId("code").value.trim();
  byId("code").value = "";
  if (text) await deed("scan", { text });
  byId("code").focus();
});
byId("add-shopper").addEventListener("click", async () => {
  await deed("shopper", { sale_id: state.sale.sale_id });
  byId("code").focus();
});
byId("show-goods").addEventListener("click", () => {
  const goods = byId("goods");
  goods.hidden = !goods.hidden;
  byId("show-goods").setAttribute("aria-expanded", String(!goods.hidden));
  if (!goods.hidden) goods.querySelector("input").focus();
});
byId("language").addEventListener("click", () => {
  code = words().otherLang;
  choose(code);
  showFixed();
  show();
});
byId("leave").addEventListener("click", async () => {
  await post("sign-out", {});
  location.assign("/till/sign-in");
});
byId("listing").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const price = minorOf(form.price.value, state.digits);
  const note = byId("listing-said");
  if (price === null) {
    note.textContent = words().badPrice;
    form.price.focus();
    return;
  }
  const answer = await deed("listing", {
    title_zh: form.title_zh.value, title_en: form.title_en.value, price_minor: price, currency: state.currency,
    stock: Number.parseInt(form.stock.value, 10) || 0, code: form.code.value, picture_sha256: picture,
    is_published: form.is_published.checked && state.may_publish,
  });
  note.textContent = answer ? (answer.is_relay_near ? words().kept : words().keptHere) : byId("said").textContent;
  if (!answer) return;
  form.reset();
  picture = "";
  byId("shot").hidden = true;
});

showFixed();
const events = new EventSource("/till/api/events");
events.addEventListener("state", (event) => {
  state = JSON.parse(event.data);
  show();
});
events.addEventListener("signed_out", () => location.assign("/till/sign-in"));
events.addEventListener("error", async () => {
  byId("relay").textContent = words().gone;
  byId("relay").className = "chip bad";
  const reply = await fetch("/till/api/state").catch(() => null);
  if (reply?.status === 401) location.assign("/till/sign-in");
});
byId("code").focus();
