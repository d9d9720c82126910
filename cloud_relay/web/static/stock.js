/** Goods in: codes scanned or typed one after another. Counts: what was not found is unticked, and the difference said. */

import { say, t } from "./api.js";

const goodsIn = document.querySelector("[data-goods-in]");
const codes = [];

function showCodes() {
  const list = goodsIn.querySelector("[data-codes-list]");
  list.replaceChildren(...codes.map((code, place) => {
    const line = document.createElement("li"), remove = document.createElement("button");
    line.append(Object.assign(document.createElement("b"), { className: "number", textContent: code }));
    Object.assign(remove, { type: "button", className: "plain", textContent: "×", ariaLabel: t(`Remove ${code}`, `移除 ${code}`) });
    remove.addEventListener("click", () => { codes.splice(place, 1); showCodes(); goodsIn.querySelector("[data-scan]").focus(); });
    line.append(remove);
    return line;
  }));
  goodsIn.querySelector("[data-take-in]").disabled = !codes.length;
  goodsIn.querySelector("[data-many]").textContent = codes.length ? `(${codes.length})` : "";
}

/** A scanner types a code and Enter. A GTIN or SKU of a listing chooses that listing; everything else is a piece's code. */
function takeCodes(text) {
  for (const code of text.split(/[\n,;\t]+/).map((one) => one.trim()).filter(Boolean)) {
    const own = [...goodsIn.querySelectorAll("[data-listing] option")].find((one) => one.dataset.codes.split(" ").includes(code));
    if (own) { own.selected = true; say(t("Listing chosen: ", "已选货品：") + own.textContent, "good"); }
    else if (codes.includes(code)) say(t(`${code} is in the list already`, `${code} 已在列表中`), "error");
    else codes.push(code);
  }
  showCodes();
}

function bindGoodsIn() {
  const scan = goodsIn.querySelector("[data-scan]");
  scan.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    takeCodes(scan.value);
    scan.value = "";
  });
  scan.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text");
    if (!/[\n,;\t]/.test(text)) return;
    event.preventDefault();
    takeCodes(text);
  });
  goodsIn.addEventListener("submit", (event) => {
    if (scan.value.trim()) { takeCodes(scan.value); scan.value = ""; }
    if (!codes.length) { event.preventDefault(); event.stopImmediatePropagation(); }
    goodsIn.dataset.api = `POST /api/listings/${goodsIn.querySelector("[data-listing]").value}/goods-in`;
  });
  goodsIn.addEventListener("done", () => { codes.length = 0; goodsIn.elements.reason.value = ""; showCodes(); scan.focus(); });
}
if (goodsIn) bindGoodsIn();

const ticks = (form) => [...form.querySelectorAll("[data-piece]")];

/** What is unticked is not there: the count follows, and the difference is said before it is sent. */
function tell(form) {
  const field = form.elements.on_hand, difference = Number(field.value) - Number(field.dataset.was);
  const sign = difference > 0 ? `+${difference}` : `−${-difference}`;
  form.querySelector("[data-difference]").textContent = difference ? t(`Difference ${sign}`, `差异 ${sign}`) : t("Agrees", "相符");
  const isLess = ticks(form).some((one) => !one.checked);
  form.elements.reason.required = difference !== 0 || isLess;
}

document.addEventListener("change", (event) => {
  const box = event.target.closest("[data-piece]");
  if (!box) return;
  box.form.elements.on_hand.value = Number(box.form.elements.on_hand.value) + (box.checked ? 1 : -1);
  tell(box.form);
});
document.addEventListener("input", (event) => event.target.matches("[name=on_hand]") && tell(event.target.form));
document.addEventListener("compose", (event) => {
  const form = event.target;
  if (form.dataset.compose === "goods_in") {
    const location = form.querySelector("[data-location]").value;
    const variant_id = form.querySelector("[data-listing]").selectedOptions[0].dataset.variant;
    event.detail.pieces = codes.map((code) => ({ code, location, variant_id }));
  }
  if (form.dataset.compose === "count") event.detail.missing = ticks(form).filter((one) => !one.checked).map((one) => one.dataset.piece);
});

document.querySelector("[data-untick]")?.addEventListener("click", () => {
  for (const box of document.querySelectorAll("[data-piece]:checked:not(:disabled)")) {
    box.checked = false;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  document.querySelectorAll(".count-one").forEach((one) => { one.open = Boolean(one.querySelector("[data-piece]")); });
  document.querySelector("[data-found]").focus();
});
document.querySelector("[data-found]")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const code = event.target.value.trim(), says = document.querySelector("[data-found-says]");
  event.target.value = "";
  const box = [...document.querySelectorAll("[data-piece]")].find((one) => one.dataset.code === code);
  if (!box) { says.textContent = t(`${code} is no piece of this list: take it in above.`, `${code} 不在清单中，请在上方入库。`); return; }
  box.closest("details").open = true;
  if (!box.checked) { box.checked = true; box.dispatchEvent(new Event("change", { bubbles: true })); }
  says.textContent = t(`${code} is there.`, `${code} 已找到。`);
});

function openLinked() {
  const linked = location.hash.startsWith("#count-") && document.getElementById(location.hash.slice(1));
  if (linked) { linked.open = true; linked.scrollIntoView(); }
}
openLinked();
