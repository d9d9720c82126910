/** What every page does: forms and buttons that call the relay, countdowns, and parts that follow events by themselves. */

import { Refusal, api, say, t } from "./api.js";

/** Field names with dots make objects, a trailing [] makes lists: `address.lines[]`. Empty optional fields are left out. */
function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || ((field.type === "checkbox" || field.type === "radio") && !field.checked)) continue;
    if (field.value === "" && !field.required && !("keepEmpty" in field.dataset)) continue;
    const path = field.name.split(".");
    const last = path.pop();
    const place = path.reduce((part, name) => (part[name] ??= {}), body);
    const value = valueOf(field);
    if (last.endsWith("[]")) (place[last.slice(0, -2)] ??= []).push(value);
    else place[last] = value;
  }
  return body;
}

function valueOf(field) {
  const kind = field.dataset.kind ?? field.type;
  if (kind === "checkbox") return true;
  if (kind === "integer" || kind === "number") return Number(field.value);
  if (kind === "minor") return Math.round(Number(field.value) * 100);
  if (kind === "moment") return new Date(field.value).toISOString();
  if (kind === "json") return JSON.parse(field.value);
  return field.value;
}

const keys = new WeakMap();

/** One deed at a time per element; the key stays the same until the relay gave a final answer, so a retry is no second deed. */
async function deed(element, action, body) {
  if (element.getAttribute("aria-busy") === "true") return;
  const [method, url] = action.split(" ");
  const key = keys.get(element) ?? crypto.randomUUID();
  keys.set(element, key);
  const buttons = element.matches("form") ? element.querySelectorAll("button:not([type=button])") : [element];
  element.setAttribute("aria-busy", "true");
  buttons.forEach((button) => (button.disabled = true));
  try {
    const answer = await api(method, url, body, method === "GET" ? undefined : key);
    keys.delete(element);
    await follow(element, answer ?? {});
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.problem.status) keys.delete(element);
    show(element, error.problem);
  } finally {
    element.removeAttribute("aria-busy");
    buttons.forEach((button) => (button.disabled = false));
  }
}

async function follow(element, answer) {
  const then = element.dataset.then ?? "";
  element.dispatchEvent(new CustomEvent("done", { bubbles: true, detail: answer }));
  if (element.dataset.done) say(element.dataset.done, "good");
  if (then === "refresh") return refresh();
  if (then) location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name] ?? "")));
}

function show(element, problem) {
  const text = [problem.title, problem.detail].filter(Boolean).join(" — ");
  if (problem.status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  const place = element.closest("form, .case, section")?.querySelector("[data-errors]");
  if (!place) return say(text, "error");
  place.textContent = text;
  place.hidden = false;
  place.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  form.querySelector("[data-errors]")?.setAttribute("hidden", "");
  const isUpload = form.enctype === "multipart/form-data";
  deed(form, form.dataset.api, isUpload ? new FormData(form) : bodyOf(form));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-api]");
  if (!button) return;
  if (button.dataset.ask && !confirm(button.dataset.ask)) return;
  deed(button, button.dataset.api, button.dataset.body ? JSON.parse(button.dataset.body) : {});
});

/** Fetch this page again and put its `data-live` parts in place of the old ones; focus and open forms stay untouched. */
export async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (!next || next.innerHTML === part.innerHTML) continue;
    if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) continue;
    part.replaceChildren(...next.childNodes);
    tick();
  }
}

/** Open the event stream of the channels that the page names; every event refreshes, and is handed to the page's own code. */
function listen() {
  const channels = document.body.dataset.channels;
  if (!channels) return;
  const source = new EventSource(`/api/events?channels=${encodeURIComponent(channels)}`);
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    document.dispatchEvent(new CustomEvent("relay", { detail: event }));
    if (document.querySelector("[data-live]")) refresh();
  };
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

/** Arrow keys walk through what can be focused, for remote controls without Tab; fields and the viewer keep their arrows. */
document.addEventListener("keydown", (event) => {
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  if (!(event.key in steps) || event.defaultPrevented || event.target.closest("input:not([type=checkbox]), textarea, select, [data-arrows]")) return;
  const all = [...document.querySelectorAll("a[href], button:not([disabled]), input:not([disabled]), select, textarea, [tabindex='0']")]
    .filter((element) => element.offsetParent !== null);
  const here = all.indexOf(document.activeElement);
  const next = all[here < 0 ? 0 : here + steps[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
});

listen();
tick();
setInterval(tick, 1000);
