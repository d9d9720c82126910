/** A pad to sign on with finger, pen or mouse: strokes become SVG path data in a box of 1000 by 300. */

const STEP = 6; // points nearer than this say nothing more about the stroke
let stroke = null;
let kept = ""; // what was drawn so far: news of the parcel puts a fresh pad in its place

const parts = (pad) => ({ line: pad.querySelector("path"), field: pad.closest("form").elements.signature_path });

function pointOf(pad, event) {
  const box = pad.getBoundingClientRect(), whole = pad.viewBox.baseVal;
  const clamp = (value, most) => Math.round(Math.min(Math.max(value, 0), 1) * most);
  return [clamp((event.clientX - box.left) / box.width, whole.width), clamp((event.clientY - box.top) / box.height, whole.height)];
}

function add(pad, letter, [x, y]) {
  const { line, field } = parts(pad);
  field.value += `${letter}${x} ${y}`;
  line.setAttribute("d", (kept = field.value));
  stroke = { pad, at: [x, y] };
}

document.addEventListener("pointerdown", (event) => {
  const pad = event.target.closest("[data-pad]");
  if (!pad || !event.isPrimary) return;
  event.preventDefault();
  pad.setPointerCapture(event.pointerId);
  add(pad, "M", pointOf(pad, event));
});
document.addEventListener("pointermove", (event) => {
  if (!stroke || event.target !== stroke.pad) return;
  const at = pointOf(stroke.pad, event);
  if (Math.hypot(at[0] - stroke.at[0], at[1] - stroke.at[1]) >= STEP) add(stroke.pad, "L", at);
});
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { stroke = null; });

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-clear-pad]")) return;
  const { line, field } = parts(event.target.closest("form").querySelector("[data-pad]"));
  field.value = kept = "";
  line.setAttribute("d", "");
});
document.addEventListener("refreshed", () => {
  const pad = document.querySelector("[data-pad]");
  if (!pad || !kept) return;
  const { line, field } = parts(pad);
  line.setAttribute("d", (field.value = kept));
  if (stroke && !stroke.pad.isConnected) stroke = null;
});
