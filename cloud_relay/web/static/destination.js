/** Shipping and tax follow the address as it is typed: the page is asked again for this country and postal code. */

import { refresh } from "./live.js";

const form = document.querySelector("[data-destination]");
const part = (name) => form.elements.namedItem(`address.${name}`);

function follow() {
  const asked = new URL(location.href);
  asked.searchParams.set("country", part("country").value);
  asked.searchParams.set("postal_code", part("postal_code").value.trim().slice(0, 20));
  if (asked.href === location.href) return;
  history.replaceState(null, "", asked);
  refresh();
}

function isTyped() {
  return part("country").value !== part("country").querySelector("[selected]")?.value || part("postal_code").value !== part("postal_code").defaultValue;
}

form?.addEventListener("change", (event) => {
  if (["address.country", "address.postal_code"].includes(event.target.name)) follow();
});
// the browser filled the form with what was typed before, or the address bar asks for another place than the form shows
if (form && (isTyped() || new URLSearchParams(location.search).has("country"))) follow();
