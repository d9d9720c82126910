/** The account: messages, quiet hours, how one is told. */

import { Refusal, api, t } from "./api.js";
import { show } from "./forms.js";

/** A message that is followed has been read; the request outlives this page. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-notice]");
  if (link) api("POST", "/api/notices/read", { notice_ids: [link.dataset.notice] }).catch(() => {}); // else it stays unread
});

const zone = document.querySelector("[data-quiet] [name=time_zone]");
if (zone && !zone.value) zone.value = zone.defaultValue = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Switches of what one is told, and this very device as one of the places. */
const panel = document.getElementById("tell");
panel.addEventListener("change", async (event) => {
  const box = event.target.closest("[data-way]");
  if (!box) return;
  const topic = box.closest("[data-topic]").dataset.topic;
  try {
    await api("PUT", `/api/notices/choices/${topic}`, { [box.dataset.way]: box.checked });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    box.checked = !box.checked;
    show(panel, error.problem);
  }
});

const part = (name) => panel.querySelector(`[data-part="${name}"]`);
const key = () => Uint8Array.from(atob(panel.dataset.pushKey.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

async function showPush() {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return;
  const worker = await navigator.serviceWorker.ready;
  const place = await worker.pushManager.getSubscription();
  part("push").hidden = Boolean(place);
  part("push-on").hidden = part("push-off").hidden = !place;
  part("push").onclick = async () => {
    try {
      const fresh = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key() });
      const { endpoint, keys } = fresh.toJSON();
      await api("POST", "/api/notices/push", { endpoint, keys });
    } catch (error) {
      const isOurs = error instanceof Refusal;
      show(panel, isOurs ? error.problem : { title: t("This device does not allow it. Allow notifications for this site in the browser, then try again.", "此设备未允许通知。请在浏览器中允许本站通知后重试。") });
    }
    showPush();
  };
  part("push-off").onclick = async () => {
    await api("POST", "/api/notices/push/forget", { endpoint: place.endpoint }).catch(() => {});
    await place.unsubscribe();
    showPush();
  };
}
showPush();
