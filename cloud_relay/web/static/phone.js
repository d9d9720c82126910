/** The phone's side of a hand-off: one form that ends in "done", or a remote whose buttons work while held. */

import { Refusal, api } from "./api.js";
import { show } from "./forms.js";

const page = document.getElementById("phone");
const PRESS_MS = 250; // the television holds a motion for a little longer than this, and stops by itself

page.addEventListener("done", () => {
  const title = Object.assign(document.createElement("h1"), { textContent: page.dataset.doneTitle });
  const words = Object.assign(document.createElement("p"), { textContent: page.dataset.doneText });
  words.setAttribute("role", "status");
  page.replaceChildren(title, words); // what was typed is gone from the page as well
});

async function press(button, wish) {
  try {
    await api("POST", `/api/handoffs/${page.dataset.secret}/steer`, wish);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    release();
    show(button, error.problem);
  }
}

let held = null;
function hold(button) {
  const wish = JSON.parse(button.dataset.press);
  press(button, wish);
  if (wish.kind !== "hold") return;
  release();
  held = { button, timer: setInterval(() => press(button, wish), PRESS_MS) };
}

function release() {
  if (!held) return;
  clearInterval(held.timer);
  const { button } = held;
  held = null;
  press(button, { kind: "stop" });
}

for (const button of page.querySelectorAll("[data-press]")) {
  button.addEventListener("pointerdown", (event) => { button.setPointerCapture(event.pointerId); hold(button); });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(end, release);
  button.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && !event.repeat) { event.preventDefault(); hold(button); }
  });
  button.addEventListener("keyup", release);
}
