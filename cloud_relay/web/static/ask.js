/** A click on "look at it live" asks the shop at once: it answers while the browser still opens the page that shows it. */

import { api } from "./api.js";

const KEPT = "ask", FRESH_MS = 5000; // a page that took longer asks anew

/** Return the name of the ask that this page was opened by, once. */
export function keyFor(pieceId) {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  return kept?.pieceId === pieceId && Date.now() - kept.at < FRESH_MS ? kept.key : "";
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-asks]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const key = crypto.randomUUID(), pieceId = link.dataset.asks;
  sessionStorage.setItem(KEPT, JSON.stringify({ key, pieceId, at: Date.now() }));
  api("POST", "/api/viewing", { piece_id: pieceId, ask_key: key }).catch(() => {}); // the next page hears why
});
