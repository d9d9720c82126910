/** The service worker: what was seen stays readable without a network, one reader at a time; and push messages arrive.
 *
 * Pages say by `Vitrine-Keep` that they hold nothing but public things and the reader's own; only those are kept, and the
 * pictures on them. `Vitrine-Reader` names who reads (a visitor, or one account): what another reader saw is thrown away,
 * and signing out throws everything away, with a network or without.
 */

const VERSION = new URL(location.href).searchParams.get("v") ?? "0";
const STATIC = `vitrine-static-${VERSION}`;
const SEEN = "vitrine-seen-";
const SEEN_MAX = 150;
const OFFLINE = "/offline";
const KEPT_AT = "vitrine-kept-at";
const keepers = new Set(); // tabs whose page is kept: their pictures are kept as well

/** Requests of a viewing pass by this worker where a browser can be told so: what a page says as it goes away (that it
 * leaves: the next in line has the camera at once) dies with the page when it is handed to a worker on its way. */
const PAST_US = ["/api/viewing/*", "/whep/*"].map((pathname) => ({ condition: { urlPattern: { pathname } }, source: "network" }));

self.addEventListener("install", (event) => event.waitUntil(Promise.all([
  event.addRoutes?.(PAST_US).catch(() => {}), // a browser may know the name and not the rules
  caches.open(STATIC).then((cache) => cache.add(new Request(OFFLINE, { cache: "reload" }))), self.skipWaiting(),
])));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("vitrine-static-") && name !== STATIC) await caches.delete(name);
  await self.clients.claim();
})()));

const seenCaches = async () => (await caches.keys()).filter((name) => name.startsWith(SEEN));

async function forget(except = "") {
  await Promise.all((await seenCaches()).filter((name) => name !== except).map((name) => caches.delete(name)));
}

/** Look among what this reader saw, then among our own files. */
async function kept(request) {
  for (const name of await seenCaches()) {
    const found = await (await caches.open(name)).match(request);
    if (found) return found;
  }
  return undefined;
}

async function keep(request, response, reader) {
  const cache = await caches.open(SEEN + reader);
  const headers = new Headers(response.headers);
  headers.set(KEPT_AT, new Date().toISOString());
  await cache.put(request, new Response(await response.blob(), { status: 200, headers }));
  const keys = await cache.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - SEEN_MAX))) await cache.delete(old);
}

async function page(event) {
  try {
    const response = await fetch(event.request);
    const reader = response.headers.get("Vitrine-Reader");
    if (reader && response.ok) await forget(SEEN + reader); // somebody else reads here now
    if (response.ok && !response.redirected && response.headers.has("Vitrine-Keep")) {
      keepers.add(event.resultingClientId);
      event.waitUntil(keep(event.request, response.clone(), reader));
    }
    return response;
  } catch {
    const found = await kept(event.request);
    if (!found) return (await caches.match(OFFLINE)) ?? Response.error();
    keepers.add(event.resultingClientId);
    const html = (await found.text()).replace("<body ", `<body data-kept-at="${found.headers.get(KEPT_AT)}" `);
    return new Response(html, { headers: { "Content-Type": "text/html; charset=utf-8" } });
  }
}

async function picture(event) {
  const found = await kept(event.request);
  if (found) return found;
  const response = await fetch(event.request);
  const [name] = await seenCaches();
  if (response.ok && name && keepers.has(event.clientId)) event.waitUntil(keep(event.request, response.clone(), name.slice(SEEN.length)));
  return response;
}

async function file(event) {
  const found = await caches.match(event.request);
  if (found) return found;
  const response = await fetch(event.request);
  if (response.ok) {
    const copy = response.clone();
    event.waitUntil(caches.open(STATIC).then((cache) => cache.put(event.request, copy)));
  }
  return response;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === "POST" && url.pathname === "/api/sign-out") return event.waitUntil(forget());
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (url.pathname.startsWith("/pictures/")) event.respondWith(picture(event));
  else if (url.pathname.startsWith("/static/")) event.respondWith(file(event));
});

self.addEventListener("push", (event) => {
  const { id, text, link } = event.data?.json() ?? {};
  if (!text) return;
  const show = self.registration.showNotification("Vitrine 橱窗", { body: text, tag: id, data: { link }, icon: "/static/icon/mark.svg" });
  event.waitUntil(show); // the same tag twice is one notice on the screen
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const link = new URL(event.notification.data?.link ?? "/", location.origin);
  event.waitUntil(link.origin === location.origin ? self.clients.openWindow(link) : Promise.resolve());
});
