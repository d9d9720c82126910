/** A click on "look at it live" asks the shop at once: it answers while the browser still opens the page that shows it. */

import { api } from "./api.js";

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-asks]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const key = crypto.randomUUID(), pieceId = link.dataset.asks;
  sessionStorage.setItem("ask", JSON.stringify({ key, pieceId, at: Date.now() })); // look.js takes it from there
  api("POST", "/api/viewing", { piece_id: pieceId, ask_key: key }).catch(() => {}); // the next page hears why
});
