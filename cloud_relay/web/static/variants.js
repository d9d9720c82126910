/** The merchant's table of styles: as many columns as axes are named; words as "English/中文". */

const words = (text) => {
  const [en, zh = en] = text.split("/").map((part) => part.trim());
  return { en, zh: zh || en };
};
const form = () => document.querySelector("form[data-compose=variants]");
const names = () => [...form().querySelectorAll("[data-axis-name]")].map((one) => one.value.trim());

/** A column shows when its axis is named; its head says the name. */
function fold() {
  if (!form()) return;
  names().forEach((name, place) => {
    form().querySelectorAll(`[data-axis-cell="${place}"], [data-axis-head="${place}"]`).forEach((one) => (one.hidden = !name));
    const head = form().querySelector(`[data-axis-head="${place}"]`);
    if (name) head.textContent = document.body.dataset.language === "zh" ? words(name).zh : words(name).en;
  });
}

function compose(body) {
  const used = names().map((name, place) => (name ? place : -1)).filter((place) => place >= 0);
  body.axes = used.map((place) => words(names()[place]));
  body.variants = [...form().querySelectorAll("[data-rows=variants] > [data-row]")].map((row) => {
    const cell = (name) => row.querySelector(`[data-cell=${name}]`), difference = cell("difference");
    return {
      variant_id: row.dataset.variant, choices: used.map((place) => words(row.querySelector(`[data-choice="${place}"]`).value)),
      price_difference_minor: Math.round(Number(difference.value) * 10 ** Number(difference.dataset.digits)),
      sku: cell("sku").value, gtin: cell("gtin").value, is_offered: cell("is_offered").checked,
    };
  });
}

document.addEventListener("compose", (event) => event.target === form() && compose(event.detail));
document.addEventListener("input", (event) => event.target.matches("[data-axis-name]") && fold());
document.addEventListener("click", (event) => event.target.closest("[data-add-row=variants]") && setTimeout(fold));
document.addEventListener("done", (event) => event.target === form() && location.reload()); // fresh rows have their ids then
fold();
