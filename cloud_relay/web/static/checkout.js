/** The checkout's address: taken from the saved ones, and remembered when the shopper wishes. */

import { Refusal, api } from "./api.js";

const form = document.getElementById("checkout");
const fields = (name) => [...form.elements].filter((field) => field.name === `address.${name}`);

form.querySelector("[data-part=saved]")?.addEventListener("change", (event) => {
  const address = JSON.parse(event.target.value);
  for (const name of ["name", "postal_code", "city", "country", "phone"]) fields(name)[0].value = address[name] ?? "";
  fields("lines[]").forEach((field, place) => (field.value = address.lines[place] ?? ""));
  fields("country")[0].dispatchEvent(new Event("change", { bubbles: true })); // shipping and tax follow
});

form.addEventListener("done", async () => {
  const remember = form.querySelector("[data-part=remember]");
  if (!remember.checked || remember.disabled) return;
  const address = Object.fromEntries(["name", "postal_code", "city", "country", "phone"].map((name) => [name, fields(name)[0].value]));
  address.lines = fields("lines[]").map((field) => field.value).filter(Boolean);
  try {
    await api("POST", "/api/me/addresses", address, crypto.randomUUID()); // goes out even while the page is being left
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // the order stands; only the memory of the address is missing
  }
});
