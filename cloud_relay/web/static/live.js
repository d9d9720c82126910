/** Parts of a page that follow what happens: fetched again on every event; countdowns; times in the reader's own zone. */

import { language, t } from "./api.js";

const GATHER_MS = 150; // events come in bursts: one fetch for all of them

/** What the server sent for each part; what stands in the page has countdowns and local times in it and never compares equal. */
const sent = new WeakMap();

/** Fetch this page again and put its `data-live` parts in place of the old ones; what people typed, opened or focused stays. */
export async function refresh() {
  const { href } = location;
  const response = await fetch(href, { headers: { Accept: "text/html", "Vitrine-Refresh": "yes" }, credentials: "same-origin" }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  if (location.href !== href) return; // another page was brought in meanwhile
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (!next || next.innerHTML === sent.get(part)) continue;
    isOwed ||= part.matches(":active");
    if (part.matches(":active")) continue;
    const html = next.innerHTML;
    carryOver(part, next);
    const focused = part.contains(document.activeElement) ? nameOf(document.activeElement) : "";
    part.replaceChildren(...next.childNodes);
    sent.set(part, html);
    dress(part);
    if (focused) [...part.querySelectorAll("a, button, input, textarea, select, summary")].find((one) => nameOf(one) === focused)?.focus();
  }
  tick();
  document.dispatchEvent(new CustomEvent("refreshed"));
}

const nameOf = (one) => [one.localName, one.name, one.dataset.api, one.getAttribute("href"), one.dataset.body,
  one.localName === "summary" ? one.textContent : "", one.type === "radio" ? one.value : "", one.form?.dataset.api].join("|");

function isChanged(field) {
  if (field.matches("[type=radio], [type=checkbox]")) return field.checked !== field.defaultChecked;
  if (field.localName !== "select") return field.value !== field.defaultValue;
  return field.value !== ([...field.options].find((one) => one.defaultSelected) ?? field.options[0])?.value;
}

function copy(field, same) {
  if (field.type === "file") same.files = field.files;
  else if (field.matches("[type=radio], [type=checkbox]")) same.checked = field.checked;
  else if (field.localName !== "select" || [...same.options].some((one) => one.value === field.value)) same.value = field.value;
}

/** Copy typed text and opened details into the fresh part, so that news never eats what somebody is writing. */
function carryOver(old, next) {
  const all = "input:not([type=hidden]), textarea, select:not([data-quantity])"; // a basket's numbers are the server's own
  const fields = [...next.querySelectorAll(all)], seen = {};
  for (const field of old.querySelectorAll(all)) {
    const name = nameOf(field), place = (seen[name] = (seen[name] ?? -1) + 1); // lines of an address share a name
    const same = isChanged(field) && fields.filter((one) => nameOf(one) === name)[place];
    if (same) copy(field, same);
  }
  const summaries = [...next.querySelectorAll("summary")];
  for (const details of old.querySelectorAll("details[open]")) {
    const title = details.querySelector("summary")?.textContent;
    const same = summaries.find((one) => one.textContent === title);
    if (same) same.parentElement.open = true;
  }
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

/** Write times in the reader's own zone. */
function dress(root) {
  for (const place of root.querySelectorAll("time[data-moment]")) {
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
  for (const part of document.querySelectorAll("[data-live]")) sent.set(part, part.innerHTML);
  dress(document);
  bindPictures();
  listen();
  for (const end of ["pointerup", "pointercancel", "keyup"]) addEventListener(end, letGo);
  tick();
  setInterval(tick, 1000);
}
