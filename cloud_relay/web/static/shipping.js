/** The form of shipping zones and tax rates: lines of text become the lists that the relay keeps. */

import { t } from "./api.js";
import { show } from "./forms.js";

const form = document.getElementById("shipping");
const zones = form.querySelector("[data-zones]");
const undo = form.querySelector("[data-undo-zone]");
const digits = Number(form.dataset.digits);
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
let removed = null;

const tellNone = () => (form.querySelector("[data-none]").hidden = zones.children.length > 0);

form.addEventListener("click", (event) => {
  if (event.target.closest("[data-add-zone]")) {
    zones.append(form.querySelector("[data-new-zone]").content.cloneNode(true));
    zones.lastElementChild.querySelector("input").focus();
  }
  const remove = event.target.closest("[data-remove-zone]");
  if (remove) {
    const zone = remove.closest("[data-zone]");
    removed = { zone, before: zone.nextElementSibling };
    zone.remove();
    undo.hidden = false;
    undo.focus();
  }
  if (event.target === undo && removed) {
    zones.insertBefore(removed.zone, removed.before);
    removed = null;
    undo.hidden = true;
  }
  tellNone();
});

class TypedWrong extends Error {}

/** A comma may stand for the decimal point; one that groups thousands is refused, it would be read as a thousandth. */
function number(text, decimals, where, factor = 10 ** decimals) {
  const plain = text.trim();
  const whole = decimals ? `\\d+([.,]\\d{1,${decimals}})?` : "\\d+";
  if (!new RegExp(`^${whole}$`).test(plain)) throw new TypedWrong(`${where}: ${plain || "?"}`);
  return Math.round(Number(plain.replace(",", ".")) * factor);
}

function stepOf(line) {
  const [weight, price = ""] = line.split(/[:：]/);
  return { up_to_g: weight.trim() === "*" ? null : number(weight, 0, line), price_minor: number(price, digits, line) };
}

function zoneOf(box) {
  const value = (name) => box.querySelector(`[data-part=${name}]`).value.trim();
  const zone = { name_en: value("name_en"), name_zh: value("name_zh"), places: value("places").split(/[,，、;；]/).map((one) => one.trim()).filter(Boolean),
    steps: lines(value("steps")).map(stepOf) };
  if (value("free") !== "") zone.free_from_minor = number(value("free"), digits, t("Free from", "满额包邮"));
  return zone;
}

function rateOf(line) {
  const [place, percent = "", category = ""] = line.split(/[;；]/);
  return { place: place.trim(), rate_ppm: number(percent.replace("%", ""), 4, line), category: category.trim() };
}

form.addEventListener("compose", (event) => {
  delete event.detail.tax;
  event.detail.zones = [...zones.children].map(zoneOf);
  event.detail.rates = lines(form.querySelector("[data-part=rates]").value).map(rateOf);
  event.detail.is_tax_on_top = form.querySelector("[data-part=on_top]").checked;
});
form.addEventListener("submit", (event) => { // before anything is sent: what cannot be read is said where it was typed
  try {
    [...zones.children].forEach(zoneOf);
    lines(form.querySelector("[data-part=rates]").value).forEach(rateOf);
  } catch (error) {
    if (!(error instanceof TypedWrong)) throw error;
    event.preventDefault();
    event.stopPropagation();
    show(form, { title: t("Cannot be read as a number", "无法识别的数字"), detail: error.message });
  }
});
form.addEventListener("done", (event) => (form.elements.version.value = event.detail.version));
