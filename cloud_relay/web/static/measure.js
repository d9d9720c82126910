/** Calibrating a spot once: a line over a thing of known length, by drag or keys, says how wide the picture is there. */

import { t } from "./api.js";

const STEP = 0.005, STEP_LARGE = 0.05;
const clamp = (value) => Math.min(Math.max(value, 0), 1);

/** How many millimetres the picture is wide at zoom 1, from a line of that length; ends are shares of the picture. */
export function viewWidthMm(ends, lengthMm, zoom, shape) {
  const long = Math.hypot(ends[0].x - ends[1].x, (ends[0].y - ends[1].y) / shape);
  return long > 0.01 ? (lengthMm / long) * zoom : null;
}

export class Measure {
  /** @param stage the live picture's place  @param picture () => the element that shows it  @param onEnd () => void */
  constructor(stage, picture, onEnd) {
    Object.assign(this, { stage, picture, onEnd, held: 0, ends: [{ x: 0.35, y: 0.5 }, { x: 0.65, y: 0.5 }] });
    this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.svg.classList.add("measure");
    this.line = this.svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "line"));
    this.dots = this.ends.map(() => this.svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "circle")));
    this.veil = Object.assign(document.createElement("div"), { className: "measure-veil", tabIndex: 0, role: "application" });
    this.veil.dataset.arrows = this.veil.dataset.own = "";
    this.veil.ariaLabel = t("Lay the line over something of known length: drag from one end to the other; or arrows move an end, Enter takes the other end, Escape leads out.",
      "把线放在已知长度的物体上：从一端拖到另一端；或用方向键移动端点，回车切换端点，Esc 离开。");
    this.veil.append(this.svg);
    this.veil.addEventListener("pointerdown", (event) => this.down(event));
    this.veil.addEventListener("pointermove", (event) => this.isDragging && this.moveTo(event));
    for (const end of ["pointerup", "pointercancel"]) this.veil.addEventListener(end, () => { this.isDragging = false; });
    this.veil.addEventListener("keydown", (event) => this.key(event));
    addEventListener("resize", () => this.veil.isConnected && this.draw());
  }

  get isOpen() { return this.veil.isConnected; }

  open() { this.stage.append(this.veil); this.stage.scrollIntoView({ block: "nearest" }); this.draw(); this.veil.focus({ preventScroll: true }); }
  close() { this.veil.remove(); }

  /** Width over height of the picture. */
  get shape() {
    const picture = this.picture();
    return (picture.videoWidth || picture.naturalWidth || 16) / (picture.videoHeight || picture.naturalHeight || 9);
  }

  box() {
    const wide = this.veil.clientWidth, high = this.veil.clientHeight, width = Math.min(wide, high * this.shape), height = width / this.shape;
    return { left: (wide - width) / 2, top: (high - height) / 2, width, height };
  }

  at(event) {
    const box = this.box(), edge = this.veil.getBoundingClientRect();
    return { x: clamp((event.clientX - edge.left - box.left) / box.width), y: clamp((event.clientY - edge.top - box.top) / box.height) };
  }

  /** Near an end takes that end, anywhere else begins a new line. */
  down(event) {
    this.veil.setPointerCapture(event.pointerId);
    const at = this.at(event), near = this.ends.findIndex((end) => Math.hypot(end.x - at.x, end.y - at.y) < 0.04);
    this.held = near < 0 ? 1 : near;
    if (near < 0) this.ends = [at, { ...at }];
    this.isDragging = true;
    this.draw();
  }

  moveTo(event) { this.ends[this.held] = this.at(event); this.draw(); }

  key(event) {
    const size = event.shiftKey ? STEP_LARGE : STEP, end = this.ends[this.held];
    const [x, y] = { ArrowLeft: [-size, 0], ArrowRight: [size, 0], ArrowUp: [0, -size], ArrowDown: [0, size] }[event.key] ?? [0, 0];
    if (x || y) this.ends[this.held] = { x: clamp(end.x + x), y: clamp(end.y + y * this.shape) };
    else if (event.key === "Enter" || event.key === " ") this.held = 1 - this.held;
    else if (event.key === "Escape") this.onEnd();
    else return;
    event.preventDefault();
    this.draw();
  }

  draw() {
    const box = this.box(), [a, b] = this.ends.map((end) => [box.left + end.x * box.width, box.top + end.y * box.height]);
    for (const [name, value] of Object.entries({ x1: a[0], y1: a[1], x2: b[0], y2: b[1] })) this.line.setAttribute(name, value);
    [a, b].forEach(([x, y], place) => {
      this.dots[place].setAttribute("cx", x);
      this.dots[place].setAttribute("cy", y);
      this.dots[place].setAttribute("r", place === this.held ? 9 : 6);
    });
  }
}
