/** Forms and buttons that call the relay: `data-api="POST /api/…"`, then `data-then` says where to go on. */

import { Refusal, api, say, t } from "./api.js";
import { refresh } from "./live.js";

/** Field names with dots make objects, a trailing [] makes lists: `address.lines[]`. Empty optional fields are left out. */
function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    const kind = field.dataset.kind ?? field.type;
    const isUnticked = (field.type === "checkbox" || field.type === "radio") && !field.checked;
    if (!field.name || field.disabled || (isUnticked && kind !== "boolean")) continue;
    if (field.value === "" && !field.required && !("keepEmpty" in field.dataset)) continue;
    const path = field.name.split(".");
    const last = path.pop();
    const place = path.reduce((part, name) => (part[name] ??= {}), body);
    const value = valueOf(field, kind);
    if (last.endsWith("[]")) (place[last.slice(0, -2)] ??= []).push(value);
    else place[last] = value;
  }
  return body;
}

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

function valueOf(field, kind) {
  switch (kind) {
    case "checkbox": return true;
    case "boolean": return field.checked;
    case "integer":
    case "number": return Number(field.value);
    case "minor": return Math.round(Number(field.value) * 10 ** Number(field.dataset.digits ?? 2));
    case "day_start": return new Date(`${field.value}T00:00:00`).toISOString();
    case "day_end": return new Date(`${field.value}T23:59:59`).toISOString();
    case "moment": return new Date(field.value).toISOString();
    case "lines": return lines(field.value);
    case "pairs": return Object.fromEntries(lines(field.value).map((line) => line.split(/[:：](.*)/s).slice(0, 2).map((part) => part.trim())));
    case "json": return JSON.parse(field.value);
    default: return field.value;
  }
}

const keys = new WeakMap();

/** One deed at a time per element; the key stays the same until the relay gave a final answer, so a retry is no second deed. */
export async function deed(element, action, body) {
  if (element.getAttribute("aria-busy") === "true") return;
  const [method, url] = action.split(" ");
  const key = keys.get(element) ?? crypto.randomUUID();
  keys.set(element, key);
  const buttons = element.matches("form") ? element.querySelectorAll("button:not([type=button])") : [element];
  element.setAttribute("aria-busy", "true");
  buttons.forEach((button) => button.setAttribute("aria-disabled", "true"));
  let isLeaving = false;
  try {
    const answer = await api(method, url, body, method === "GET" ? undefined : key);
    keys.delete(element);
    isLeaving = await follow(element, answer ?? {});
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.problem.status) keys.delete(element);
    isLeaving = show(element, error.problem);
    if (!isLeaving && element.querySelector("[data-live]")) await refresh(); // prices and goods may be others than the page shows
  } finally {
    if (!isLeaving) { // while the next page is on its way, a second click must not be a second deed
      element.removeAttribute("aria-busy");
      buttons.forEach((button) => button.removeAttribute("aria-disabled"));
    }
  }
}

/** Go on as `data-then` says; true when this page is being left. */
async function follow(element, answer) {
  const then = element.dataset.then ?? "";
  element.dispatchEvent(new CustomEvent("done", { bubbles: true, detail: answer }));
  if ("reset" in element.dataset) element.reset();
  if (element.dataset.done) say(element.dataset.done, "good");
  if (then === "refresh") { await refresh(); return false; }
  if (!then) return false;
  location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name] ?? "")));
  return true;
}

/** Say what the relay refused, at the place where the person is; true when the page is left to sign in. */
export function show(element, problem) {
  if (/:(sign_in_first|bad_token)$/.test(problem.type ?? "")) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return true;
  }
  const text = [problem.title, problem.detail].filter(Boolean).join(" — ");
  const places = [element.querySelector("[data-errors]"), element.closest("form, .case, section")?.querySelector("[data-errors]")];
  const place = places.find(Boolean);
  if (!place) { say(text, "error"); return false; }
  place.textContent = text || t("That did not work. Try again.", "没有成功，请重试。");
  place.hidden = false;
  place.focus();
  return false;
}

export function bindForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.api) return;
    event.preventDefault();
    form.querySelector("[data-errors]")?.setAttribute("hidden", "");
    if (form.dataset.ask && !confirm(form.dataset.ask)) return;
    const isUpload = form.enctype === "multipart/form-data";
    const body = isUpload ? new FormData(form) : bodyOf(form);
    form.dispatchEvent(new CustomEvent("compose", { bubbles: true, detail: body }));
    deed(form, form.dataset.api, body);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-api]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    if (button.dataset.ask && !confirm(button.dataset.ask)) return;
    deed(button, button.dataset.api, button.dataset.body ? JSON.parse(button.dataset.body) : {});
  });
}
