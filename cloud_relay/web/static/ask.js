/** A click on "look at it live" asks the shop at once, and brings the looking page into this one: nothing is opened anew. */

import { api } from "./api.js";
import { enter, fetchPage } from "./enter.js";

/** Whoever has chosen a kind of picture, or learnt that a network carries no other, may need no connection. */
const hasWay = () => [localStorage, sessionStorage].some((place) => Object.keys(place).some((key) => key.startsWith("vitrine-way:")));
const FRESH_MS = 20000; // a page fetched ahead that was not gone to by then is fetched again
const ahead = new Map();
let begun = null, offer = "";

const linkOf = (event) => event.target.closest?.("a[data-asks]");

/** Have the page at hand before somebody goes to it. */
function fetchAhead(link) {
  const kept = ahead.get(link.href);
  if (kept && performance.now() - kept.at < FRESH_MS) return kept.page;
  const page = fetchPage(link.href);
  page.catch(() => ahead.delete(link.href)); // whoever clicks goes there as without us
  ahead.set(link.href, { page, at: performance.now() });
  if (!offer && !hasWay()) import("./stream.js").then(({ prepare }) => prepare()).then((sdp) => { offer = sdp; }, () => {});
  return page;
}

for (const kind of ["pointerover", "focusin", "touchstart"]) {
  document.addEventListener(kind, (event) => linkOf(event) && fetchAhead(linkOf(event)), { passive: true });
}

document.addEventListener("click", async (event) => {
  const link = linkOf(event);
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const { href, dataset: { asks: pieceId } } = link;
  const answer = api("POST", "/api/viewing", { piece_id: pieceId, offer_sdp: offer, first_picture: true });
  answer.catch(() => {}); // the looking page says why
  begun = { pieceId, answer };
  try {
    await enter(await fetchAhead(link), href);
  } catch {
    location.assign(href);
  }
});

// the looking page takes the answer that is on its way since the click, once
document.addEventListener("asking", ({ detail }) => {
  if (begun?.pieceId === detail.piece_id) detail.answer = begun.answer;
  begun = null;
});
