/** An invitation's link is shown once, to copy or to mail. */

import { say, t } from "./api.js";

const place = document.querySelector("[data-invited]");

document.querySelector("[data-invite]")?.addEventListener("done", (event) => {
  const { url, email, told_by } = event.detail, mail = place.querySelector("[data-mail]");
  for (const words of place.querySelectorAll("[data-told]")) words.hidden = words.dataset.told !== (told_by ?? "");
  place.hidden = false;
  place.querySelector("[data-link]").textContent = url;
  mail.href = `mailto:${encodeURIComponent(email)}?subject=${encodeURIComponent(mail.dataset.subject)}&body=${encodeURIComponent(`${mail.dataset.words}\n${url}`)}`;
});
document.querySelector("[data-copy-link]")?.addEventListener("click", async () => {
  await navigator.clipboard.writeText(place.querySelector("[data-link]").textContent);
  say(t("Copied", "已复制"), "good");
});
