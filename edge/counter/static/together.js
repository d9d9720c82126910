// Several shoppers at one sale: whose goods are whose, what each pays, and which shares are paid. Draws; decides nothing.
import { fill, money } from "./words.js";

const MARK = { open: "shareOpen", asking: "shareAsking", waiting: "shareAsking", in_doubt: "shareDoubt", paid: "sharePaid", given_up: "shareUp" };

const named = (page, place) => fill(page.words().shopperNo, { n: place + 1 });

export function shopperHead(page, sale, place) {
  const { make, words, deed } = page;
  const one = sale.shoppers[place];
  const is_now = place === sale.at_shopper;
  const choose = make("button", { type: "button", className: "quiet who", textContent: named(page, place), ariaPressed: String(is_now), dataset: { keep: `who${place}` }, onclick: () => deed("choose", { sale_id: sale.sale_id, shopper: place }) });
  const notes = [one.is_known ? words().codeNoted : "", is_now ? words().goodsNow : "", one.has_goods ? "" : words().noGoods].filter(Boolean).join(" · ");
  const remove = make("button", { type: "button", className: "quiet", textContent: "✕", ariaLabel: fill(words().removeShopper, { who: named(page, place) }), dataset: { keep: `out${place}` }, onclick: () => deed("remove", { sale_id: sale.sale_id, shopper: place }) });
  return make("li", { className: "shopper" }, choose, make("small", { textContent: notes }), make("b", { textContent: money(one.share_minor, sale.digits) }), remove);
}

export function lineOwner(page, sale, line, place) {
  const { make, words, deed } = page;
  const pick = make("select", { ariaLabel: fill(words().whose, { what: page.say(line.title) }), dataset: { keep: `line${place}` }, onchange: () => deed("move", { sale_id: sale.sale_id, line_no: place, shopper: Number(pick.value) }) });
  pick.append(...sale.shoppers.map((_one, other) => make("option", { value: String(other), textContent: named(page, other), selected: other === line.whose })));
  return pick;
}

export function savingLines(page, sale) {
  const { make, words, amount, say } = page;
  const rows = [];
  if (sale.saving_minor) {
    rows.push(make("p", { textContent: `${words().usual} ${amount(sale, sale.usual_minor)}` }));
    rows.push(make("p", { className: "saving", textContent: `${say(sale.promotion)} −${amount(sale, sale.saving_minor)}` }));
  }
  if (sale.is_best_of_several) rows.push(make("p", { className: "soft", textContent: words().notAdded }));
  for (const one of sale.lacking) {
    const short = one.minor ? fill(words().lackMoney, { amount: amount(sale, one.minor) }) : one.pieces ? fill(words().lackPieces, { n: one.pieces }) : fill(words().lackPeople, { n: one.people });
    rows.push(make("p", { className: "lack", textContent: `${short} ${say(one.title)}` }));
  }
  return rows;
}

export function showShares(page, sale) {
  const { make, words, deed, amount } = page;
  const rows = sale.shoppers.map((one, place) => make("li", {}, make("span", { textContent: named(page, place) }), make("b", { textContent: amount(sale, one.share_minor) })));
  return [
    make("ol", { className: "shares" }, ...rows),
    make("button", { type: "button", className: "way", id: "pay-each", textContent: words().payEach, onclick: () => deed("pay-each", { sale_id: sale.sale_id, shown_minor: sale.total_minor }) }),
    make("button", { type: "button", className: "quiet", id: "give-up", textContent: words().giveUp, onclick: () => deed("give-up", { sale_id: sale.sale_id }) }),
  ];
}

function shareRow(page, state, joint, part, inHand) {
  const { make, words, deed, amount } = page;
  const mark = part.stage === "paid" && part.refund ? { runs: "refundRuns", done: "refunded" }[part.refund] : MARK[part.stage];
  const row = make("li", { className: part.sale_id === inHand?.sale_id ? "now" : "", dataset: { stage: part.stage } }, make("span", { textContent: named(page, part.part_no - 1) }), make("b", { textContent: amount(part, part.total_minor) }), make("small", { textContent: words()[mark] }));
  if (joint.stage === "paying" && part.stage === "open" && part.sale_id !== inHand?.sale_id) row.append(make("button", { type: "button", className: "quiet", textContent: words().payNow, dataset: { keep: part.sale_id }, onclick: () => page.choosePart(part.sale_id) }));
  if (joint.stage === "undoing" && part.stage === "paid" && !part.refund && state.may_refund) row.append(make("button", { type: "button", className: "quiet", textContent: words().refund, dataset: { back: part.part_no }, onclick: () => deed("refund", { sale_id: part.sale_id, is_restocked: true }) }));
  return row;
}

let undoAsked = ""; // the joint sale that a person is asked about

function undoParts(page, joint, draw) {
  const { make, words, deed } = page;
  const undo = () => { undoAsked = ""; deed("undo", { joint_id: joint.joint_id }); };
  const ask = () => { undoAsked = joint.joint_id; draw(); };
  const no = () => { undoAsked = ""; draw(); };
  if (undoAsked !== joint.joint_id) return [make("button", { type: "button", className: "quiet", id: "undo", textContent: words().undo, onclick: joint.is_untouched ? undo : ask })];
  return [
    make("p", { textContent: words().undoAsk }),
    make("button", { type: "button", className: "way", id: "undo-yes", textContent: words().undo, onclick: undo }),
    make("button", { type: "button", className: "quiet", textContent: words().undoNo, onclick: no }),
  ];
}

export function showJoints(page, state, inHand, draw) {
  const { make, words, deed, amount, say } = page;
  return state.joints.map((joint) => {
    const first = joint.parts[0];
    const is_paying = joint.stage === "paying";
    const box = make("article", { className: "joint" }, make("h2", { textContent: fill(is_paying ? words().together : words().undoing, { amount: amount(first, joint.total_minor) }) }));
    if (joint.saving_minor) box.append(make("p", { className: "saving", textContent: `${say(joint.promotion)} −${amount(first, joint.saving_minor)}` }));
    box.append(make("ol", { className: "shares" }, ...joint.parts.map((part) => shareRow(page, state, joint, part, inHand))));
    if (joint.is_untouched) box.append(make("button", { type: "button", className: "quiet", id: "take-back", textContent: words().takeBack, onclick: () => deed("take-back", { joint_id: joint.joint_id }) }));
    if (is_paying && (joint.is_untouched || state.may_refund)) box.append(...undoParts(page, joint, draw));
    if (!is_paying) box.append(make("p", { textContent: words().undoRest }));
    return box;
  });
}
