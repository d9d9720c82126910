/** Installs the service worker, says when a page is one that was seen before, and lists such pages when there is no network. */

import { language, t } from "./api.js";

const local = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });

function sayKept() {
  const { keptAt } = document.body.dataset;
  if (!keptAt) return;
  const words = document.createElement("p");
  words.className = "notice kept";
  words.setAttribute("role", "status");
  words.textContent = t("No network. This is the page as you saw it on ", "没有网络。这是您上次看到的页面：") + local.format(new Date(keptAt));
  document.querySelector("main").prepend(words);
}

async function listSeen() {
  const list = document.querySelector("[data-part=seen]");
  if (!list || !("caches" in window)) return;
  for (const name of (await caches.keys()).filter((one) => one.startsWith("vitrine-seen-"))) {
    const cache = await caches.open(name);
    for (const request of (await cache.keys()).reverse()) {
      const found = await cache.match(request);
      if (!found.headers.get("content-type")?.startsWith("text/html")) continue;
      const title = /<title>([^<]*)<\/title>/.exec(await found.text())?.[1] ?? request.url;
      const link = Object.assign(document.createElement("a"), { href: request.url });
      link.textContent = new DOMParser().parseFromString(title, "text/html").body.textContent;
      const line = document.createElement("li");
      line.append(link);
      list.append(line);
    }
  }
}

export function bindOffline() {
  sayKept();
  listSeen();
  const address = document.querySelector("meta[name=worker]")?.content;
  if (address && "serviceWorker" in navigator) navigator.serviceWorker.register(address, { scope: "/" }).catch(() => {}); // a browser may forbid it: the page works without
}
