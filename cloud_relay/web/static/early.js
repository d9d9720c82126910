/** What is pressed before a page's scripts run waits for them; the browser's own way would put what was typed, a password too, into the address. */
(() => {
  const OURS = { submit: "form:not([action], [method])", click: "button[data-api]" };
  let again = null;

  function keep(event) {
    const pressed = event.target.closest?.(OURS[event.type]);
    if (!pressed) return;
    event.preventDefault();
    again = () => (event.type === "submit" ? pressed.requestSubmit(event.submitter) : pressed.click());
  }
  for (const kind of Object.keys(OURS)) addEventListener(kind, keep, true);

  // modules have run by then, or could not be had: then a form still goes nowhere
  document.addEventListener("DOMContentLoaded", () => {
    for (const kind of Object.keys(OURS)) removeEventListener(kind, keep, true);
    again?.();
  });
  addEventListener("submit", (event) => { if (event.target.matches(OURS.submit)) event.preventDefault(); });
})();
