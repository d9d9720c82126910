/** A group order's page: its link goes to the clipboard. */

import { say, t } from "./api.js";

document.addEventListener("click", async (event) => {
  if (!event.target.closest("[data-copy-group]")) return;
  const place = document.querySelector("[data-link]");
  place.select();
  try { await navigator.clipboard.writeText(place.value); say(t("Link copied", "链接已复制"), "good"); } catch { /* it is selected */ }
});
