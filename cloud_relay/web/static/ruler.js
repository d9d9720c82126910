/** True size: rulers or a grid in millimetres over the live picture, following the head's zoom; nothing where nobody calibrated. */

import { api, t } from "./api.js";

const STEPS_MM = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];
const LINE_PX_MIN = 28, LABEL_PX_MIN = 56;
const ASK_MS = 700;
const NS = "http://www.w3.org/2000/svg";

/** The smallest round step that keeps its lines apart. */
export const stepFor = (pxPerMm, pxMin) => STEPS_MM.find((step) => step * pxPerMm >= pxMin) ?? STEPS_MM.at(-1);

const draw = (name, values, text) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
};

await new Promise((done) => {
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("./ruler.css", import.meta.url).href, onload: done, onerror: done }));
});

export class Ruler {
  /** @param now () => {sessionId, picture}  @param viewWidthMm how wide the picture is at zoom 1 where the piece stands */
  constructor(page, now, viewWidthMm) {
    Object.assign(this, { now, viewWidthMm, zoom: 0, kind: "off", stage: page.querySelector("[data-part=stage]"), button: page.querySelector("[data-part=ruler]") });
    this.svg = draw("svg", { class: "ruler", "aria-hidden": "true" });
    this.words = Object.assign(document.createElement("p"), { className: "ruler-words small" });
    this.words.setAttribute("role", "status");
    addEventListener("resize", () => this.draw());
  }

  /** Off, rulers at the edges, a grid, off again. */
  turn() {
    this.kind = { off: "ruler", ruler: "grid", grid: "off" }[this.kind];
    this.button.setAttribute("aria-pressed", String(this.kind !== "off"));
    this.button.textContent = { off: t("Ruler", "标尺"), ruler: t("Grid", "网格"), grid: t("No ruler", "关闭标尺") }[this.kind];
    clearInterval(this.timer);
    if (this.kind === "off") { this.svg.remove(); this.words.remove(); return; }
    this.stage.append(this.svg, this.words);
    this.words.textContent = t("Asking how far the camera is zoomed in…", "正在读取变焦……");
    this.timer = setInterval(() => this.ask(), ASK_MS);
    this.ask();
    this.draw();
  }

  async ask() {
    if (this.isAsking || document.visibilityState !== "visible") return;
    this.isAsking = true;
    const told = await api("GET", `/api/viewing/${this.now().sessionId}/zoom`).catch(() => null);
    this.isAsking = false;
    const zoom = told?.zoom ?? 0;
    if (zoom === this.zoom && zoom) return;
    this.zoom = zoom;
    this.draw();
  }

  draw() {
    if (this.kind === "off") return;
    this.svg.replaceChildren();
    if (!this.zoom) {
      this.words.textContent = t("The camera does not say how far it is zoomed in: no ruler just now.", "镜头未报告变焦，暂时无法显示标尺。");
      return;
    }
    const picture = this.now().picture, wide = picture.videoWidth || picture.naturalWidth || 16, high = picture.videoHeight || picture.naturalHeight || 9;
    const { clientWidth, clientHeight } = this.stage, scale = Math.min(clientWidth / wide, clientHeight / high);
    const box = { left: (clientWidth - wide * scale) / 2, top: (clientHeight - high * scale) / 2, width: wide * scale, height: high * scale };
    const pxPerMm = (box.width * this.zoom) / this.viewWidthMm;
    this.svg.setAttribute("viewBox", `0 0 ${clientWidth} ${clientHeight}`);
    this.stage.dataset.pxPerMm = pxPerMm.toFixed(4);
    const step = stepFor(pxPerMm, this.kind === "grid" ? LINE_PX_MIN : LINE_PX_MIN / 3.5), named = stepFor(pxPerMm, LABEL_PX_MIN);
    this.lines(box, pxPerMm, step, named);
    const grid = this.kind === "grid" ? t(`One square is ${step} mm. `, `每格 ${step} 毫米。`) : "";
    this.words.textContent = grid + t("In millimetres; true where the piece stands, nearer things look larger.", "单位毫米；以货品所在位置为准，更近的物体会显得更大。");
  }

  /** Marks from the middle outwards: the piece stands there. */
  lines(box, pxPerMm, step, named) {
    const isGrid = this.kind === "grid", right = box.left + box.width, bottom = box.top + box.height;
    const middle = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    const each = (from, span, put) => {
      const count = Math.floor(span / 2 / pxPerMm / step);
      for (let number = -count; number <= count; number += 1) {
        const mm = number * step, isNamed = Math.abs(mm / named - Math.round(mm / named)) < 1e-6;
        put(from + mm * pxPerMm, isNamed, String(Math.abs(Number(mm.toFixed(1)))));
      }
    };
    each(middle.x, box.width, (x, isNamed, label) => {
      const long = isGrid ? box.height : isNamed ? 16 : 8;
      this.svg.append(draw("line", { x1: x, x2: x, y1: box.top, y2: box.top + long, class: isNamed ? "named" : "" }));
      if (isNamed) this.svg.append(draw("text", { x: x + 3, y: box.top + (isGrid ? 14 : 30) }, label));
    });
    each(middle.y, box.height, (y, isNamed, label) => {
      const long = isGrid ? box.width : isNamed ? 16 : 8;
      this.svg.append(draw("line", { x1: right - long, x2: right, y1: y, y2: y, class: isNamed ? "named" : "" }));
      if (isNamed && y > box.top + 40 && y < bottom - 4) this.svg.append(draw("text", { x: right - (isGrid ? 6 : 20), y: y - 4, "text-anchor": "end" }, label));
    });
  }
}
