/** A piece photographed all round: dragging or the slider turns it, a button shows a face; each view says when it was taken. */

import { api, language, t } from "./api.js";

const PX_PER_TURN = 430; // a finger's way across a phone is one turn
const AT_ONCE = 4; // pictures on their way at a time: the one that is looked at must not stand in line behind all others
const time = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "medium" });
const address = (view) => `/pictures/${view.picture}`;

class Spin {
  constructor(figure) {
    Object.assign(this, { figure, image: figure.querySelector("img"), slider: figure.querySelector("input"), moment: figure.querySelector("time") });
    for (const kind of ["focusin", "pointerenter", "pointerdown"]) figure.addEventListener(kind, () => this.load());
    this.slider.addEventListener("input", () => this.turnTo(Number(this.slider.value)));
    this.image.addEventListener("pointerdown", (event) => {
      this.image.setPointerCapture(event.pointerId);
      this.from = { x: event.clientX, number: Number(this.slider.value) };
    });
    this.image.addEventListener("pointermove", ({ clientX }) => this.from && this.turnTo(this.from.number + Math.round(((clientX - this.from.x) * this.count) / PX_PER_TURN)));
    for (const end of ["pointerup", "pointercancel"]) this.image.addEventListener(end, () => { this.from = null; });
    for (const button of figure.querySelectorAll("[data-view-of]")) button.addEventListener("click", () => this.face(button.dataset.viewOf));
  }

  get count() { return Number(this.slider.max) + 1; }

  /** The list of views, once; and then their pictures, those beside the one that is shown first. */
  load() {
    this.views ??= this.fetchViews();
    return this.views;
  }

  async fetchViews() {
    const found = await api("GET", `/api/pieces/${this.figure.dataset.spin}/views`).catch(() => null);
    if (!found?.views.length) { this.views = undefined; return null; }
    this.slider.max = found.views.length - 1;
    if (!navigator.connection?.saveData) this.fetchPictures(found);
    return found;
  }

  async fetchPictures({ views, faces }) {
    const here = Number(this.slider.value), away = (number) => Math.min(Math.abs(number - here), views.length - Math.abs(number - here));
    const wanted = [...views.map((view, number) => ({ view, away: away(number) })).sort((one, other) => one.away - other.away).map(({ view }) => view), ...faces];
    const fetchNext = async () => {
      for (let view = wanted.shift(); view; view = wanted.shift()) await Object.assign(new Image(), { src: address(view) }).decode().catch(() => {});
    };
    await Promise.all(Array.from({ length: AT_ONCE }, fetchNext));
    this.figure.dataset.loaded = "yes";
  }

  async turnTo(number) {
    this.wanted = number;
    const found = await this.load();
    if (!found || this.wanted !== number) return;
    const place = ((number % found.views.length) + found.views.length) % found.views.length;
    this.slider.value = place;
    const angle = Math.round(found.views[place].angle_deg);
    this.slider.setAttribute("aria-valuetext", t(`${angle} degrees`, `${angle} 度`));
    this.show(found.views[place]);
  }

  async face(name) {
    this.wanted = name;
    const found = await this.load(), view = found?.faces.find((one) => one.face === name);
    if (view && this.wanted === name) this.show(view);
  }

  show(view) {
    this.image.src = address(view);
    this.moment.dateTime = view.taken_at;
    this.moment.textContent = time.format(new Date(view.taken_at));
    for (const button of this.figure.querySelectorAll("[data-view-of]")) button.setAttribute("aria-pressed", String(button.dataset.viewOf === view.face));
  }
}

const bindAll = () => {
  for (const figure of document.querySelectorAll("[data-spin]:not([data-bound])")) { figure.dataset.bound = "yes"; new Spin(figure); }
};
bindAll();
document.addEventListener("refreshed", bindAll);
