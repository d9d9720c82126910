/** A television's remote: four arrows, OK and Back. Tab and the browser's own order work besides; a pointer too. */

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled], [type=hidden]), select, textarea, summary, [tabindex='0']";
const STEPS = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] };
const BACK_KEYS = new Set(["GoBack", "BrowserBack", "Back"]);
let passed = null; // a list of choices that the arrows came to: they lead on from it until OK opens it
const BACK_CODES = new Set([461, 10009, 166]); // webOS, Tizen, Android: some of them send no name

/** How far `to` lies from `from` in a direction; aside counts double, behind is out of reach. */
function distance(from, to, [x, y]) {
  const ahead = x ? (x > 0 ? to.left - from.right : from.left - to.right) : (y > 0 ? to.top - from.bottom : from.top - to.bottom);
  const aside = x ? Math.abs(to.top + to.height / 2 - from.top - from.height / 2) : Math.max(0, to.left - from.right, from.left - to.right);
  return ahead < -4 ? Infinity : Math.max(0, ahead) + 2 * aside;
}

/** Fields keep the arrows they need, and let go of the others, so that a remote control without Tab never gets stuck. */
function isOwnArrow(target, key) {
  const isUpOrDown = key === "ArrowUp" || key === "ArrowDown";
  if (target.matches("[data-arrows]")) return true;
  if (target.matches("input[type=number]")) return target !== passed;
  if (target.matches("textarea")) return !isAtEdge(target, key);
  if (target.matches("input[type=range]")) return !isUpOrDown;
  if (target.matches("select")) return isUpOrDown && target !== passed;
  if (target.matches("input[type=radio]")) return isUpOrDown && !isLastOfGroup(target, key);
  if (!target.matches("input:not([type=checkbox])") || isUpOrDown) return false;
  const caret = target.selectionStart; // null where the browser does not tell, as in dates: those keep their arrows
  return caret === null || target.selectionEnd !== caret || caret !== (key === "ArrowRight" ? target.value.length : 0);
}

/** Where the caret can go no further, the arrows lead on. */
function isAtEdge(text, key) {
  const edge = key === "ArrowUp" || key === "ArrowLeft" ? 0 : text.value.length;
  return text.selectionStart === edge && text.selectionEnd === edge;
}

function isLastOfGroup(radio, key) {
  const group = [...document.getElementsByName(radio.name)].filter((one) => one.form === radio.form && !one.disabled);
  return group.at(key === "ArrowDown" ? -1 : 0) === radio;
}

function walk(event) {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey || isOwnArrow(event.target, event.key)) return;
  const place = document.querySelector("dialog[open]") ?? document; // behind an open dialog nothing can be reached
  const all = [...place.querySelectorAll(FOCUSABLE)].filter((element) => element.offsetParent !== null && element.checkVisibility() && !element.matches(".skip")); // what is folded away has a place too
  const here = document.activeElement;
  const from = here && here !== document.body ? here.getBoundingClientRect() : { left: 0, right: innerWidth, top: 0, bottom: 0, height: 0 };
  let next = null, best = Infinity;
  for (const element of all) {
    if (element === here) continue;
    const away = distance(from, element.getBoundingClientRect(), step);
    if (away < best) { best = away; next = element; }
  }
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  passed = next;
  next.scrollIntoView({ block: "center", inline: "nearest" });
}

/** OK opens a list of choices; once one is chosen, the arrows lead on. */
function openByOk(event) {
  if (event.key !== "Enter" || !event.target.matches("select")) return;
  event.preventDefault();
  passed = null;
  event.target.addEventListener("change", () => { passed = event.target; }, { once: true });
  event.target.showPicker?.();
}

/** OK on a box or a choice ticks it: a remote has no space bar, and Enter would send the whole form. */
function tickByOk(event) {
  if (event.key !== "Enter" || !event.target.matches("input[type=checkbox], input[type=radio]")) return;
  event.preventDefault();
  event.target.click();
}

/** Back closes what is open, else goes back. */
function back(event) {
  const isBack = BACK_KEYS.has(event.key) || BACK_CODES.has(event.keyCode);
  const isTyping = event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select") || event.target.isContentEditable;
  if (!isBack && !(event.key === "Backspace" && !isTyping)) return;
  event.preventDefault();
  const dialog = document.querySelector("dialog[open]");
  if (dialog) dialog.close();
  else history.back();
}

export function bindRemote() {
  document.addEventListener("refreshed", () => { if (passed && !passed.isConnected) passed = document.activeElement; });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || !(event.target instanceof Element)) return;
    back(event);
    openByOk(event);
    tickByOk(event);
    walk(event);
  });
}
