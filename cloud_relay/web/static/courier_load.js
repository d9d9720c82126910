/** The parcels that a courier carries: the links that this phone has opened, and which of them a code belongs to. */

import { Refusal, api } from "./api.js";

const KEPT = "vitrine-load";
const DELIVERED_KEEP_MS = 2 * 86400e3;

const read = () => { try { return JSON.parse(localStorage.getItem(KEPT) ?? "[]"); } catch { return []; } };
const write = (load) => localStorage.setItem(KEPT, JSON.stringify(load));

/** Remember what is known of a parcel now; what was delivered days ago is let go. */
export function remember(known) {
  const now = Date.now();
  const ended = known.state === "delivered" ? { delivered_at: now } : {};
  const old = read().filter((one) => one.link !== known.link && !(one.delivered_at < now - DELIVERED_KEEP_MS));
  const same = read().find((one) => one.link === known.link);
  write([...old, { ...ended, ...(same?.delivered_at ? { delivered_at: same.delivered_at } : {}), ...known }]);
}

/** Every parcel still with the courier, and the page's own one whatever its state. */
export const carried = (link) => read().filter((one) => one.link === link || one.state !== "delivered");

/** Ask the relay where the other parcels are now; a link that it knows no more is forgotten. */
export async function askAbout(others) {
  for (const one of others) {
    try {
      const { parcel_id, sscc, shop_name, state, state_text } = await api("GET", `/api/courier/${one.link}`);
      remember({ link: one.link, parcel_id, sscc, shop_name, state, state_text });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.problem.status === 404) write(read().filter((kept) => kept.link !== one.link));
      else if (!error.problem.status) return;
    }
  }
}

/** The parcel whose code this is: the address on its label, its SSCC with or without (00), its id; or the link itself. */
export function parcelOf(text, load) {
  const tail = text.trim().split("?")[0].replace(/\/+$/, "").split("/").at(-1);
  let digits = tail.replace(/^\(00\)/, "").replace(/\s/g, "");
  if (digits.length === 20 && digits.startsWith("00")) digits = digits.slice(2);
  return load.find((one) => one.link === tail || one.parcel_id === tail || (one.sscc && one.sscc === digits)) ?? null;
}

/** A courier link in a code read by the camera: another parcel to carry. */
export function linkIn(text) {
  const found = /\/c\/([a-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,120})(?:\?|$)/.exec(text.trim());
  return found ? found[1] : "";
}
