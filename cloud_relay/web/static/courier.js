/** The courier's page: the camera where the browser can read codes, else typing; one press records one step; kept while offline. */

import { Refusal, api, say, t } from "./api.js";
import { refresh } from "./live.js";

const page = document.getElementById("courier");
const pick = (name) => page.querySelector(`[data-part="${name}"]`);
const code = pick("code"), place = pick("place"), finder = pick("finder"), video = pick("video"), errors = page.querySelector("[data-errors]");
const link = page.dataset.link, KEPT = `vitrine-scans-${link}`;
const FORMATS = ["qr_code", "code_128", "data_matrix"];

place.value = localStorage.getItem("vitrine-place") ?? "";
code.value = sessionStorage.getItem(`vitrine-code-${link}`) ?? "";
let detector = null, tracks = [];

async function prepareCamera() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  const formats = FORMATS.filter((format) => known.includes(format));
  if (!formats.length) return;
  detector = new BarcodeDetector({ formats });
  pick("camera").hidden = false;
}

function note(text, kind) {
  const pill = pick("camera-note");
  pill.hidden = !text;
  pill.textContent = text;
  pill.className = `pill ${kind}`;
}

async function scan() {
  if (tracks.length) return stop();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    tracks = stream.getTracks();
    video.srcObject = stream;
    finder.hidden = false;
    await video.play();
  } catch {
    stop();
    return note(t("No camera here: type the code", "无法使用摄像头，请手动输入"), "queued");
  }
  note(t("Hold the code before the camera", "请对准标签上的码"), "queued");
  look();
}

async function look() {
  if (!tracks.length) return;
  const found = await detector.detect(video).catch(() => []);
  if (found.length) {
    take(found[0].rawValue);
    navigator.vibrate?.(80);
    stop();
    return note(t("Code read", "已读码"), "now");
  }
  setTimeout(look, 150);
}

function take(value) {
  code.value = value;
  sessionStorage.setItem(`vitrine-code-${link}`, value);
}

function stop() {
  tracks.forEach((track) => track.stop());
  tracks = [];
  finder.hidden = true;
}

function refuse(text, field) {
  errors.textContent = text;
  errors.hidden = false;
  (field ?? errors).focus();
}

const kept = () => JSON.parse(localStorage.getItem(KEPT) ?? "[]");

async function send(one) {
  await api("POST", `/api/courier/${link}/scans`, one.body, one.key);
}

/** Scans made without a network go out in their order, with the time at which they were made. */
async function sendKept() {
  const waiting = kept();
  while (waiting.length) {
    try {
      await send(waiting[0]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!error.problem.status || error.problem.status >= 500) return;
      refuse([error.problem.title, error.problem.detail].filter(Boolean).join(" — "));
    }
    waiting.shift();
    localStorage.setItem(KEPT, JSON.stringify(waiting));
  }
}

let isBusy = false;
async function record(button) {
  if (isBusy) return;
  errors.hidden = true;
  if (!code.value.trim()) return refuse(t("First scan or type the code on the label.", "请先扫描或输入标签上的码。"), code);
  if (!place.value.trim()) return refuse(t("Say where you are.", "请填写您所在的地点。"), place);
  localStorage.setItem("vitrine-place", place.value.trim());
  take(code.value.trim());
  const body = { code: code.value.trim(), biz_step: button.dataset.step, place: place.value.trim() };
  isBusy = true;
  button.setAttribute("aria-busy", "true");
  try {
    await send({ key: crypto.randomUUID(), body });
    navigator.vibrate?.([40, 40, 40]);
    say(t("Recorded: ", "已登记：") + button.textContent.trim(), "good");
    await refresh();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.problem.status) return refuse([error.problem.title, error.problem.detail].filter(Boolean).join(" — "));
    localStorage.setItem(KEPT, JSON.stringify([...kept(), { key: crypto.randomUUID(), body: { ...body, at: new Date().toISOString() } }]));
    say(t("No network: kept here, sent as soon as it is back.", "没有网络：已保存在手机上，恢复后自动发送。"), "good");
  } finally {
    isBusy = false;
    button.removeAttribute("aria-busy");
  }
}

for (const button of page.querySelectorAll("[data-step]")) button.addEventListener("click", () => record(button));
pick("camera").addEventListener("click", scan);
addEventListener("online", () => sendKept().then(refresh));
addEventListener("pagehide", stop);
prepareCamera();
if (kept().length) sendKept().then(refresh);
