/** At the head of every page: how many pieces lie in the basket, how many messages are unread. */

import { Refusal, api } from "./api.js";

const GATHER_MS = 200;
const KINDS = ["basket", "order", "reservation", "notice", "notices_read"];

export function bindCounts() {
  const places = () => document.querySelectorAll("[data-count]");
  if (!places().length) return;
  const tabs = new BroadcastChannel("vitrine-counts"); // tabs without an event stream hear it from those that did something
  let gathering = 0, counts = {};

  function show() {
    for (const place of places()) {
      const number = counts[place.dataset.count] ?? 0;
      place.textContent = number;
      place.hidden = !number;
    }
  }

  async function ask() {
    gathering = 0;
    try {
      counts = await api("GET", "/api/basket/count");
      show();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // without a network the last number stands
    }
  }
  const askSoon = () => (gathering ||= setTimeout(ask, GATHER_MS));

  document.addEventListener("relay", (event) => KINDS.includes(event.detail.kind) && askSoon());
  document.addEventListener("done", () => { tabs.postMessage("changed"); askSoon(); });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && askSoon());
  document.addEventListener("entered", show);
  tabs.addEventListener("message", askSoon);
  ask();
}
