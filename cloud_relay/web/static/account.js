/** Messages that stand on the screen have been read. */

import { Refusal, api } from "./api.js";

const told = new Set();

async function tell() {
  if (document.visibilityState !== "visible") return;
  const ids = [...document.querySelectorAll("[data-unread]")].map((line) => line.dataset.unread).filter((id) => !told.has(id));
  if (!ids.length) return;
  ids.forEach((id) => told.add(id));
  try {
    await api("POST", "/api/notices/read", { notice_ids: ids.slice(0, 100) });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // the next visit tells it again
  }
}

document.addEventListener("refreshed", tell);
document.addEventListener("visibilitychange", tell);
tell();
