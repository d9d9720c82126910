/** The shopper's scan page: the first code that the camera reads goes to the relay, which knows what is ours. */

import { t } from "./api.js";
import { TAG_CODES, readerOn } from "./code_reader.js";

const page = document.getElementById("scan");
const pick = (name) => page.querySelector(`[data-part="${name}"]`);
const reader = await readerOn(pick("video"), TAG_CODES);

function note(text, kind) {
  const pill = pick("camera-note");
  pill.hidden = !text;
  pill.textContent = text;
  pill.className = `pill ${kind}`;
}

function stop() {
  reader?.stop();
  pick("finder").hidden = true;
  pick("camera").setAttribute("aria-pressed", "false");
}

function take(text) {
  stop();
  note(t("Code read", "已读码"), "now");
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(80);
  const query = new URLSearchParams({ code: text });
  if (page.dataset.here) query.set("here", page.dataset.here);
  location.assign(`/scan?${query}`);
  return true;
}

async function scan() {
  if (reader.isOn) { note("", ""); return stop(); }
  pick("finder").hidden = false;
  note(t("Hold the code before the camera", "请对准码"), "queued");
  try {
    pick("camera").setAttribute("aria-pressed", "true");
    await reader.start(take);
  } catch {
    stop();
    note(t("No camera here: type the code", "无法使用摄像头，请输入编码"), "queued");
  }
}

pick("camera").hidden = !reader;
pick("camera").addEventListener("click", scan);
addEventListener("pagehide", stop);
