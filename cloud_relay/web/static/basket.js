/** The basket: another number is told to the relay, and the sums come back. */

import { deed } from "./forms.js";

document.addEventListener("change", (event) => {
  const select = event.target.closest("[data-quantity]");
  if (select) deed(select, `PATCH /api/basket/lines/${select.dataset.quantity}`, { quantity: Number(select.value) });
});
