/** One act on the phone: shows a code to scan, and follows what the phone does. */

import { Refusal, api, say, t } from "./api.js";

const dialog = document.getElementById("handoff");
const pick = (name) => dialog.querySelector(`[data-part="${name}"]`);
let events = null, until = 0;

/** @param button carries data-handoff (the purpose) and data-subject (a parcel or a viewing session) */
export async function begin(button) {
  let made;
  try {
    made = await api("POST", "/api/handoffs", { purpose: button.dataset.handoff, subject: button.dataset.subject ?? "" });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return say([error.problem.title, error.problem.detail].filter(Boolean).join(" — "), "error");
  }
  pick("qr").src = made.qr;
  pick("link").textContent = made.link;
  pick("letters").hidden = !made.screen;
  dialog.querySelector(".letters").textContent = made.code;
  until = Date.parse(made.expires_until);
  tick();
  dialog.showModal();
  follow(made, button.dataset.handoff);
}

function follow(made, purpose) {
  events?.close();
  events = new EventSource(`/api/events?channels=handoff:${made.handoff_id}`);
  events.onmessage = async (message) => {
    const { kind, data } = JSON.parse(message.data);
    if (kind === "go") location.assign(data.path);
    if (kind === "claim") {
      await api("POST", "/api/handoffs/claim", { handoff_id: made.handoff_id, screen: made.screen });
      location.assign(document.getElementById("sign-in")?.dataset.then ?? "/");
    }
    if (kind === "steer") {
      if (dialog.open) { dialog.close(); say(t("The phone steers the camera", "手机正在操控镜头"), "good"); }
      document.dispatchEvent(new CustomEvent("remote", { detail: data }));
    }
  };
  dialog.onclose = () => purpose !== "remote" && events?.close(); // the remote works on with the code put away
}

function tick() {
  const left = Math.max(0, Math.round((until - Date.now()) / 1000));
  pick("left").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (!left && dialog.open) { dialog.close(); say(t("The code has ended; ask for a new one.", "二维码已过期，请重新获取。"), "error"); }
}

pick("close").addEventListener("click", () => dialog.close());
setInterval(() => dialog.open && tick(), 1000);
