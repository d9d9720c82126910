/** The merchant's tags: how many of which goods, or which places, become one sheet. */

const isPlace = (form) => form.elements.kind.value === "place";

function fold(form) {
  form.querySelector("[data-for=goods]").hidden = isPlace(form);
  form.querySelector("[data-for=places]").hidden = !isPlace(form);
}

function wanted(form) {
  if (isPlace(form)) {
    const places = form.querySelector("[data-places]").value.split("\n").map((line) => line.trim()).filter(Boolean);
    return [...new Set(places)].map((location) => ({ location }));
  }
  return [...form.querySelectorAll("[data-copies]")].filter((one) => Number(one.value) > 0)
    .map((one) => ({ listing_id: one.dataset.listing, variant_id: one.dataset.variant, copies: Number(one.value) }));
}

document.addEventListener("compose", (event) => {
  if (event.target.dataset.compose === "tags") event.detail.tags = wanted(event.target);
});
document.addEventListener("change", (event) => event.target.name === "kind" && fold(event.target.form));
document.querySelectorAll("form[data-compose=tags]").forEach(fold);
