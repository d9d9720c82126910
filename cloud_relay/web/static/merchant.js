/** The merchant's forms that hold lists: faces of a piece, cameras and hours of a shop; and the claim code. */

import { say, t } from "./api.js";

const cells = (row) => Object.fromEntries([...row.querySelectorAll("[data-cell]")].map((cell) =>
  [cell.dataset.cell, cell.type === "checkbox" ? cell.checked : cell.type === "number" ? Number(cell.value) : cell.value]));
const rows = (form, name) => [...form.querySelectorAll(`[data-rows${name ? `="${name}"` : ""}] > [data-row]`)].map((row) => ({ ...cells(row), weekday: Number(row.dataset.weekday) }));
const position = ({ pan_deg, tilt_deg, zoom, table_deg }) => ({ pan_deg, tilt_deg, zoom, table_deg });

const COMPOSE = {
  piece(form, body) {
    const camera = form.querySelector("[data-spot=camera]").value;
    body.spot = camera ? {
      camera, kind: form.querySelector("[data-spot=kind]").value, home: position(cells(form.querySelector("[data-home]"))),
      faces: rows(form, "").map((face) => ({ name: face.name, position: position(face), title: JSON.parse(face.title || "{}") })),
    } : null;
  },
  shop(form, body) {
    body.holidays = rows(form, "holidays").filter((one) => one.first_day)
      .map((one) => ({ first_day: one.first_day, last_day: one.last_day || one.first_day, title: { en: one.en, zh: one.zh } }));
    body.cameras = rows(form, "cameras").filter((one) => one.camera)
      .map((one) => ({ camera: one.camera, title: { en: one.en, zh: one.zh }, is_offered: one.is_offered, masks: JSON.parse(one.masks || "[]") }));
    body.hours = rows(form, "hours").filter((one) => one.is_open)
      .map((one) => ({ weekday: one.weekday, opens: one.opens, until: one.until === "23:59" ? "24:00" : one.until }));
  },
};

document.addEventListener("compose", (event) => COMPOSE[event.target.dataset.compose]?.(event.target, event.detail));

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-row]"), remove = event.target.closest("[data-remove-row]");
  if (add) {
    const name = add.dataset.addRow, own = name ? `="${name}"` : "";
    const form = add.closest("form"), place = form.querySelector(`[data-rows${own}]`);
    place.append(form.querySelector(`[data-row-template${own}]`).content.cloneNode(true));
    place.lastElementChild.querySelector("select, input")?.focus();
  }
  if (remove) {
    const next = remove.closest("form").querySelector("[data-add-row]");
    remove.closest("[data-row]").remove();
    next?.focus();
  }
});

/** Without a camera there is nothing to say about views. */
function foldSpot(form) {
  form.querySelector("[data-spot-details]").hidden = !form.querySelector("[data-spot=camera]").value;
}
function foldAll() {
  document.querySelectorAll("form[data-compose=piece]").forEach(foldSpot);
}
document.addEventListener("change", (event) => event.target.matches("[data-spot=camera]") && foldSpot(event.target.form));
document.addEventListener("refreshed", foldAll);
foldAll();

document.addEventListener("done", (event) => {
  if (!event.target.matches("[data-claim-button]")) return;
  const place = event.target.closest("[data-claim]"), answer = event.detail;
  place.querySelector("[data-claim-result]").hidden = false;
  place.querySelector("[data-claim-text]").textContent = answer.claim_text;
  const picture = place.querySelector("[data-claim-qr]");
  if (picture) picture.src = answer.qr;
  place.querySelector("[data-claim-until]").dataset.until = answer.expires_until;
});
document.querySelector("[data-copy]")?.addEventListener("click", async () => {
  await navigator.clipboard.writeText(document.querySelector("[data-claim-text]").textContent);
  say(t("Copied", "已复制"), "good");
});
