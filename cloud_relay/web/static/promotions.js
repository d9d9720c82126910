/** The form of a promotion: its kind decides its figures, its shop the goods and the currency's digits. */

const form = document.querySelector("[data-compose=promotion]");

function follow() {
  const digits = Number(form.elements.shop_id.selectedOptions[0].dataset.digits);
  for (const part of form.querySelectorAll("[data-figures]")) {
    part.hidden = part.disabled = part.dataset.figures !== form.elements.kind.value;
    for (const field of part.querySelectorAll("[data-kind=minor]")) {
      field.dataset.digits = digits;
      field.step = field.min = String(10 ** -digits);
    }
    // a field of a kind that was not chosen is neither asked for nor sent
    for (const field of part.querySelectorAll("input")) field.disabled = part.disabled;
  }
  for (const part of form.querySelectorAll("[data-goods]")) {
    part.hidden = part.dataset.goods !== form.elements.shop_id.value;
    for (const field of part.querySelectorAll("input")) field.disabled = part.hidden;
  }
}

if (form) {
  form.addEventListener("change", follow);
  form.addEventListener("done", () => setTimeout(follow));
  follow();
}
