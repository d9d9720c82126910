/** The courier's page: scan one parcel or several in a row, then press what is done; kept on the phone until the relay has it. */

import { language, say, t } from "./api.js";
import { readerOn } from "./code_reader.js";
import { Photo } from "./courier_camera.js";
import { askAbout, carried, linkIn, parcelOf, remember } from "./courier_load.js";
import * as queue from "./courier_queue.js";
import { refresh } from "./live.js";

const AGAIN_MS = 15_000;
const page = document.getElementById("courier");
const pick = (name) => page.querySelector(`[data-part="${name}"]`);
const code = pick("code"), place = pick("place"), places = [...page.querySelectorAll("[data-errors]")];
const link = page.dataset.link, CODE = `vitrine-code-${link}`;
const photos = Object.fromEntries([...page.querySelectorAll("[data-photo]")].map((one) => [one.dataset.photo, new Photo(one)]));
/** The phone's clock may be wrong; the relay's at the moment of loading is not. */
const ahead_ms = new Date(page.dataset.now) - Date.now();
const pickText = (both) => both?.[language] || both?.en || both?.zh || "";

let load = [], reader = null, isBusy = false, again = 0;
const scanned = new Map(); // link → the code as it was read

function make(tag, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Browsers let a page shake the phone only after it was touched. */
const buzz = (pattern) => navigator.userActivation?.hasBeenActive && navigator.vibrate?.(pattern);

const short = (parcel) => (parcel.sscc || parcel.parcel_id).slice(-6);

function showLoad() {
  load = carried(link);
  const isRound = load.length > 1;
  pick("load").hidden = pick("add").hidden = !isRound;
  pick("load-count").textContent = load.length;
  pick("load-words").textContent = scanned.size
    ? t(`${scanned.size} of ${load.length} scanned: press what is done with them.`, `已扫描 ${scanned.size} / ${load.length} 件：请选择操作。`)
    : t("Scan one or several, then press what is done.", "扫描一件或多件，然后选择操作。");
  pick("load-list").replaceChildren(...load.map((parcel) => {
    const row = make("li");
    row.append(make("span", "", `${pickText(parcel.shop_name)} · …${short(parcel)}`));
    if (!scanned.has(parcel.link)) row.append(make("span", "soft small", pickText(parcel.state_text)));
    else {
      const away = make("button", "plain small", t("Take out", "移除"));
      away.type = "button";
      away.setAttribute("aria-label", t(`Take out …${short(parcel)}`, `移除 …${short(parcel)}`));
      away.addEventListener("click", () => { scanned.delete(parcel.link); showLoad(); });
      row.append(make("span", "scanned", t("✓ scanned", "✓ 已扫描")), away);
    }
    return row;
  }));
}

function note(text, kind) {
  const pill = pick("camera-note");
  pill.hidden = !text;
  pill.textContent = text;
  pill.className = `pill ${kind}`;
}

/** Say what is wrong beside the field that it is about. */
function refuse(text, field) {
  const errors = field?.closest("section")?.querySelector("[data-errors]") ?? places[0];
  errors.textContent = text;
  errors.hidden = false;
  (field ?? errors).focus();
}

const forgive = () => places.forEach((one) => (one.hidden = true));

/** Add the parcel of a code to those that the next press is about; false when it is none of ours. */
function add(text) {
  const parcel = parcelOf(text, load);
  if (!parcel) return false;
  scanned.set(parcel.link, text.trim());
  showLoad();
  return true;
}

/** A code from the camera: a parcel's, or the link of one more parcel. True ends the looking. */
function take(text) {
  const other = linkIn(text);
  if (other && other !== link && !load.some((one) => one.link === other)) {
    askAbout([{ link: other }]).then(showLoad);
    note(t("One more parcel is with you", "已加入一件包裹"), "now");
    return false;
  }
  if (load.length > 1) {
    const parcel = parcelOf(text, load);
    if (parcel && !scanned.has(parcel.link)) { add(text); buzz(80); note(t(`Read: …${short(parcel)}. The next one, please`, `已读：…${short(parcel)}，请扫下一件`), "now"); }
    else if (!parcel) note(t("This code is none of your parcels'", "此码不属于您的包裹"), "bad");
    if (scanned.size < load.length) return false;
  } else {
    code.value = text;
    sessionStorage.setItem(CODE, text);
    buzz(80);
  }
  stop();
  note(t("Code read", "已读码"), "now");
  return true;
}

function stop() {
  reader?.stop();
  pick("finder").hidden = true;
  pick("camera").setAttribute("aria-pressed", "false");
}

async function scan() {
  if (reader.isOn) { note("", ""); return stop(); }
  pick("finder").hidden = false;
  try {
    note(t("Hold the code before the camera", "请对准标签上的码"), "queued");
    pick("camera").setAttribute("aria-pressed", "true");
    await reader.start(take);
  } catch {
    stop();
    note(t("No camera here: type the code", "无法使用摄像头，请手动输入"), "queued");
  }
}

/** The parcels that a press is about: those scanned, and the one whose code is typed. Empty with a word on what is missing. */
function chosen() {
  const typed = code.value.trim();
  const isRound = load.length > 1;
  if (typed && !(isRound ? add(typed) : scanned.set(link, typed))) {
    refuse(t("This code is none of your parcels'. Open the link that the shop gave you for it first.", "此码不属于您的任何包裹，请先打开店铺给您的链接。"), code);
    return [];
  }
  if (!scanned.size) refuse(t("First scan or type the code on the label.", "请先扫描或输入标签上的码。"), code);
  else if (!place.value.trim()) refuse(t("Say where you are.", "请填写您所在的地点。"), place);
  else return [...scanned];
  return [];
}

async function record(button, step, words, proof, photo) {
  if (isBusy) return;
  forgive();
  const parcels = chosen();
  if (!parcels.length) return;
  isBusy = true;
  button.setAttribute("aria-busy", "true");
  try {
    localStorage.setItem("vitrine-place", place.value.trim());
    const at = new Date(Date.now() + ahead_ms).toISOString();
    for (const [of, text] of parcels) {
      const body = { code: text, biz_step: step, place: place.value.trim(), at, ...proof };
      await queue.keep({ link: of, body, photo: photo?.blob ?? null, words });
    }
    ended(photo);
    await sendKept(words, parcels.length);
  } finally {
    isBusy = false;
    button.removeAttribute("aria-busy");
  }
}

function ended(photo) {
  photo?.clear();
  pick("received-by").value = pick("note").value = "";
  scanned.clear();
  if (load.length > 1) code.value = "";
  else sessionStorage.setItem(CODE, code.value.trim());
}

/** Send what waits and say what became of it. */
async function sendKept(words = "", count = 0) {
  const { sent, refused, isAway } = await queue.send();
  if (isAway && words) say(t("No network: kept here, sent as soon as it is back.", "没有网络：已保存在手机上，恢复后自动发送。"), "good");
  else if (refused.length) refuse(refused.at(-1).why);
  else if (sent.length) {
    buzz([40, 40, 40]);
    say(words ? t("Recorded: ", "已登记：") + words + (count > 1 ? ` × ${count}` : "") : t("Everything kept here is sent.", "保存的登记已全部发送。"), "good");
  }
  await showWaiting();
  if (sent.length) { await refresh(); await askAbout(load.filter((one) => sent.some((scan) => scan.link === one.link))); showLoad(); }
}

async function showWaiting() {
  const kept = await queue.all();
  const waiting = kept.filter((one) => !one.why);
  pick("waiting").hidden = !kept.length;
  pick("waiting-count").textContent = kept.length;
  pick("send-now").hidden = !waiting.length;
  pick("waiting-words").textContent = waiting.length
    ? t(`${waiting.length} to be sent as soon as there is a network.`, `有网络后将自动发送 ${waiting.length} 条。`)
    : t("The relay did not take these.", "以下登记未被接受。");
  const clock = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { timeStyle: "short" });
  pick("waiting-list").replaceChildren(...kept.map((one) => {
    const row = make("li");
    row.append(make("span", "", `${one.words} · ${one.body.place} · …${one.link.split(".")[0].slice(-6)}`), make("span", "small number", clock.format(new Date(one.body.at))));
    if (one.why) {
      const away = make("button", "plain small", t("Put away", "移除"));
      away.type = "button";
      away.addEventListener("click", async () => { await queue.drop(one.no); showWaiting(); });
      row.append(away, make("p", "why", one.why));
    }
    return row;
  }));
  clearTimeout(again);
  if (waiting.length) again = setTimeout(() => sendKept(), AGAIN_MS);
}

for (const button of page.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => {
    forgive();
    if (button.dataset.step !== "delivered") return record(button, button.dataset.step, button.textContent.trim(), {}, null);
    const received_by = pick("received-by").value.trim();
    if (!received_by && !photos.delivered.blob) return refuse(t("Say who took it, or take a photo: that is the proof.", "请填写签收人或拍照作为凭证。"), pick("received-by"));
    return record(button, "delivered", button.textContent.trim(), { received_by }, photos.delivered);
  });
}
pick("exception").addEventListener("click", () => {
  forgive();
  const what = page.querySelector("[name=exception]:checked");
  if (!what) return refuse(t("Say what happened.", "请选择发生了什么。"), page.querySelector("[name=exception]"));
  if (what.value === "damaged" && !photos.exception.blob) return refuse(t("Take a photo of the damage.", "请拍下损坏情况。"), photos.exception.file);
  const words = what.closest("label").textContent.trim();
  return record(pick("exception"), what.value, words, { note: pick("note").value.trim() }, photos.exception);
});
pick("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  forgive();
  if (!code.value.trim()) return;
  if (load.length > 1 && add(code.value)) code.value = "";
  else if (load.length > 1) refuse(t("This code is none of your parcels'.", "此码不属于您的任何包裹。"), code);
});
pick("camera").addEventListener("click", scan);
pick("send-now").addEventListener("click", () => sendKept());
addEventListener("online", () => sendKept());
addEventListener("pagehide", stop);
document.addEventListener("visibilitychange", () => document.hidden || sendKept());
document.addEventListener("refreshed", showLoad);

place.value = localStorage.getItem("vitrine-place") ?? "";
code.value = sessionStorage.getItem(CODE) ?? "";
remember(JSON.parse(page.dataset.known));
showLoad();
reader = await readerOn(pick("video"));
pick("camera").hidden = !reader;
await sendKept();
await askAbout(load.filter((one) => one.link !== link));
showLoad();
