/** Another page of ours shown in this one, under its own address: what both have stays, what only it has is loaded. */

const PAGE_MS = 8000; // a link that has led nowhere by then is followed as without us

/** Fetch a page and have its modules and styles loaded; throws when it is not to be had as it is. */
export async function fetchPage(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin", signal: AbortSignal.timeout(PAGE_MS) });
  if (!response.ok || response.redirected) throw new Error(`${address}: ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const link of page.querySelectorAll("link[rel=modulepreload]")) load("modulepreload", link.href);
  for (const script of newScripts(page)) load("modulepreload", script.src);
  for (const sheet of newSheets(page)) load("preload", sheet.href, "style");
  return page;
}

function load(rel, href, as = "") {
  if ([...document.querySelectorAll(`link[rel=${rel}]`)].some((link) => link.href === href)) return;
  document.head.append(Object.assign(document.createElement("link"), { rel, as, href }));
}

const sheets = (page) => [...page.querySelectorAll("link[rel=stylesheet]")];
const has = (all, address) => all.some((one) => (one.src || one.href) === address);
const newSheets = (page) => sheets(page).filter((sheet) => !has(sheets(document), sheet.href));
const newScripts = (page) => [...page.querySelectorAll("script[type=module][src]")].filter((script) => !has([...document.scripts], script.src));

/** Put the page's styles among those that are here, in its own order; resolves when they are loaded. */
function addStyles(page) {
  let before = null;
  const coming = [];
  for (const sheet of sheets(page).reverse()) {
    const here = sheets(document).find((one) => one.href === sheet.href);
    const own = here ?? sheet.cloneNode();
    if (!here) {
      coming.push(new Promise((resolve, reject) => Object.assign(own, { onload: resolve, onerror: reject })));
      document.head.insertBefore(own, before);
    }
    before = own;
  }
  return Promise.all(coming);
}

/** Show the page here; rejects while nothing has changed yet, so that one may go there as usual. */
export async function enter(page, address) {
  const scripts = newScripts(page).map((script) => script.src);
  await addStyles(page);
  history.pushState(null, "", address);
  document.title = page.title;
  document.body.removeAttribute("data-channels");
  for (const part of ["main", "header nav", "footer"]) document.querySelector(`body > ${part}`).replaceWith(page.querySelector(`body > ${part}`));
  scrollTo(0, 0);
  for (const event of ["entered", "refreshed"]) document.dispatchEvent(new CustomEvent(event));
  for (const script of scripts) await import(script);
}
