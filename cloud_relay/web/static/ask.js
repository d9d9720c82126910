/** A press on "look at it live" asks the shop and connects; its release brings the looking page into this one: nothing is opened anew. */

import { api } from "./api.js";
import { enter, fetchPage } from "./enter.js";

/** Whoever has chosen a kind of picture, or learnt that a network carries no other, may need no connection. */
function hasWay() {
  try {
    return [localStorage, sessionStorage].some((place) => Object.keys(place).some((key) => key.startsWith("vitrine-way:")));
  } catch { return false; } // a browser that keeps nothing
}
const FRESH_MS = 20000; // a page fetched ahead that was not gone to by then is fetched again
const ahead = new Map();
let begun = null, offer = "";
let isEntering = false, hasEntered = false; // one page is brought in, once: its modules run once

const linkOf = (event) => event.target.closest?.("a[data-asks]");

const connecting = () => import("./connection.js");

/** Have the page at hand, and an offer, before somebody goes to it. */
function fetchAhead(link) {
  const kept = ahead.get(link.href);
  const isFresh = kept && performance.now() - kept.at < FRESH_MS;
  const page = isFresh ? kept.page : fetchPage(link.href);
  if (!isFresh) {
    page.catch(() => ahead.delete(link.href)); // whoever clicks goes there as without us
    ahead.set(link.href, { page, at: performance.now() });
  }
  if (!offer && !hasWay()) connecting().then(({ prepare }) => prepare()).then((sdp) => { offer = sdp; }, () => {});
  return page;
}

for (const kind of ["pointerover", "focusin", "touchstart"]) {
  document.addEventListener(kind, (event) => linkOf(event) && fetchAhead(linkOf(event)), { passive: true });
}

const isPlain = (event) => !(event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button);

/** One ask for one press; the looking page says why when the shop says no. A shop that took the offer is connected to
 * while the button is still down.
 */
function askFor(pieceId) {
  if (begun?.pieceId === pieceId) return begun;
  const own = (begun = { pieceId, answer: api("POST", "/api/viewing", { piece_id: pieceId, offer_sdp: offer, first_picture: true }) });
  own.answer.then(async (session) => {
    const { keepFirst } = await connecting();
    if (begun === own) keepFirst(session);
  }).catch(() => {});
  return own;
}

// a hand holds a mouse's button for a tenth of a second: the shop's word is often there at its release. A finger may only begin to scroll
document.addEventListener("pointerdown", (event) => {
  const link = linkOf(event);
  if (link && isPlain(event) && event.pointerType !== "touch" && !isEntering && !hasEntered) askFor(link.dataset.asks);
});

/** Pressed, and let go elsewhere: the camera is free again. */
function withdraw() {
  const left = begun;
  if (!left || left.isGone) return;
  begun = null;
  offer = ""; // it is used up
  connecting().then(({ letGo }) => letGo(), () => {});
  left.answer.then(({ session_id: sessionId }) => api("POST", `/api/viewing/${sessionId}/leave`, {})).catch(() => {});
}
for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, () => setTimeout(withdraw)); // the click comes before

document.addEventListener("click", async (event) => {
  const link = linkOf(event);
  if (!link || !isPlain(event) || hasEntered) return;
  event.preventDefault();
  if (isEntering) return;
  isEntering = true;
  askFor(link.dataset.asks).isGone = true;
  try {
    const [page, { putFirst }] = await Promise.all([fetchAhead(link), connecting()]);
    putFirst(page);
    await enter(page, link.href);
    hasEntered = true;
  } catch {
    location.assign(link.href);
  }
  isEntering = false;
});

addEventListener("pageshow", ({ persisted }) => { if (persisted) begun = null; }); // what was asked then is over

// the looking page takes the answer that is on its way since the press, once
document.addEventListener("asking", ({ detail }) => {
  if (begun?.pieceId === detail.piece_id) detail.answer = begun.answer;
  begun = null;
});
