/** True colour: what a colour card taught of this spot's camera and light, applied to every picture of it on this page. */

import { language, t } from "./api.js";

const NS = "http://www.w3.org/2000/svg";
const ID = "true-colour";
const time = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium" });

/** The filter: three rows of red, green, blue and offset in linear light, as feColorMatrix takes them (alpha stays). */
export function filterOf(rows) {
  const svg = document.createElementNS(NS, "svg"), filter = document.createElementNS(NS, "filter"), matrix = document.createElementNS(NS, "feColorMatrix");
  const values = [...rows.map(([red, green, blue, offset]) => [red, green, blue, 0, offset]), [0, 0, 0, 1, 0]];
  for (const [name, value] of Object.entries({ width: 0, height: 0, "aria-hidden": "true", class: "colour-filter" })) svg.setAttribute(name, value);
  filter.id = ID;
  filter.setAttribute("color-interpolation-filters", "linearRGB");
  matrix.setAttribute("type", "matrix");
  matrix.setAttribute("values", values.flat().join(" "));
  filter.append(matrix);
  svg.append(filter);
  return svg;
}

/** How far what is seen may be from the truth, in words: ΔE under 2 is hardly told apart side by side. */
export function wordsOf({ error_mean: mean, error_max: worst, error_before: before, taken_at: at }) {
  const day = time.format(new Date(at));
  return t(`Colours corrected by a colour card of ${day}: on average ΔE ${mean} off (worst ${worst}; uncorrected ${before}). Under 2 hardly anybody sees it. Your own screen may differ.`,
    `按 ${day} 拍摄的色卡校正：平均色差 ΔE ${mean}（最大 ${worst}，校正前 ${before}）。小于 2 时肉眼几乎看不出。您的屏幕也可能有偏差。`);
}

export class TrueColour {
  /** @param page the viewing page  @param button the switch; it carries the correction */
  constructor(page, button) {
    Object.assign(this, { page, button, isOn: false, correction: JSON.parse(button.dataset.colour), place: page.querySelector(".what") });
    this.words = Object.assign(document.createElement("p"), { className: "small" });
    this.words.setAttribute("role", "status");
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("./colour.css", import.meta.url).href }));
    document.body.append(filterOf(this.correction.rows));
  }

  turn() {
    this.isOn = !this.isOn;
    this.button.setAttribute("aria-pressed", String(this.isOn));
    this.button.textContent = t("True colour", "真实颜色") + (this.isOn ? ` ΔE ${this.correction.error_mean}` : "");
    document.body.classList.toggle("true-colour", this.isOn);
    if (!this.isOn) return this.words.remove();
    this.place.append(this.words); // beside the picture, not over it
    this.words.textContent = wordsOf(this.correction);
  }
}
