/** Parts of a page that follow what happens: refreshed on every event; countdowns; times in the reader's own zone. */

import { language, t } from "./api.js";

const GATHER_MS = 150; // events come in bursts: one fetch for all of them

/** What the server sent for each part; what stands in the page has countdowns and local times in it and never compares equal. */
const sent = new WeakMap();

/** Fetch this page again and show what is new in it; what is pressed waits. */
export async function refresh() {
  const { showAnew } = await import("./refresh.js");
  isOwed = await showAnew(sent) || isOwed;
}

const AGAIN_MS = [400, 800, 1500, 3000, 6000, 12000, 30000];
const tries = new WeakMap();

/** A picture's hash is known a moment before the shop has sent it: ask again instead of showing a broken one. */
function waitForPicture(image) {
  const path = new URL(image.currentSrc || image.src, location.href).pathname;
  const number = tries.get(image) ?? 0;
  if (!path.startsWith("/pictures/") || number >= AGAIN_MS.length) return;
  tries.set(image, number + 1);
  image.classList.add("coming");
  setTimeout(() => image.isConnected && (image.src = `${path}?again=${number + 1}`), AGAIN_MS[number]);
}

function bindPictures() {
  document.addEventListener("error", (event) => event.target.localName === "img" && waitForPicture(event.target), true);
  document.addEventListener("load", (event) => event.target.localName === "img" && event.target.classList.remove("coming"), true);
  for (const image of document.images) if (image.complete && !image.naturalWidth && image.loading !== "lazy") waitForPicture(image);
}

/** What is pressed stays until it is let go, or its click would go nowhere; then the page is owed its news. */
let isOwed = false;
function letGo() {
  if (isOwed) refreshSoon();
  isOwed = false;
}

let gathering = 0;
function refreshSoon() {
  if (gathering) return;
  gathering = setTimeout(() => { gathering = 0; refresh(); }, GATHER_MS);
}

/** Open the event stream of the channels that the page names; every event refreshes, and is handed to the page's own code. */
function listen() {
  const channels = document.body.dataset.channels;
  if (!channels) return;
  const source = new EventSource(`/api/events?channels=${encodeURIComponent(channels)}`);
  source.onopen = () => {
    document.body.dataset.live = "yes";
    refreshSoon(); // something may have happened since the page was made, or while the stream was away
  };
  document.addEventListener("entered", () => { // the page that it told of is gone
    source.close();
    clearTimeout(gathering);
    gathering = 0;
  });
  source.onerror = () => { document.body.dataset.live = "no"; };
  source.onmessage = (message) => {
    document.dispatchEvent(new CustomEvent("relay", { detail: JSON.parse(message.data) }));
    if (document.querySelector("[data-live]")) refreshSoon();
  };
}

const local = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });

/** Write times in the reader's own zone, each once. */
function dress() {
  for (const place of document.querySelectorAll("time[data-moment]:not([title])")) {
    const at = new Date(place.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    place.title = place.textContent;
    place.textContent = local.format(at);
  }
}

/** Show what is left until each `data-until` moment. */
function tick() {
  for (const place of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.round((new Date(place.dataset.until) - Date.now()) / 1000));
    const hours = Math.floor(left / 3600), minutes = Math.floor((left % 3600) / 60), seconds = left % 60;
    const text = hours > 48 ? t(`${Math.floor(hours / 24)} days`, `${Math.floor(hours / 24)} 天`)
      : hours ? t(`${hours} h ${minutes} min`, `${hours} 小时 ${minutes} 分`)
      : `${minutes}:${String(seconds).padStart(2, "0")}`;
    if (place.textContent !== text) place.textContent = text;
    if (!left && !place.dataset.over) { place.dataset.over = "yes"; setTimeout(refresh, 1200); }
  }
}

export function bindLive() {
  const parts = document.querySelectorAll("[data-live]");
  for (const part of parts) sent.set(part, part.innerHTML);
  if (parts.length) import("./refresh.js"); // now, while the network is there
  dress();
  bindPictures();
  listen();
  for (const end of ["pointerup", "pointercancel", "keyup"]) addEventListener(end, letGo);
  document.addEventListener("refreshed", () => { dress(); tick(); });
  tick();
  setInterval(tick, 1000);
}
