/** The form of an announcement: what it is about decides whether it may carry a price, and in which currency's digits. */

const form = document.querySelector("[data-compose=news]");

function follow() {
  const about = form.querySelector("[data-about]").selectedOptions[0], part = form.querySelector("[data-price-part]");
  const price = form.elements.price_minor, digits = Number(about.dataset.digits ?? 2);
  part.hidden = !about.value.split("|")[1];
  if (part.hidden) price.value = "";
  price.dataset.digits = digits;
  price.step = price.min = String(10 ** -digits);
  form.querySelector("[data-usual]").textContent = about.dataset.price ?? "";
}

if (form) {
  form.querySelector("[data-about]").addEventListener("change", follow);
  form.addEventListener("done", () => setTimeout(follow));
  form.addEventListener("compose", (event) => {
    const [shop, listing] = form.querySelector("[data-about]").value.split("|");
    event.detail.shop_id = shop;
    if (listing) event.detail.listing_id = listing;
  });
  follow();
}
