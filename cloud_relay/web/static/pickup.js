/** Delivered or collected: who collects needs no address and pays no shipping, and sees the total that holds. */

const choice = document.querySelector("[data-pickup]");

function follow() {
  const isCollected = choice.querySelector("input:checked").value !== "";
  for (const part of document.querySelectorAll("[data-delivered]")) {
    part.hidden = isCollected;
    for (const field of part.querySelectorAll("input, select, textarea")) field.disabled = isCollected;
  }
  for (const part of document.querySelectorAll("[data-when]")) part.hidden = (part.dataset.when === "collected") !== isCollected;
  const total = document.querySelector("[data-delivered-total]");
  total.value = isCollected ? total.dataset.collectedTotal : total.dataset.deliveredTotal;
}

choice?.addEventListener("change", follow);
if (choice) follow();
if (choice) document.addEventListener("refreshed", follow); // a live part came back with the amounts of delivery
