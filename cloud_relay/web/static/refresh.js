/** What changed on this page, put in the place of what stood there; loaded where a part can change (`data-live`). */

/** Fetch this page again and put its `data-live` parts in place of the old ones; what people typed, opened or focused stays.
 * @param sent what the server sent for each part, by element
 * @returns true when a part that is pressed was left as it is
 */
export async function showAnew(sent) {
  let isOwed = false;
  const { href } = location;
  const response = await fetch(href, { headers: { Accept: "text/html", "Vitrine-Refresh": "yes" }, credentials: "same-origin" }).catch(() => null);
  if (!response?.ok || response.redirected) return false;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  if (location.href !== href) return false; // another page was brought in meanwhile
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (!next || next.innerHTML === sent.get(part)) continue;
    if (part.matches(":active")) {
      isOwed = true;
      continue;
    }
    const html = next.innerHTML;
    carryOver(part, next);
    const focused = part.contains(document.activeElement) ? nameOf(document.activeElement) : "";
    part.replaceChildren(...next.childNodes);
    sent.set(part, html);
    if (focused) [...part.querySelectorAll("a, button, input, textarea, select, summary")].find((one) => nameOf(one) === focused)?.focus();
  }
  document.dispatchEvent(new CustomEvent("refreshed"));
  return isOwed;
}

const nameOf = (one) => [one.localName, one.name, one.dataset.api, one.getAttribute("href"), one.dataset.body,
  one.localName === "summary" ? one.textContent : "", one.type === "radio" ? one.value : "", one.form?.dataset.api].join("|");

function isChanged(field) {
  if (field.matches("[type=radio], [type=checkbox]")) return field.checked !== field.defaultChecked;
  if (field.localName !== "select") return field.value !== field.defaultValue;
  return field.value !== ([...field.options].find((one) => one.defaultSelected) ?? field.options[0])?.value;
}

function copy(field, same) {
  if (field.type === "file") same.files = field.files;
  else if (field.matches("[type=radio], [type=checkbox]")) same.checked = field.checked;
  else if (field.localName !== "select" || [...same.options].some((one) => one.value === field.value)) same.value = field.value;
}

/** Copy typed text and opened details into the fresh part, so that news never eats what somebody is writing. */
function carryOver(old, next) {
  const all = "input:not([type=hidden]), textarea, select:not([data-quantity])"; // a basket's numbers are the server's own
  const fields = [...next.querySelectorAll(all)], seen = {};
  for (const field of old.querySelectorAll(all)) {
    const name = nameOf(field), place = (seen[name] = (seen[name] ?? -1) + 1); // lines of an address share a name
    const same = isChanged(field) && fields.filter((one) => nameOf(one) === name)[place];
    if (same) copy(field, same);
  }
  const summaries = [...next.querySelectorAll("summary")];
  for (const details of old.querySelectorAll("details[open]")) {
    const title = details.querySelector("summary")?.textContent;
    const same = summaries.find((one) => one.textContent === title);
    if (same) same.parentElement.open = true;
  }
}
