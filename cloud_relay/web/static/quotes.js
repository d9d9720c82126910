/** Forms of quote requests: the budget's digits follow its currency; a quote names goods and style in one choice. */

const request = document.querySelector("[data-currency-form]");

function follow() {
  const digits = Number(request.elements.currency.selectedOptions[0].dataset.digits), budget = request.elements.budget_minor;
  budget.dataset.digits = digits;
  budget.step = budget.min = String(10 ** -digits);
}

if (request) {
  request.elements.currency.addEventListener("change", follow);
  follow();
}

document.addEventListener("compose", (event) => {
  if (event.target.dataset.compose !== "quote") return;
  const [listing, variant] = event.target.querySelector("[data-goods]").value.split("|");
  event.detail.listing_id = listing;
  if (variant) event.detail.variant_id = variant;
});
