/** A piece photographed all round: dragging or the slider turns it, and each view says when it was taken. */

import { language, t } from "./api.js";

const PX_PER_VIEW = 12;
const time = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });

function bind(figure) {
  const views = JSON.parse(figure.dataset.views), image = figure.querySelector("img"), slider = figure.querySelector("input"), moment = figure.querySelector("time");
  const address = (view) => `/pictures/${view.picture}`;
  let isLoaded = false, from = null;

  /** The other views are fetched once somebody wants to turn it. */
  const load = () => {
    if (isLoaded) return;
    isLoaded = true;
    for (const view of views) new Image().src = address(view);
  };
  const show = (number) => {
    const view = views[((number % views.length) + views.length) % views.length];
    slider.value = views.indexOf(view);
    slider.setAttribute("aria-valuetext", t(`${Math.round(view.angle_deg)} degrees`, `${Math.round(view.angle_deg)} 度`));
    image.src = address(view);
    moment.dateTime = view.taken_at;
    moment.textContent = time.format(new Date(view.taken_at));
  };

  slider.addEventListener("input", () => { load(); show(Number(slider.value)); });
  for (const kind of ["focus", "pointerenter"]) figure.addEventListener(kind, load, { capture: true, once: true });
  image.addEventListener("pointerdown", (event) => {
    load();
    image.setPointerCapture(event.pointerId);
    from = { x: event.clientX, number: Number(slider.value) };
  });
  image.addEventListener("pointermove", (event) => from && show(from.number + Math.round((event.clientX - from.x) / PX_PER_VIEW)));
  for (const end of ["pointerup", "pointercancel"]) image.addEventListener(end, () => { from = null; });
  show(0);
}

const bindAll = () => {
  for (const figure of document.querySelectorAll("[data-spin]:not([data-bound])")) { figure.dataset.bound = "yes"; bind(figure); }
};
bindAll();
document.addEventListener("refreshed", bindAll);
