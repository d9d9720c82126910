/** Choosing a style: the picks on each axis name a variant, its price and stock; what is sold out says so. */

import { t } from "./api.js";
import { deed } from "./forms.js";

const form = () => document.querySelector("[data-choose]");
const picked = {}; // axis → value, and the number: kept while the page is refreshed around it

const variants = (box) => [...box.querySelectorAll("template[data-variant]")].map(({ dataset }) => ({
  id: dataset.variant, choices: JSON.parse(dataset.choices), name: dataset.name, price: dataset.price,
  stock: Number(dataset.stock), words: dataset.words,
}));

const radios = (box) => [...box.querySelectorAll("[data-axis]")];

function show(box) {
  const all = variants(box), quantity = box.elements.quantity;
  if (picked.quantity) quantity.value = Math.min(picked.quantity, quantity.length);
  if (!all.length) return;
  for (const one of radios(box)) if (picked[one.dataset.axis] === one.value) one.checked = true;
  const picks = radios(box).filter((one) => one.checked).map((one) => one.value);
  const chosen = all.find((one) => one.choices.every((value, axis) => value === picks[axis]));
  box.elements.variant_id.value = chosen?.id ?? "";
  box.querySelector("[data-style-name]").textContent = chosen?.name ?? picks.join(" / ");
  box.querySelector("[data-style-price]").textContent = chosen?.price ?? "";
  box.querySelector("[data-style-stock]").textContent = chosen?.words ?? t("Not made like this", "没有这种款式");
  for (const button of box.querySelectorAll("button")) button.disabled = !chosen || chosen.stock < 1;
  countTo(quantity, Math.max(1, Math.min(chosen?.stock ?? 1, Number(box.dataset.choose))));
  for (const one of radios(box)) mark(one, all, picks);
}

/** A value with which nothing can be had beside the other picks is pale, one that is sold out is struck; both can be picked. */
function mark(radio, all, picks) {
  const axis = Number(radio.dataset.axis);
  const isLeft = all.some((one) => one.stock > 0 && one.choices.every((value, place) => value === (place === axis ? radio.value : picks[place])));
  const isAnywhere = all.some((one) => one.stock > 0 && one.choices[axis] === radio.value);
  const label = radio.closest("label");
  label.classList.toggle("off", !isLeft);
  label.classList.toggle("gone", !isAnywhere);
  label.querySelector("[data-sold-out]").textContent = isLeft ? "" : isAnywhere
    ? t(" (not with the other choice)", "（与另一选项无货）") : t(" (sold out)", "（售完）");
}

function countTo(select, most) {
  const was = Math.min(Number(select.value) || 1, most);
  select.replaceChildren(...Array.from({ length: most }, (_, place) => new Option(place + 1)));
  select.value = was;
}

document.addEventListener("change", (event) => {
  if (!event.target.closest("[data-choose]")) return;
  if (event.target.name === "quantity") picked.quantity = Number(event.target.value);
  const radio = event.target.closest("[data-axis]");
  if (!radio) return;
  picked[radio.dataset.axis] = radio.value;
  show(form());
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-into-basket]");
  if (!button) return;
  const { listing_id, variant_id, quantity } = button.form.elements;
  deed(button, "POST /api/basket/lines", { listing_id: listing_id.value, variant_id: variant_id?.value ?? "", quantity: Number(quantity.value) });
});
document.addEventListener("compose", (event) => {
  if (!event.target.matches("[data-choose]")) return;
  for (const name of Object.keys(event.detail)) if (name.startsWith("axis_")) delete event.detail[name];
});
document.addEventListener("refreshed", () => form() && show(form()));
if (form()) show(form());
